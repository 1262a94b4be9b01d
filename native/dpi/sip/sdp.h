// Session descriptions (RFC 8866) in SIP bodies.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/event_writer.h"

namespace thymus::dpi {

inline constexpr size_t kMaxRtpPorts = 8;

// UDP ports at which the sender of a description waits for RTP and, unless it is 0, for RTCP: the
// next port (RFC 3550, 11), the one that "a=rtcp:" names (RFC 3605), none of its own with
// "a=rtcp-mux" (RFC 5761).
struct MediumPorts {
  uint16_t rtp;
  uint16_t rtcp;
};

struct RtpPorts {
  std::array<MediumPorts, kMaxRtpPorts> ports{};
  size_t n = 0;
};

// Adds the object sdp to an event sip; nothing when `body` is no session description.
RtpPorts put_sdp(std::string_view body, EventWriter* events);

}  // namespace thymus::dpi
