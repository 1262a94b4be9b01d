// Links that name an address family of the capturing system before the IP packet.
//
//   NULL, LOOP   family (4), in the byte order of the capturing host or of the network
//   pflog        header length (1)  family (1)  ... padded to a multiple of 4
//   enc          family (4)  security parameters (4)  flags (4)
#include "decode/layers.h"

namespace thymus::decode {
namespace {

constexpr uint32_t kInet = 2;

// AF_INET6 of Linux, NetBSD/OpenBSD, FreeBSD, Darwin and Windows.
bool is_inet6(uint32_t family) {
  return family == 10 || family == 24 || family == 28 || family == 30 || family == 23;
}

}  // namespace

bool decode_null(Walk& walk, Layer layer) {
  Header<4> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kNullPktTooSmall);
  const uint32_t little = header.le32<0>(), big = header.be32<0>();
  if (little == kInet || big == kInet) return decode_ipv4(walk, layer);
  if (is_inet6(little) || is_inet6(big)) return decode_ipv6(walk, layer);
  return walk.broken(Anomaly::kNullUnsupportedType);
}

bool decode_pflog(Walk& walk, Layer layer) {
  const size_t header_bytes = (layer.reader.peek_u8() + 3u) & ~3u;
  if (header_bytes == 0 || !layer.reader.skip(header_bytes)) {
    return walk.broken(Anomaly::kLinkHeaderTooSmall);
  }
  return decode_ip(walk, layer);
}

bool decode_enc(Walk& walk, Layer layer) {
  constexpr size_t kHeaderBytes = 12;
  if (!layer.reader.skip(kHeaderBytes)) return walk.broken(Anomaly::kLinkHeaderTooSmall);
  return decode_ip(walk, layer);
}

}  // namespace thymus::decode
