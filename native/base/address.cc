#include "base/address.h"

#include <cstdlib>

#include <arpa/inet.h>

namespace thymus {

std::string to_string(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN];
  if (address.is_v4()) {
    inet_ntop(AF_INET, address.bytes.data() + 12, text, sizeof text);
  } else {
    inet_ntop(AF_INET6, address.bytes.data(), text, sizeof text);
  }
  return text;
}

bool Prefix::contains(const IpAddress& a) const {
  const size_t whole = length / 8;
  if (std::memcmp(a.bytes.data(), address.bytes.data(), whole) != 0) return false;
  const unsigned rest = length % 8u;
  if (rest == 0) return true;
  return ((a.bytes[whole] ^ address.bytes[whole]) >> (8 - rest)) == 0;
}

bool parse_prefix(const std::string& text, Prefix* out) {
  const size_t slash = text.find('/');
  const std::string host = text.substr(0, slash);
  uint8_t raw[16];
  bool v4 = true;
  if (inet_pton(AF_INET, host.c_str(), raw) == 1) {
    out->address = IpAddress::v4(raw);
  } else if (inet_pton(AF_INET6, host.c_str(), raw) == 1) {
    out->address = IpAddress::v6(raw);
    v4 = false;
  } else {
    return false;
  }
  const long most = v4 ? 32 : 128;
  long bits = most;
  if (slash != std::string::npos) {
    const std::string digits = text.substr(slash + 1);
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) return false;
    bits = std::strtol(digits.c_str(), nullptr, 10);
    if (bits > most) return false;
  }
  out->length = static_cast<uint8_t>(v4 ? bits + 96 : bits);
  return true;
}

}  // namespace thymus
