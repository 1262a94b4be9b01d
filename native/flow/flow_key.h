// What tells one flow from another: the five-tuple in canonical order, tunnel and VLAN identity.
// Both directions of a biflow (RFC 5103) have the same key. A security association of ESP (RFC
// 4303) is one-way: its security parameters index makes it a flow of its own.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/address.h"
#include "base/hash.h"
#include "decode/packet_view.h"

namespace thymus::flow {

struct FlowKey {
  IpAddress a;  // the smaller endpoint, in an arbitrary but fixed order
  IpAddress b;
  // ICMP: the type that this end sends in the exchange. ESP: the sender has the upper half of the
  // SPI, the receiver the lower one.
  uint16_t port_a;
  uint16_t port_b;
  uint8_t protocol;
  uint8_t tunnel_type;
  uint16_t vlan_outer;
  uint32_t tunnel_id;
  uint16_t vlan_inner;
  uint16_t icmp_id;  // of echo and the like

  bool operator==(const FlowKey& o) const { return std::memcmp(this, &o, sizeof *this) == 0; }
};
static_assert(sizeof(FlowKey) == 48);

// Fills `key` from an IP packet. Returns true when the packet's source is endpoint b.
// TEIDs, MPLS labels and L2TP sessions differ by direction and stay out; VNIs and GRE keys count.
bool make_key(const decode::PacketView& view, FlowKey* key);

// The security parameters index of a flow of ESP, from its originator; 0 of fragments, which do not
// all carry it.
inline uint32_t spi_of(const FlowKey& key, bool orig_is_b) {
  return orig_is_b ? uint32_t{key.port_b} << 16 | key.port_a
                   : uint32_t{key.port_a} << 16 | key.port_b;
}

// The key of the flow that an ICMP error quotes; false when it quotes none.
bool make_embedded_key(const decode::PacketView& view, FlowKey* key);

inline uint64_t hash_key(const FlowKey& key, HashKey secret) {
  uint64_t w[6];
  std::memcpy(w, &key, sizeof w);
  const uint64_t h = fold_multiply(w[0] ^ secret.k0, w[1] ^ secret.k1) ^
                     fold_multiply(w[2] ^ secret.k1 ^ 0x9e3779b97f4a7c15ull, w[3] ^ ~secret.k0);
  return fold_multiply(h ^ w[4], w[5] ^ secret.k0 ^ 0xd6e8feb86659fd93ull);
}

}  // namespace thymus::flow
