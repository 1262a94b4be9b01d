// PPP (RFC 1661), with or without HDLC-like framing (RFC 1662).
//
//   +---------------+----------------+-----------------+---------------
//   | address (0-1) | control (0-1)  | protocol (1-2)  | ...
//   +---------------+----------------+-----------------+---------------
// Address ff and control 03 may be left out, and so may the first byte of a protocol below 256,
// which is odd in its last bit only.
#include "decode/layers.h"

namespace thymus::decode {
namespace {

constexpr uint16_t kAllStations = 0xff03;

bool decode_unframed(Walk& walk, Layer layer) {
  uint16_t protocol = layer.reader.u8();
  if (!(protocol & 1)) protocol = static_cast<uint16_t>(protocol << 8 | layer.reader.u8());
  if (!layer.reader.ok()) return walk.broken(Anomaly::kPppPktTooSmall);
  return decode_ppp_protocol(walk, layer, protocol);
}

}  // namespace

bool decode_ppp(Walk& walk, Layer layer) {
  if (layer.reader.peek_be16() == kAllStations) layer.reader.skip(2);
  return decode_unframed(walk, layer);
}

// pppd puts the direction of the packet where the address was.
bool decode_pppd(Walk& walk, Layer layer) {
  if (!layer.reader.skip(1)) return walk.broken(Anomaly::kPppPktTooSmall);
  constexpr uint8_t kUnnumbered = 0x03;
  if (layer.reader.peek_u8() == kUnnumbered) {
    layer.reader.skip(1);
    return decode_unframed(walk, layer);
  }
  return decode_ppp(walk, layer);
}

bool decode_ppp_or_chdlc(Walk& walk, Layer layer) {
  constexpr uint8_t kCiscoUnicast = 0x0f, kCiscoMulticast = 0x8f;
  const uint8_t address = layer.reader.peek_u8();
  if (address == kCiscoUnicast || address == kCiscoMulticast) return decode_chdlc(walk, layer);
  return decode_ppp(walk, layer);
}

bool decode_ppp_protocol(Walk& walk, Layer layer, uint16_t protocol) {
  constexpr uint16_t kIpv4 = 0x0021, kIpv6 = 0x0057, kMpls = 0x0281, kMplsMulticast = 0x0283;
  switch (protocol) {
    case kIpv4:
      return decode_ipv4(walk, layer);
    case kIpv6:
      return decode_ipv6(walk, layer);
    case kMpls:
    case kMplsMulticast:
      return decode_mpls(walk, layer);
    default:
      return false;
  }
}

}  // namespace thymus::decode
