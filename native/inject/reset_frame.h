// TCP resets as Ethernet frames (RFC 9293, section 3.10.7; RFC 5961, section 3): each has exactly
// the sequence number that its receiver expects next, because hosts answer any other one with a
// challenge, or not at all.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/address.h"
#include "base/bytes.h"
#include "decode/packet_view.h"

namespace thymus::inject {

// The end of a connection that a reset is for, in terms of the segment that is answered.
enum class Toward : uint8_t { kSender, kReceiver };

// How frames leave this machine.
struct Link {
  MacAddress own{};  // the source of every frame, so that no switch learns a wrong place
  // Station that all frames go to, without VLAN tags; absent: to whom the segment came from or
  // goes, with its tags.
  std::optional<MacAddress> next_hop;
};

class ResetFrame {
 public:
  static constexpr size_t kMostBytes = 14 + 2 * 4 + 40 + 20;  // Ethernet, two tags, IPv6, TCP

  Bytes bytes() const { return {bytes_.data(), size_}; }

 private:
  friend class FrameWriter;
  std::array<uint8_t, kMostBytes> bytes_{};
  size_t size_ = 0;
};

// Whether a frame is a segment that can be answered: TCP over Ethernet with at most two VLAN tags,
// in no tunnel, no fragment, no reset, between single stations and single addresses.
bool is_answerable(const decode::PacketView& segment);

// The sequence space that a segment takes.
uint32_t segment_length(const decode::PacketView& segment);

// A reset that is said to come from the other end of the connection.
// REQUIRES: is_answerable(segment), and the frame is still there
ResetFrame make_reset(const decode::PacketView& segment, Toward toward, const Link& link,
                      uint8_t ttl);

}  // namespace thymus::inject
