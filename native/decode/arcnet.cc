// ARCNET with IP (RFC 1201, RFC 1051), as Linux and BSD capture it.
//
//   source (1)  destination (1)  [Linux: offset (2)]  protocol (1)  [RFC 1201: flag (1) sequence
//   (2)]
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {
namespace {

bool decode_protocol(Walk& walk, Layer layer) {
  constexpr uint8_t kIpv4 = 212, kArp = 213, kIpv6 = 196, kIpv4Rfc1051 = 240, kArpRfc1051 = 241;
  constexpr size_t kFragmentBytes = 3;
  const uint8_t protocol = layer.reader.u8();
  const bool is_rfc1051 = protocol == kIpv4Rfc1051 || protocol == kArpRfc1051;
  if (!is_rfc1051) layer.reader.skip(kFragmentBytes);
  if (!layer.reader.ok()) return walk.broken(Anomaly::kLinkHeaderTooSmall);
  switch (protocol) {
    case kIpv4:
    case kIpv4Rfc1051:
      return decode_ethertype(walk, layer, ethertype::kIpv4);
    case kIpv6:
      return decode_ethertype(walk, layer, ethertype::kIpv6);
    case kArp:
    case kArpRfc1051:
      return decode_ethertype(walk, layer, ethertype::kArp);
    default:
      return false;
  }
}

}  // namespace

bool decode_arcnet(Walk& walk, Layer layer) {
  layer.reader.skip(2);
  return decode_protocol(walk, layer);
}

bool decode_arcnet_linux(Walk& walk, Layer layer) {
  layer.reader.skip(4);
  return decode_protocol(walk, layer);
}

}  // namespace thymus::decode
