// A packet that was met where another one was: quoted by it, or put together from it.
#pragma once

#include <algorithm>

#include "decode/packet_view.h"

namespace thymus::decode {

// Nothing but the frame, its times and what carries `known` in it.
inline PacketView blank_at_same_place(const PacketView& known) {
  PacketView view{};
  view.frame = known.frame;
  view.ts_ns = known.ts_ns;
  view.engine_ns = known.engine_ns;
  view.index = known.index;
  view.caplen = known.caplen;
  view.origlen = known.origlen;
  view.tcp_window_scale = known.tcp_window_scale;
  view.vlan_outer = known.vlan_outer;
  view.vlan_inner = known.vlan_inner;
  view.tunnel_type = known.tunnel_type;
  view.tunnel_id = known.tunnel_id;
  view.encap_depth = known.encap_depth;
  view.n_encap = known.n_encap;
  std::copy(std::begin(known.encap), std::end(known.encap), std::begin(view.encap));
  view.outer_src = known.outer_src;
  view.outer_dst = known.outer_dst;
  return view;
}

}  // namespace thymus::decode
