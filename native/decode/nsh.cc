// Network service header (RFC 8300).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +---+-+-+-----------+-----------+-------+-------+---------------+
//   |ver|O|U|    TTL    |  length   |U U U U|MD type| next protocol |  length: in words, of all
//   +---+-+-+-----------+-----------+-------+-------+---------------+
//   |          service path identifier              | service index |
//   +-----------------------------------------------+---------------+
#include "decode/carried.h"
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {
namespace {

// 0 where the next protocol is none that carries packets; ethertype::kAnyIp cannot be meant.
uint16_t ethertype_of(uint8_t next_protocol) {
  constexpr uint8_t kIpv4 = 1, kIpv6 = 2, kEthernet = 3, kNsh = 4, kMpls = 5;
  switch (next_protocol) {
    case kIpv4:
      return ethertype::kIpv4;
    case kIpv6:
      return ethertype::kIpv6;
    case kEthernet:
      return ethertype::kTransparentBridging;
    case kNsh:
      return ethertype::kNsh;
    case kMpls:
      return ethertype::kMpls;
    default:
      return 0;
  }
}

}  // namespace

bool decode_nsh(Walk& walk, Layer layer) {
  constexpr size_t kVersion = 0, kLength = 1, kNextProtocol = 3, kPath = 4, kBaseBytes = 8;
  Header<kBaseBytes> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kNshHeaderTooSmall);
  if (header.u8<kVersion>() >> 6 != 0) return walk.broken(Anomaly::kNshUnsupportedVersion);
  const size_t length = (header.u8<kLength>() & 0x3f) * size_t{4};
  if (length < kBaseBytes || !layer.reader.skip(length - kBaseBytes)) {
    return walk.broken(Anomaly::kNshBadHeaderLength);
  }
  const uint16_t type = ethertype_of(header.u8<kNextProtocol>());
  if (type == 0) return false;
  return decode_carried(
      walk, layer, {.type = Encap::kOther, .ethertype = type, .id = header.be32<kPath>() >> 8});
}

}  // namespace thymus::decode
