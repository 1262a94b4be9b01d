#include "decode/carried.h"

#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {
namespace {

// Makes the view that of a packet of which nothing is known but who carries it.
void enter(PacketView& view, const Tunnel& tunnel) {
  if (view.is_ip()) {
    if (view.outer_src.is_unspecified() && view.outer_dst.is_unspecified()) {
      view.outer_src = view.src;
      view.outer_dst = view.dst;
    }
    view.has_mac = false;  // the frame's stations are those of the carrier
    if (tunnel.ethertype == ethertype::kTransparentBridging) {
      view.vlan_outer = tunnel.vlan;
      view.vlan_inner = kNoVlan;
    }
  }
  view.network = Network::kNone;
  view.src = view.dst = IpAddress{};
  view.src_port = view.dst_port = 0;
  view.protocol = view.ttl = view.tos = 0;
  view.ip_bytes = view.ip_offset = 0;
  view.payload_offset = view.payload_bytes = view.payload_wire_bytes = 0;
  view.fragment_id = 0;
  view.transport_ok = false;
  view.encap[view.n_encap++] = tunnel.type;
  view.encap_depth = view.n_encap;
  view.tunnel_type = tunnel.type;
  view.tunnel_id = tunnel.id;
}

// Whether a claim of the carried packet exceeds its carrier, which real tunnels do not do.
bool exceeds_carrier(const PacketView& view, uint8_t n_before) {
  const uint8_t n = std::min(view.n_anomalies, PacketView::kMaxAnomalies);
  for (uint8_t i = n_before; i < n; ++i) {
    const Anomaly a = view.anomalies[i];
    if (a == Anomaly::kIpv4TruncPkt || a == Anomaly::kIpv6TruncPkt) return true;
  }
  return false;
}

bool decode_inner(Walk& walk, const Layer& layer, uint16_t type) {
  switch (type) {
    case ethertype::kAnyIp:
      return decode_ip(walk, layer);
    case ethertype::kAnyWlan:
      return decode_ieee80211(walk, layer);
    default:
      return decode_ethertype(walk, layer, type);
  }
}

void leave(PacketView& view, const PacketView& carrier, Certainty certainty) {
  if (certainty == Certainty::kGuessed) {
    view = carrier;
    return;
  }
  const PacketView carried = view;
  view = carrier;
  view.n_anomalies = carried.n_anomalies;
  std::copy(std::begin(carried.anomalies), std::end(carried.anomalies), std::begin(view.anomalies));
}

}  // namespace

bool decode_carried(Walk& walk, Layer layer, const Tunnel& tunnel) {
  if (walk.view.n_encap == kMaxEncapDepth) return walk.broken(Anomaly::kTooManyLayers);
  const PacketView carrier = walk.view;
  enter(walk.view, tunnel);
  if (decode_inner(walk, layer, tunnel.ethertype) &&
      (tunnel.certainty == Certainty::kStated ||
       !exceeds_carrier(walk.view, carrier.n_anomalies))) {
    return true;
  }
  leave(walk.view, carrier, tunnel.certainty);
  return false;
}

}  // namespace thymus::decode
