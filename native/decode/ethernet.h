// Ethernet II and 802.3 (IEEE 802.3, section 3.2).
//
//   +------------------+------------------+----------------+----------------
//   | destination (6)  |    source (6)    | type or length | ...
//   +------------------+------------------+----------------+----------------
#pragma once

#include "decode/ipv4.h"
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {

// Everything but IPv4.
bool decode_rare_ethertype(Walk& walk, Extent extent, uint16_t type);

[[gnu::always_inline]] inline bool read_ethertype(Walk& walk, Extent extent, uint16_t type) {
  if (type == ethertype::kIpv4) [[likely]]
    return read_ipv4(walk, extent);
  return decode_rare_ethertype(walk, extent, type);
}

[[gnu::always_inline]] inline bool read_ethernet(Walk& walk, Extent extent) {
  constexpr size_t kDestination = 0, kSource = 6, kType = 12;
  Header<14> header;
  if (!walk.read(extent, header)) [[unlikely]]
    return walk.broken(Anomaly::kEthernetPktTooSmall);
  std::memcpy(walk.view.dst_mac.data(), header.at<kDestination, 6>(), 6);
  std::memcpy(walk.view.src_mac.data(), header.at<kSource, 6>(), 6);
  walk.view.has_mac = true;
  return read_ethertype(walk, extent, header.be16<kType>());
}

}  // namespace thymus::decode
