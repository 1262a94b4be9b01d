// Version numbers of TLS and their names.
#pragma once

#include <cstdint>
#include <string_view>

namespace thymus::dpi::tls {

inline constexpr uint16_t kSsl2 = 0x0002;
inline constexpr uint16_t kTls13 = 0x0304;

// Of TLS 1.3; 0x7f and the number of the draft, or 0xfb for Facebook's.
inline bool is_draft(uint16_t version) {
  return (version >= 0x7f0e && version <= 0x7f1c) || version == 0xfb17 || version == 0xfb1a;
}

// As Suricata writes it.
std::string_view version_text(uint16_t version);

// FlowFacts::tls_version.
uint8_t version_fact(uint16_t version);

}  // namespace thymus::dpi::tls
