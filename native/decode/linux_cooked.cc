// Linux "cooked" captures of any device (LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2).
//
//   SLL    packet type (2)  device type (2)  address length (2)  address (8)  protocol (2)
//   SLL2   protocol (2)  zero (2)  interface (4)  device type (2)  packet type (1)
//          address length (1)  address (8)
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {
namespace {

// Linux numbers of devices and of frames without an ethertype.
constexpr uint16_t kDeviceRadiotap = 803, kDeviceNetlink = 824, kFrame802_2 = 4;

bool decode_cooked(Walk& walk, Layer layer, uint16_t device, uint16_t protocol) {
  if (device == kDeviceRadiotap) return decode_radiotap(walk, layer);
  if (device == kDeviceNetlink) return false;
  if (protocol == kFrame802_2) return decode_llc(walk, layer);
  return protocol >= ethertype::kFirstType && decode_ethertype(walk, layer, protocol);
}

}  // namespace

bool decode_linux_sll(Walk& walk, Layer layer) {
  constexpr size_t kDevice = 2, kProtocol = 14;
  Header<16> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kSllPktTooSmall);
  return decode_cooked(walk, layer, header.be16<kDevice>(), header.be16<kProtocol>());
}

bool decode_linux_sll2(Walk& walk, Layer layer) {
  constexpr size_t kProtocol = 0, kDevice = 8;
  Header<20> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kSll2PktTooSmall);
  return decode_cooked(walk, layer, header.be16<kDevice>(), header.be16<kProtocol>());
}

}  // namespace thymus::decode
