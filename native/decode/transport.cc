#include "decode/transport.h"

#include "decode/carried.h"
#include "decode/numbers.h"

namespace thymus::decode {
namespace {

constexpr uint8_t kEtherIp = 97, kMplsInIp = 137;

void decode_ip_in_ip(Walk& walk, const Layer& layer, Encap type, uint16_t inner_type) {
  decode_carried(walk, layer, {.type = type, .ethertype = inner_type});
}

// What a tunnel of this protocol carries; false when the protocol is no tunnel.
bool decode_tunnel(Walk& walk, const Layer& layer, uint8_t protocol) {
  const bool over_v4 = walk.view.network == Network::kIpv4;
  switch (protocol) {
    case ip_protocol::kIpIp:
      decode_ip_in_ip(walk, layer, over_v4 ? Encap::kIpIp : Encap::k4in6, ethertype::kIpv4);
      return true;
    case ip_protocol::kIpv6:
      decode_ip_in_ip(walk, layer, over_v4 ? Encap::k6in4 : Encap::kIpIp, ethertype::kIpv6);
      return true;
    case ip_protocol::kGre:
      decode_gre(walk, layer);
      return true;
    case ip_protocol::kL2tp:
      decode_l2tpv3_ip(walk, layer);
      return true;
    case kEtherIp:
      decode_etherip(walk, layer);
      return true;
    case kMplsInIp:
      decode_mpls(walk, layer);
      return true;
    default:
      return false;
  }
}

}  // namespace

void decode_rare_transport(Walk& walk, Extent extent, uint8_t protocol) {
  const Layer layer(walk, extent);
  set_payload(walk.view, extent);
  switch (protocol) {
    case ip_protocol::kIcmp:
      return decode_icmp(walk, layer);
    case ip_protocol::kIcmpV6:
      return decode_icmpv6(walk, layer);
    case ip_protocol::kSctp:
      return decode_sctp(walk, layer);
    case ip_protocol::kUdpLite:
      return decode_udp_lite(walk, layer);
    case ip_protocol::kEsp:
      return decode_esp(walk, layer);
    default:
      // What a fragment carries is whole only after reassembly.
      if (walk.view.is_fragment) return;
      if (protocol == ip_protocol::kAh) return decode_ah(walk, layer);
      decode_tunnel(walk, layer, protocol);
  }
}

void decode_transport(Walk& walk, Layer layer, uint8_t protocol) {
  read_transport(walk, layer, protocol);
}

}  // namespace thymus::decode
