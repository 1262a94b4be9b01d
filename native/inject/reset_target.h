// What TCP resets are sent for.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/address.h"
#include "decode/packet_view.h"

namespace thymus::inject {

// One service of a host as another one calls it, or all that they have.
struct Edge {
  IpAddress from;
  IpAddress to;
  uint16_t to_port = 0;  // 0: any

  bool operator==(const Edge&) const = default;

  // Of a segment in either direction.
  bool covers(const decode::PacketView& segment) const {
    return covers_way(segment.src, segment.dst, segment.dst_port) ||
           covers_way(segment.dst, segment.src, segment.src_port);
  }

 private:
  bool covers_way(const IpAddress& source, const IpAddress& destination, uint16_t port) const {
    return source == from && destination == to && (to_port == 0 || port == to_port);
  }
};

// All TCP of a host, or what it has with another one, or with one service of that one; but for
// edges that are spared.
struct ResetTarget {
  IpAddress host;
  std::optional<IpAddress> peer;  // absent: whoever
  uint16_t peer_port = 0;         // of the peer's service; 0: any
  std::vector<Edge> spared = {};

  bool operator==(const ResetTarget&) const = default;

  bool covers(const decode::PacketView& segment) const {
    const bool is_meant = peer ? Edge{host, *peer, peer_port}.covers(segment)
                               : segment.src == host || segment.dst == host;
    if (!is_meant) return false;
    for (const Edge& edge : spared) {
      if (edge.covers(segment)) return false;
    }
    return true;
  }
};

}  // namespace thymus::inject
