// What TCP resets are sent for.
#pragma once

#include <cstdint>
#include <optional>

#include "base/address.h"
#include "decode/packet_view.h"

namespace thymus::inject {

// All TCP of a host, or what it has with another one, or with one service of that one.
struct ResetTarget {
  IpAddress host;
  std::optional<IpAddress> peer;  // absent: whoever
  uint16_t peer_port = 0;         // of the peer's service; 0: any

  bool operator==(const ResetTarget&) const = default;

  bool covers(const decode::PacketView& segment) const {
    return covers_way(segment.src, segment.dst, segment.dst_port) ||
           covers_way(segment.dst, segment.src, segment.src_port);
  }

 private:
  bool covers_way(const IpAddress& from, const IpAddress& to, uint16_t to_port) const {
    if (from != host) return false;
    if (!peer) return true;
    return to == *peer && (peer_port == 0 || to_port == peer_port);
  }
};

}  // namespace thymus::inject
