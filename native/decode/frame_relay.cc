// Frame Relay with the encapsulation of RFC 2427, or with Cisco's.
//
//   +-------------------------------+-------------+-------------+-----------+
//   | Q.922 address (2 to 4; the    | control 03  | padding 00  | NLPID (1) |
//   | last byte has its lowest bit  +-------------+-------------+-----------+
//   | set)                          | Cisco: type (2)           |
//   +-------------------------------+---------------------------+
#include "decode/layers.h"
#include "decode/llc.h"
#include "decode/numbers.h"

namespace thymus::decode {
namespace {

bool skip_address(Reader& reader) {
  constexpr int kMaxAddressBytes = 4;
  for (int i = 0; i < kMaxAddressBytes; ++i) {
    if (reader.u8() & 1) return i > 0 && reader.ok();
  }
  return false;
}

bool decode_nlpid(Walk& walk, Layer layer, uint8_t nlpid) {
  constexpr uint8_t kSnap = 0x80, kIpv6 = 0x8e, kIpv4 = 0xcc, kPpp = 0xcf;
  switch (nlpid) {
    case kSnap:
      return decode_snap(walk, layer);
    case kIpv6:
      return decode_ipv6(walk, layer);
    case kIpv4:
      return decode_ipv4(walk, layer);
    case kPpp:
      return decode_ppp(walk, layer);
    default:
      return false;
  }
}

}  // namespace

bool decode_frame_relay(Walk& walk, Layer layer) {
  constexpr uint8_t kUnnumbered = 0x03, kPadding = 0x00;
  if (!skip_address(layer.reader)) return walk.broken(Anomaly::kFrameRelayPktTooSmall);
  if (layer.reader.peek_be16() >= ethertype::kFirstType) {
    const uint16_t type = layer.reader.be16();
    return decode_ethertype(walk, layer, type);
  }
  if (layer.reader.u8() != kUnnumbered) return false;
  if (layer.reader.peek_u8() == kPadding) layer.reader.skip(1);
  const uint8_t nlpid = layer.reader.u8();
  if (!layer.reader.ok()) return walk.broken(Anomaly::kFrameRelayPktTooSmall);
  return decode_nlpid(walk, layer, nlpid);
}

}  // namespace thymus::decode
