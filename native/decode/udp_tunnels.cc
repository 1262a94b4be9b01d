#include "decode/udp_tunnels.h"

#include "decode/layers.h"

namespace thymus::decode {
namespace {

// These use the port as destination only; the source port carries entropy.
bool decode_by_destination(Walk& walk, Layer layer, uint16_t port) {
  switch (port) {
    case tunnel_port::kVxlan:
    case tunnel_port::kVxlanLinux:
      return decode_vxlan(walk, layer);
    case tunnel_port::kVxlanGpe:
      return decode_vxlan_gpe(walk, layer);
    case tunnel_port::kGeneve:
      return decode_geneve(walk, layer);
    case tunnel_port::kMpls:
      return decode_mpls_udp(walk, layer);
    case tunnel_port::kTzsp:
      return decode_tzsp(walk, layer);
    default:
      return false;
  }
}

// These answer from the port they were sent to.
bool decode_by_either(Walk& walk, Layer layer, uint16_t port) {
  switch (port) {
    case tunnel_port::kL2tp:
      return decode_l2tp(walk, layer);
    case tunnel_port::kGtpU:
      return decode_gtpu(walk, layer);
    case tunnel_port::kTeredo:
      return decode_teredo(walk, layer);
    case tunnel_port::kCapwapData:
      return decode_capwap(walk, layer);
    default:
      return false;
  }
}

}  // namespace

void decode_udp_tunnel(Walk& walk, Extent payload) {
  if (walk.view.is_fragment) return;  // what it carries is whole only after reassembly
  const Layer layer(walk, payload);
  const uint16_t source = walk.view.src_port, destination = walk.view.dst_port;
  if (decode_by_destination(walk, layer, destination)) return;
  if (decode_by_either(walk, layer, destination)) return;
  if (source != destination) decode_by_either(walk, layer, source);
}

}  // namespace thymus::decode
