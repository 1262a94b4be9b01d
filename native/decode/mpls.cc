// MPLS label stack (RFC 3032), with IP or an Ethernet pseudowire (RFC 4448) below it.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +---------------------------------------+-----+-+---------------+
//   |                 label                 | TC  |S|      TTL      |  S: the last of the stack
//   +---------------------------------------+-----+-+---------------+
// The stack does not say what it carries; routers look at the first four bits and so do we.
#include "decode/carried.h"
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {
namespace {

bool try_carried(Walk& walk, const Layer& layer, uint16_t type, uint32_t label) {
  return decode_carried(
      walk, layer,
      {.type = Encap::kMpls, .ethertype = type, .id = label, .certainty = Certainty::kGuessed});
}

// A control word starts with four zero bits; so do many station addresses.
bool try_pseudowire(Walk& walk, const Layer& layer, uint32_t label) {
  constexpr size_t kControlWordBytes = 4;
  Layer after_word = layer;
  if (layer.reader.peek_u8() >> 4 == 0 && after_word.reader.skip(kControlWordBytes) &&
      try_carried(walk, after_word, ethertype::kTransparentBridging, label)) {
    return true;
  }
  return try_carried(walk, layer, ethertype::kTransparentBridging, label);
}

}  // namespace

bool decode_mpls(Walk& walk, Layer layer) {
  constexpr uint32_t kBottomOfStack = 0x100;
  constexpr int kLabelShift = 12;
  uint32_t entry = 0;
  do {
    entry = layer.reader.be32();
    if (!layer.reader.ok()) return walk.broken(Anomaly::kMplsHeaderTooSmall);
  } while (!(entry & kBottomOfStack));

  const uint32_t label = entry >> kLabelShift;
  const uint8_t nibble = layer.reader.peek_u8() >> 4;
  const bool may_be_ip = nibble == 4 || nibble == 6;
  if (may_be_ip && try_carried(walk, layer, ethertype::kAnyIp, label)) return true;
  if (try_pseudowire(walk, layer, label)) return true;
  return walk.broken(Anomaly::kMplsUnknownPayloadType);
}

// MPLS in UDP (RFC 7510).
bool decode_mpls_udp(Walk& walk, Layer layer) {
  const PacketView datagram = walk.view;
  if (decode_mpls(walk, layer)) return true;
  walk.view = datagram;
  return false;
}

}  // namespace thymus::decode
