#include "base/address.h"

#include <doctest/doctest.h>

namespace thymus {
namespace {

IpAddress v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  const uint8_t raw[] = {a, b, c, d};
  return IpAddress::v4(raw);
}

IpAddress v6(std::array<uint8_t, 16> raw) { return IpAddress::v6(raw.data()); }

Prefix prefix(const char* text) {
  Prefix p;
  REQUIRE(parse_prefix(text, &p));
  return p;
}

}  // namespace

TEST_CASE("IpAddress: shows itself") {
  CHECK(to_string(v4(192, 0, 2, 1)) == "192.0.2.1");
  CHECK(to_string(v6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})) == "2001:db8::1");
  CHECK(to_string(IpAddress{}) == "::");
}

TEST_CASE("IpAddress: knows IPv4, multicast, broadcast and unspecified") {
  CHECK(v4(0, 0, 0, 0).is_v4());
  CHECK_FALSE(IpAddress{}.is_v4());
  CHECK(v4(10, 1, 2, 3).v4_host_order() == 0x0a010203);
  CHECK(v4(224, 0, 0, 251).is_multicast());
  CHECK(v4(239, 255, 255, 250).is_multicast());
  CHECK_FALSE(v4(240, 0, 0, 1).is_multicast());
  CHECK(v6({0xff, 2}).is_multicast());
  CHECK(v4(255, 255, 255, 255).is_broadcast());
  CHECK_FALSE(v4(10, 255, 255, 255).is_broadcast());
  CHECK(IpAddress{}.is_unspecified());
}

TEST_CASE("IpAddress: orders as in the packet") {
  CHECK(v4(10, 0, 0, 1) < v4(10, 0, 1, 0));
  CHECK(v4(9, 255, 255, 255) < v4(10, 0, 0, 0));
  CHECK(v4(200, 0, 0, 0) > v4(100, 0, 0, 0));
  CHECK(v4(1, 2, 3, 4) == v4(1, 2, 3, 4));
}

TEST_CASE("Prefix: contains its addresses up to the last bit") {
  CHECK(prefix("10.0.0.0/8").contains(v4(10, 255, 255, 255)));
  CHECK_FALSE(prefix("10.0.0.0/8").contains(v4(11, 0, 0, 0)));
  CHECK(prefix("100.64.0.0/10").contains(v4(100, 127, 255, 255)));
  CHECK_FALSE(prefix("100.64.0.0/10").contains(v4(100, 128, 0, 0)));
  CHECK(prefix("0.0.0.0/0").contains(v4(8, 8, 8, 8)));
  CHECK_FALSE(prefix("0.0.0.0/0").contains(v6({0x20, 1})));
  CHECK(prefix("fc00::/7").contains(v6({0xfd, 0x12})));
  CHECK_FALSE(prefix("fc00::/7").contains(v6({0xfe, 0x80})));
  CHECK(prefix("192.0.2.7").contains(v4(192, 0, 2, 7)));
  CHECK_FALSE(prefix("192.0.2.7").contains(v4(192, 0, 2, 6)));
  CHECK(prefix("2001:db8::1").length == 128);
}

TEST_CASE("parse_prefix: refuses what is no prefix") {
  Prefix p;
  for (const char* text : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0/8", "fc00::/129",
                           "10.0.0.0/8x", "10.0.0.0/ 8", "name", "/8"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(parse_prefix(text, &p));
  }
}

}  // namespace thymus
