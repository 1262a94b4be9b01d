#include "flow/community_id.h"

#include <string>

#include <doctest/doctest.h>

#include "flow_fixture.h"

using namespace thymus;
using namespace thymus::test;

namespace {

std::string id(uint8_t protocol, Endpoint a, Endpoint b, uint16_t seed = 0) {
  char text[flow::kCommunityIdBytes];
  flow::community_id(protocol, a.address, b.address, a.port, b.port, seed, text);
  return {text, sizeof text};
}

}  // namespace

// Values of the specification's own baseline.
TEST_CASE("community id: equals the specification's vectors in both directions") {
  const Endpoint web_client{ip4(128, 232, 110, 120), 34855}, web{ip4(66, 35, 250, 204), 80};
  CHECK(id(6, web_client, web) == "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
  CHECK(id(6, web, web_client) == "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
  CHECK(id(6, web_client, web, 1) == "1:3V71V58M3Ksw/yuFALMcW0LAHvc=");
  const Endpoint stub{ip4(192, 168, 1, 52), 54585}, resolver{ip4(8, 8, 8, 8), 53};
  CHECK(id(17, stub, resolver) == "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
  CHECK(id(17, resolver, stub) == "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
}

TEST_CASE("community id: request and reply of an ICMP echo are one flow") {
  const IpAddress host = ip4(192, 168, 0, 89), gateway = ip4(192, 168, 0, 1);
  CHECK(id(1, {host, 8}, {gateway, 0}) == "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
  CHECK(id(1, {gateway, 0}, {host, 0}) == "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
}
