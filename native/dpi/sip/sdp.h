// Session descriptions (RFC 8866) in SIP bodies.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/event_writer.h"

namespace thymus::dpi {

inline constexpr size_t kMaxRtpPorts = 8;

// UDP ports at which the sender of a description waits for RTP. 0: no more.
struct RtpPorts {
  std::array<uint16_t, kMaxRtpPorts> ports{};
  size_t n = 0;
};

// Adds the object sdp to an event sip; nothing when `body` is no session description.
RtpPorts put_sdp(std::string_view body, EventWriter* events);

}  // namespace thymus::dpi
