// VXLAN (RFC 7348) and its generic extension (draft-ietf-nvo3-vxlan-gpe).
//
//   +---------------+----------------------------+-----------------+
//   |R R R R I P R R| reserved (2)               | next (GPE)      |
//   +---------------+----------------------------+-----------------+
//   |       VXLAN network identifier (3)         | reserved 0      |
//   +--------------------------------------------+-----------------+
#include "decode/carried.h"
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {
namespace {

constexpr size_t kFlags = 0, kNext = 3, kVni = 4, kReserved = 7;
constexpr uint8_t kHasVni = 0x08, kHasNext = 0x04;
using VxlanHeader = Header<8>;

bool decode_network(Walk& walk, const Layer& layer, const VxlanHeader& header, uint16_t type) {
  return decode_carried(walk, layer,
                        {.type = Encap::kVxlan,
                         .ethertype = type,
                         .id = header.be24<kVni>(),
                         .certainty = Certainty::kGuessed});
}

}  // namespace

bool decode_vxlan(Walk& walk, Layer layer) {
  VxlanHeader header;
  if (!header.read(layer.reader)) return false;
  if (!(header.u8<kFlags>() & kHasVni) || header.u8<kReserved>() != 0) return false;
  return decode_network(walk, layer, header, ethertype::kTransparentBridging);
}

bool decode_vxlan_gpe(Walk& walk, Layer layer) {
  constexpr uint8_t kIpv4 = 1, kIpv6 = 2, kEthernet = 3, kNsh = 4, kMpls = 5;
  VxlanHeader header;
  if (!header.read(layer.reader)) return false;
  constexpr uint8_t kRequired = kHasVni | kHasNext;
  if ((header.u8<kFlags>() & kRequired) != kRequired) return false;
  switch (header.u8<kNext>()) {
    case kIpv4:
      return decode_network(walk, layer, header, ethertype::kIpv4);
    case kIpv6:
      return decode_network(walk, layer, header, ethertype::kIpv6);
    case kEthernet:
      return decode_network(walk, layer, header, ethertype::kTransparentBridging);
    case kNsh:
      return decode_network(walk, layer, header, ethertype::kNsh);
    case kMpls:
      return decode_network(walk, layer, header, ethertype::kMpls);
    default:
      return false;
  }
}

}  // namespace thymus::decode
