#include "capture/live/link_watch.h"

#include <doctest/doctest.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "support/mangle.h"
#include "support/numbers.h"

namespace thymus::capture {
namespace {

using test::le;

std::string padded(std::string part) {
  part.resize((part.size() + 3) / 4 * 4, '\0');
  return part;
}

std::string attribute(uint16_t type, const std::string& value) {
  return padded(le(4 + value.size(), 2) + le(type, 2) + value);
}

std::string link(uint16_t type, const std::string& name, uint32_t flags, char family = AF_UNSPEC) {
  std::string body(1, family);
  body += std::string(7, '\0') + le(flags) + std::string(4, '\0');
  body += attribute(IFLA_MTU, le(1500)) + attribute(IFLA_IFNAME, name + '\0');
  return padded(le(16 + body.size()) + le(type, 2) + std::string(10, '\0') + body);
}

std::vector<LinkChange> changes(Bytes messages) {
  std::vector<LinkChange> out;
  read_link_changes(messages, &out);
  return out;
}

}  // namespace

TEST_CASE("link watch: up, down and gone") {
  const auto seen =
      changes(as_bytes(link(RTM_NEWLINK, "eth0", 0) + link(RTM_NEWLINK, "eth0", IFF_UP) +
                       link(RTM_DELLINK, "tap12", IFF_UP)));
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].name == "eth0");
  CHECK_FALSE(seen[0].is_up);
  CHECK(seen[1].is_up);
  CHECK(seen[2].name == "tap12");
  CHECK_FALSE(seen[2].is_up);
}

TEST_CASE("link watch: a port that leaves a bridge is not gone") {
  CHECK(changes(as_bytes(link(RTM_DELLINK, "eth0", IFF_UP, AF_BRIDGE))).empty());
}

TEST_CASE("link watch: damaged messages") {
  const std::string two = link(RTM_NEWLINK, "eth0", IFF_UP) + link(RTM_DELLINK, "eth0", 0);
  test::mangle(as_bytes(two), [](Bytes bytes) { CHECK(changes(bytes).size() <= 2); });
}

}  // namespace thymus::capture
