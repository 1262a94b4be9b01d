#include "decode/embedded.h"

#include "decode/layers.h"

namespace thymus::decode {
namespace {

// The least that a router must quote of a transport header (RFC 792).
constexpr uint32_t kQuotedTransportBytes = 8;

bool has_ports(uint8_t protocol) {
  return protocol == ip_protocol::kTcp || protocol == ip_protocol::kUdp ||
         protocol == ip_protocol::kSctp || protocol == ip_protocol::kUdpLite;
}

PacketView blank_like(const PacketView& error) {
  PacketView view{};
  view.frame = error.frame;
  view.ts_ns = error.ts_ns;
  view.engine_ns = error.engine_ns;
  view.index = error.index;
  view.caplen = error.caplen;
  view.origlen = error.origlen;
  view.tcp_window_scale = error.tcp_window_scale;
  view.vlan_outer = error.vlan_outer;
  view.vlan_inner = error.vlan_inner;
  view.tunnel_type = error.tunnel_type;
  view.tunnel_id = error.tunnel_id;
  view.encap_depth = error.encap_depth;
  view.n_encap = error.n_encap;
  std::copy(std::begin(error.encap), std::end(error.encap), std::begin(view.encap));
  view.outer_src = error.outer_src;
  view.outer_dst = error.outer_dst;
  return view;
}

}  // namespace

bool decode_embedded(const PacketView& error, PacketView* quoted) {
  const uint32_t end = error.payload_offset + error.payload_bytes;
  if (error.embedded_offset == 0 || error.embedded_offset > end) return false;
  *quoted = blank_like(error);
  const DecodeOptions options;
  Walk walk{*quoted, options, Bytes{error.frame, end}};
  const Extent extent{error.embedded_offset, end, error.payload_offset + error.payload_wire_bytes};
  if (!decode_ip(walk, Layer(walk, extent))) return false;
  const uint32_t transport_bytes = end - std::min(end, quoted->payload_offset);
  if (!quoted->transport_ok && !quoted->is_fragment && has_ports(quoted->protocol)) {
    quoted->transport_ok = transport_bytes >= kQuotedTransportBytes;
  }
  return true;
}

}  // namespace thymus::decode
