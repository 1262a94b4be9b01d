// Who says that it is where on the link: ARP (RFC 826) and IPv6 neighbour discovery (RFC 4861).
#pragma once

#include <array>

#include "decode/packet_view.h"

namespace thymus::decode {

enum class NeighbourMessage : uint8_t {
  kArp,
  kRouterSolicitation,
  kRouterAdvertisement,
  kNeighbourSolicitation,
  kNeighbourAdvertisement,
  kRedirect,
};

// A prefix information option (RFC 4861, 4.6.2). Lifetimes in seconds.
struct AdvertisedPrefix {
  IpAddress prefix;
  uint8_t length;
  bool on_link;
  bool autonomous;
  uint32_t valid_lifetime;
  uint32_t preferred_lifetime;
};

// One message. `sender` and `target` of ARP are the addresses that it speaks of; of neighbour
// discovery `sender` is the packet's source. A MAC of zeros was not said.
struct Neighbour {
  static constexpr size_t kMostPrefixes = 8;
  static constexpr size_t kMostDnsServers = 8;

  NeighbourMessage message;
  IpAddress sender;
  IpAddress target;                         // not of router messages
  IpAddress destination;                    // of a redirect
  MacAddress sender_mac;                    // ARP; source link-layer address option
  MacAddress target_mac;                    // ARP; target link-layer address option
  uint16_t hardware;                        // ARP
  uint16_t opcode;                          // ARP
  bool is_router, is_solicited, overrides;  // neighbour advertisement
  uint8_t hop_limit;                        // from here on: router advertisement
  bool is_managed, has_other_config;
  uint8_t preference;        // RFC 4191, 2.1: two bits
  uint16_t router_lifetime;  // seconds
  uint32_t mtu;              // 0: not said
  uint8_t n_prefixes;
  uint8_t n_dns_servers;
  uint8_t n_left_out;  // options beyond these two bounds, saturating
  std::array<AdvertisedPrefix, kMostPrefixes> prefixes;
  std::array<IpAddress, kMostDnsServers> dns_servers;  // RFC 8106, 5.1
};

// Whether `read_neighbour` is to be asked.
inline bool may_be_neighbour(const PacketView& view) {
  if (view.network == Network::kArp) return true;
  return view.protocol == ip_protocol::kIcmpV6 && view.icmp_type >= 133 && view.icmp_type <= 137;
}

// Fills `out`. False for a message that hosts must ignore (RFC 4861, 6.1, 7.1 and 8.1): one that is
// cut or in fragments, or came through a router.
bool read_neighbour(const PacketView& view, Neighbour* out);

}  // namespace thymus::decode
