#include "decode/ipv4.h"

namespace thymus::decode {

//   type 0: end of list    type 1: padding    others: type (1), length (1, of all), value
void check_ipv4_options(Walk& walk, Reader options) {
  constexpr uint8_t kEnd = 0, kPadding = 1;
  while (!options.empty()) {
    const uint8_t type = options.u8();
    if (type == kEnd) return;
    if (type == kPadding) continue;
    const size_t length = options.u8();
    if (length < 2 || !options.skip(length - 2)) {
      walk.view.add_anomaly(Anomaly::kIpv4OptInvalidLen);
      return;
    }
  }
}

void read_ipv4_fragment(Walk& walk, Extent extent, uint16_t flags_and_offset) {
  constexpr uint16_t kMoreFragments = 0x2000, kOffset = 0x1fff;
  constexpr uint32_t kLargestPacket = 65535;
  PacketView& view = walk.view;
  walk.can_verify_transport = false;
  view.is_fragment = true;
  view.more_fragments = flags_and_offset & kMoreFragments;
  view.fragment_offset = static_cast<uint16_t>((flags_and_offset & kOffset) * 8);
  set_payload(view, extent);
  set_fragment_data(view, extent);
  if (view.fragment_offset + view.ip_bytes > kLargestPacket) {
    view.add_anomaly(Anomaly::kIpv4FragPktTooLarge);
  }
}

}  // namespace thymus::decode
