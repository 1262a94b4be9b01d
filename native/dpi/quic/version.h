// Versions of QUIC whose Initial packets can be read, and what differs between them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace thymus::dpi::quic {

inline constexpr uint32_t kV1 = 1;           // RFC 9000
inline constexpr uint32_t kV2 = 0x6b3343cf;  // RFC 9369
inline constexpr uint32_t kQ050 = 0x51303530;

// The salt of the Initial secrets; empty for a version that is not known.
Bytes initial_salt(uint32_t version);

// Google's QUIC before Q050: its first packets are not encrypted.
inline bool is_plain_google(uint32_t version) {
  return version >= 0x51303235 && version < kQ050 && (version & 0xff) >= '0' &&
         (version & 0xff) <= '9';
}

inline bool is_known(uint32_t version) {
  return !initial_salt(version).empty() || is_plain_google(version);
}

// As Suricata writes it: "1", "Q046", else hex.
std::string_view version_text(uint32_t version, std::array<char, 8>* room);

}  // namespace thymus::dpi::quic
