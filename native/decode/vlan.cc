// 802.1Q and 802.1ad tags (IEEE 802.1Q, section 9).
//
//    0                   1
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
//   +-----+-+-----------------------+-------------------------------+
//   | PCP |D|        VLAN id        |         type or length        |
//   +-----+-+-----------------------+-------------------------------+
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {
namespace {

void note_tag(PacketView& view, uint16_t id) {
  if (view.vlan_outer == kNoVlan) {
    view.vlan_outer = id;
  } else if (view.vlan_inner == kNoVlan) {
    view.vlan_inner = id;
  }
}

}  // namespace

bool decode_vlan(Walk& walk, Layer layer) {
  constexpr size_t kTag = 0, kType = 2;
  constexpr uint16_t kIdMask = 0x0fff;
  constexpr int kMaxTags = 8;
  for (int i = 0; i < kMaxTags; ++i) {
    Header<4> header;
    if (!header.read(layer.reader)) return walk.broken(Anomaly::kVlanHeaderTooSmall);
    note_tag(walk.view, static_cast<uint16_t>(header.be16<kTag>() & kIdMask));
    const uint16_t type = header.be16<kType>();
    if (!is_vlan(type)) return decode_ethertype(walk, layer, type);
  }
  return walk.broken(Anomaly::kVlanTooManyLayers);
}

}  // namespace thymus::decode
