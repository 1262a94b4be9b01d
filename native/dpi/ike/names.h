// Names of the numbers in IKE messages (IANA, "Internet Key Exchange Version 2 (IKEv2) Parameters"
// and "Internet Key Exchange (IKE) Attributes"), in the spelling of Suricata's EVE.
#pragma once

#include <cstdint>
#include <string_view>

namespace thymus::dpi::ike {

// Empty for a number without a name.
std::string_view v1_payload(uint8_t type);
std::string_view v2_payload(uint8_t type);
std::string_view v2_notify(uint16_t type);

// Attributes of a transform of version 1 (RFC 2409, appendix A).
std::string_view v1_encryption(uint16_t value);
std::string_view v1_hash(uint16_t value);
std::string_view v1_authentication(uint16_t value);
std::string_view v1_group(uint16_t value);
std::string_view v1_life_type(uint16_t value);

// Transforms of version 2 by their type (RFC 7296, 3.3.2).
std::string_view v2_encryption(uint16_t id);
std::string_view v2_prf(uint16_t id);
std::string_view v2_integrity(uint16_t id);
std::string_view v2_group(uint16_t id);
std::string_view v2_esn(uint16_t id);

}  // namespace thymus::dpi::ike
