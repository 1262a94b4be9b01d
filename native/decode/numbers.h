// Numbers that several layers share.
#pragma once

#include <cstdint>

namespace thymus::decode {

// IEEE 802 numbers.
namespace ethertype {
inline constexpr uint16_t kIpv4 = 0x0800, kArp = 0x0806, kTransparentBridging = 0x6558,
                          kVlan = 0x8100, kIpv6 = 0x86dd, kPpp = 0x880b, kMpls = 0x8847,
                          kMplsMulticast = 0x8848, kPppoeSession = 0x8864, kServiceVlan = 0x88a8,
                          kProfinet = 0x8892, kEthercat = 0x88a4, kGoose = 0x88b8,
                          kErspan2 = 0x88be, kErspan3 = 0x22eb, kWccp = 0x883e, kPbb = 0x88e7,
                          kFabricPath = 0x8903, kCiscoMetadata = 0x8909, kVntag = 0x8926,
                          kEtag = 0x893f, kNsh = 0x894f, kQinqOld = 0x9100, kQinqOld2 = 0x9200,
                          kQinqOld3 = 0x9300;
// Below it the field is a length (802.3).
inline constexpr uint16_t kFirstType = 0x0600;
// No numbers, but our own way to say "IP, by its version" and "802.11" of what a tunnel carries.
inline constexpr uint16_t kAnyIp = 0, kAnyWlan = 1;
}  // namespace ethertype

// 802.1Q, 802.1ad, and what switches used for stacked tags before it.
inline bool is_vlan(uint16_t type) {
  return type == ethertype::kVlan || type == ethertype::kServiceVlan ||
         type == ethertype::kQinqOld || type == ethertype::kQinqOld2 ||
         type == ethertype::kQinqOld3;
}

}  // namespace thymus::decode
