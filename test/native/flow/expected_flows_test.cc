#include "flow/expected_flows.h"

#include <doctest/doctest.h>

#include "flow/flow_fixture.h"

using namespace thymus;
using namespace thymus::test;
using flow::ExpectedFlows;

namespace {

void announce(ExpectedFlows* flows, uint16_t port, int64_t now_ns) {
  flows->add(dpi::AppId::kRtp, false, port, kServer.address, kClient.address, now_ns, {});
}

bool takes(ExpectedFlows* flows, uint16_t port, int64_t now_ns) {
  ExpectedFlows::Entry entry;
  return flows->take(false, port, kServer.address, kClient.address, now_ns, &entry);
}

}  // namespace

TEST_CASE("expected flows: what is announced again is one, and lives on") {
  ExpectedFlows flows;
  announce(&flows, 4000, 0);
  announce(&flows, 4000, 30 * kSec);
  CHECK(takes(&flows, 4000, 80 * kSec));
  CHECK_FALSE(takes(&flows, 4000, 80 * kSec));
  CHECK(flows.lost() == 0);
}

TEST_CASE("expected flows: the newest are kept, those that give way within their time counted") {
  ExpectedFlows flows;
  constexpr auto kMost = static_cast<uint16_t>(ExpectedFlows::kMost);
  for (uint16_t i = 0; i < kMost + 3; ++i) announce(&flows, static_cast<uint16_t>(4000 + i), 0);
  CHECK(flows.lost() == 3);
  CHECK_FALSE(takes(&flows, 4002, 1));
  CHECK(takes(&flows, 4003, 1));
  for (uint16_t i = 0; i < kMost; ++i) announce(&flows, static_cast<uint16_t>(9000 + i), 61 * kSec);
  CHECK(flows.lost() == 3);
}
