// IP and MAC addresses as fixed-size values: hashable and comparable without allocation.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/bytes.h"

namespace thymus {

// An IPv6 address, or an IPv4 address in its mapped form ::ffff:a.b.c.d (RFC 4291, 2.5.5.2).
struct IpAddress {
  std::array<uint8_t, 16> bytes{};

  // `p` points to 4 (or 16) readable bytes in network order.
  static IpAddress v4(const uint8_t* p) {
    IpAddress a;
    a.bytes[10] = a.bytes[11] = 0xff;
    std::memcpy(a.bytes.data() + 12, p, 4);
    return a;
  }
  static IpAddress v6(const uint8_t* p) {
    IpAddress a;
    std::memcpy(a.bytes.data(), p, 16);
    return a;
  }

  uint64_t high() const { return load_native<uint64_t>(bytes.data()); }
  uint64_t low() const { return load_native<uint64_t>(bytes.data() + 8); }
  bool is_v4() const { return high() == 0 && load_be32(bytes.data() + 8) == 0xffff; }
  uint32_t v4_host_order() const { return load_be32(bytes.data() + 12); }
  bool is_multicast() const { return is_v4() ? (bytes[12] & 0xf0) == 0xe0 : bytes[0] == 0xff; }
  bool is_broadcast() const { return is_v4() && v4_host_order() == 0xffffffff; }
  bool is_unspecified() const { return low() == 0 && high() == 0; }

  bool operator==(const IpAddress& o) const { return high() == o.high() && low() == o.low(); }
  // Network order, as Community ID orders endpoints.
  std::strong_ordering operator<=>(const IpAddress& o) const {
    return std::memcmp(bytes.data(), o.bytes.data(), 16) <=> 0;
  }
};

// "192.0.2.1" or RFC 5952 form of an IPv6 address.
std::string to_string(const IpAddress& address);

using MacAddress = std::array<uint8_t, 6>;

// A network prefix; `length` counts bits of the 128-bit form, so 10.0.0.0/8 has length 104.
struct Prefix {
  IpAddress address;
  uint8_t length = 0;
  bool contains(const IpAddress& a) const;
};

// Parses "10.0.0.0/8", "fc00::/7" or a bare address; false when the text is neither.
bool parse_prefix(const std::string& text, Prefix* out);

}  // namespace thymus
