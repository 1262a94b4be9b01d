#include "base/generated/events/hart_ip.h"

#include <string>

#include <doctest/doctest.h>

#include "base/generated/events/anomaly.h"
#include "dpi/industrial/raw.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/parser_split.h"

namespace thymus::test {
namespace {

namespace ids = event::hart_ip;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

Raw message(uint8_t type, uint8_t id, const Raw& body) {
  return Raw{1, type, id, 0} + be16(9) + be16(8 + body.size()) + body;
}

ParserRun run(uint16_t port = 5094) { return {AppId::kHartIp, Transport::kTcp, 40000, port}; }
std::vector<Fields> events_of(const ParserRun& r) { return r.log().of(event::kHartIp); }

const Raw kInitiate = message(0, 0, Raw{1} + be32(30'000));
const Raw kIdentify = message(0, 3, {0x02, 0x80, 0, 0, 0x82});
const Raw kReset = message(0, 3, {0x82, 0xa6, 0x4e, 1, 2, 3, 42, 0, 0});
const Raw kRefused = message(1, 3, {0x86, 0xa6, 0x4e, 1, 2, 3, 42, 2, 16, 64, 0});

TEST_CASE("hart_ip: sessions and commands") {
  ParserRun r = run();
  CHECK(r.probe(kInitiate) == Likelihood::kLikely);
  CHECK(r.feed(kInitiate) == Answer::kAccept);
  r.feed(kIdentify + kReset);
  r.feed(kRefused, false);
  const auto events = events_of(r);
  REQUIRE(events.size() == 4);
  CHECK(events[0].text(ids::kMessage) == "session_initiate");
  CHECK(events[0].number(ids::kInactivityMs) == 30'000);
  CHECK(events[1].text(ids::kOperation) == "identify");
  CHECK(events[1].text(ids::kCommandName) == "read_unique_identifier");
  CHECK(events[2].text(ids::kOperation) == "control");
  CHECK(events[2].text(ids::kAddress).size() == 5);
  CHECK(events[3].text(ids::kFrame) == "response");
  CHECK(events[3].number(ids::kResponseCode) == 16);
  CHECK(events[3].number(ids::kDeviceStatus) == 64);
}

TEST_CASE("hart_ip: what breaks the format is an anomaly") {
  ParserRun r = run();
  r.feed(message(0, 3, {0x82, 1}));
  r.feed({9, 9, 9, 9, 9, 9, 9, 9});
  CHECK(r.log().of(event::kAnomaly).size() == 2);
}

TEST_CASE("hart_ip: recognised by content on any port") {
  CHECK(run(9999).probe(kInitiate) == Likelihood::kLikely);
  CHECK(run(9999).probe(kReset) == Likelihood::kLikely);
  CHECK(run(9999).probe(Raw{1, 0, 0}) == Likelihood::kNo);
  CHECK(run(9999).probe(kReset + Raw{1}) == Likelihood::kNo);
}

TEST_CASE("hart_ip: segments may be cut anywhere") {
  check_split(AppId::kHartIp, 5094, {{true, kInitiate + kReset}, {false, kRefused}});
}

TEST_CASE("hart_ip: survives damage") {
  for (const Raw& sample : {kInitiate, kIdentify, kReset, kRefused}) {
    mangle_parser({AppId::kHartIp, Transport::kTcp, 5094, true, sample});
  }
}

}  // namespace
}  // namespace thymus::test
