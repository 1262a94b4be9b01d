// Names of TLS extensions, as IANA lists them; those with long names as Suricata shortens them.
#pragma once

#include <cstdint>
#include <string_view>

namespace thymus::dpi::tls {

// Empty for a type without a name.
std::string_view extension_name(uint16_t type);

}  // namespace thymus::dpi::tls
