#include "flow/flow_key.h"

#include <algorithm>
#include <utility>

#include "decode/embedded.h"
#include "flow/community_id.h"

namespace thymus::flow {
namespace {

namespace ip = decode::ip_protocol;
using decode::Encap;

bool identity_is_symmetric(Encap type) {
  return type == Encap::kVxlan || type == Encap::kGeneve || type == Encap::kGre ||
         type == Encap::kNvgre || type == Encap::kErspan;
}

// The requester's end carries the type of the request, the other end that of the reply, so that an
// exchange begun by one host is not that begun by the other. One-way messages have one number.
void icmp_ports(uint8_t protocol, uint8_t type, uint8_t code, uint16_t id, FlowKey* key) {
  const int other = icmp_counterpart(protocol, type);
  if (other >= 0) {
    key->port_a = type;
    key->port_b = static_cast<uint16_t>(other);
    key->icmp_id = id;
  } else {
    key->port_a = key->port_b = static_cast<uint16_t>(type << 8 | code);
  }
}

void esp_ports(const decode::PacketView& view, FlowKey* key) {
  if (view.is_fragment) return;
  Reader r(view.payload());
  key->port_a = r.be16();
  key->port_b = r.be16();
}

// What takes the place of ports where there are none.
void other_ports(const decode::PacketView& view, FlowKey* key) {
  if (view.protocol == ip::kEsp) return esp_ports(view, key);
  if (view.protocol != ip::kIcmp && view.protocol != ip::kIcmpV6) return;
  key->port_a = key->port_b = 0;
  if (view.transport_ok) {
    icmp_ports(view.protocol, view.icmp_type, view.icmp_code, view.icmp_id, key);
  }
}

bool put_in_order(FlowKey* key) {
  const uint64_t a0 = key->a.high(), a1 = key->a.low(), b0 = key->b.high(), b1 = key->b.low();
  const bool swapped = a0 != b0 ? a0 > b0 : a1 != b1 ? a1 > b1 : key->port_a > key->port_b;
  if (swapped) {
    std::swap(key->a, key->b);
    std::swap(key->port_a, key->port_b);
  }
  return swapped;
}

}  // namespace

bool make_key(const decode::PacketView& view, FlowKey* key) {
  key->a = view.src;
  key->b = view.dst;
  key->port_a = view.src_port;
  key->port_b = view.dst_port;
  key->protocol = view.protocol;
  key->tunnel_type = static_cast<uint8_t>(view.tunnel_type);
  key->vlan_outer = view.vlan_outer;
  key->vlan_inner = view.vlan_inner;
  key->tunnel_id = identity_is_symmetric(view.tunnel_type) ? view.tunnel_id : 0;
  key->icmp_id = 0;
  if (view.protocol != ip::kTcp && view.protocol != ip::kUdp) other_ports(view, key);
  return put_in_order(key);
}

bool make_embedded_key(const decode::PacketView& view, FlowKey* key) {
  decode::PacketView quoted;
  if (!decode::decode_embedded(view, &quoted) || !quoted.transport_ok) return false;
  make_key(quoted, key);
  return true;
}

}  // namespace thymus::flow
