// Segments on a tap for tests of resets. The builder writes sequence number 1000 and
// acknowledgment 2000.
#pragma once

#include <string>
#include <vector>

#include "decode/packet_view.h"
#include "support/packet_builder.h"

namespace thymus::test {

inline constexpr uint32_t kSequence = 1000, kAcknowledgment = 2000;
inline const std::string kClient = "10.0.0.5", kServer = "192.0.2.9", kOther = "10.0.0.6";
inline const std::string kClient6 = "fd00::5", kServer6 = "2001:db8::9";

struct Ends {
  std::string from = kClient, to = kServer;
  unsigned from_port = 40000, to_port = 443;
};

inline Ends reversed(const Ends& e) { return {e.to, e.from, e.to_port, e.from_port}; }

// An Ethernet frame from station 02:00:00:00:00:01 to 02:00:00:00:00:02.
inline std::vector<uint8_t> segment(unsigned flags, const Ends& ends = {},
                                    const std::string& payload = "") {
  const bool is_v6 = ends.from.find(':') != std::string::npos;
  Packet packet;
  packet.ethernet(is_v6 ? 0x86dd : 0x0800);
  if (is_v6) {
    packet.ipv6(ends.from, ends.to, 6);
  } else {
    packet.ipv4(ends.from, ends.to, 6);
  }
  return packet.tcp(ends.from_port, ends.to_port, flags).text(payload).bytes();
}

inline decode::PacketView view_of(Bytes frame) {
  decode::PacketView view;
  decode::decode_frame(1, frame, static_cast<uint32_t>(frame.size()), {.verify_checksums = true},
                       &view);
  return view;
}

}  // namespace thymus::test
