// The handshake of Google's QUIC up to Q050: messages of tagged values, and the packets of Q025 to
// Q046 that carry them in the clear.
//
//   CHLO:  "CHLO" | number of tags (16, little-endian) | padding (16) |
//          { tag (32) | end of its value (32, little-endian) } | values
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace thymus::dpi::quic {

struct GooglePacket {
  uint32_t version;
  Bytes frames;
};

// A client's packet of a plain Google version. False when it is none.
bool read_google_packet(Bytes datagram, GooglePacket* packet);

// The CHLO in the frames; empty when there is none.
Bytes find_client_hello(Bytes frames);

struct GoogleHello {
  static constexpr size_t kMaxTags = 64;
  Bytes server_name;
  Bytes user_agent;
  size_t n_tags = 0;
  std::array<std::array<char, 4>, kMaxTags> tags;  // without their padding zeros
  std::array<uint8_t, kMaxTags> tag_bytes;
};

bool read_google_hello(Bytes message, GoogleHello* hello);

}  // namespace thymus::dpi::quic
