#include "base/generated/events/doip.h"

#include <string>

#include <doctest/doctest.h>

#include "base/generated/events/anomaly.h"
#include "dpi/industrial/raw.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/parser_split.h"

namespace thymus::test {
namespace {

namespace ids = event::doip;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

Raw message(uint16_t type, const Raw& data) {
  return Raw{2, 0xfd} + be16(type) + be32(data.size()) + data;
}
Raw diagnostic(const Raw& service) { return message(0x8001, be16(0xe80) + be16(0x10) + service); }

ParserRun run(uint16_t port = 13400) { return {AppId::kDoip, Transport::kTcp, 40000, port}; }
std::vector<Fields> events_of(const ParserRun& r) { return r.log().of(event::kDoip); }

const Raw kActivate = message(5, be16(0xe80) + zeros(5));
const Raw kActivated = message(6, be16(0xe80) + be16(0x10) + Raw{0x10} + zeros(4));
const Raw kReadVin = diagnostic({0x22, 0xf1, 0x90});
const Raw kRefused = diagnostic({0x7f, 0x34, 0x33});
const Raw kAnnounce =
    message(4, text("WVWZZZ1KZAW000001") + be16(0x10) + zeros(6) + zeros(6) + Raw{0});

TEST_CASE("doip: activation and services") {
  ParserRun r = run();
  CHECK(r.probe(kActivate) == Likelihood::kLikely);
  CHECK(r.feed(kActivate) == Answer::kAccept);
  r.feed(kActivated, false);
  r.feed(kReadVin + diagnostic({0x31, 1, 2, 3}) + diagnostic({0x34, 0, 0x44}));
  r.feed(kRefused + diagnostic({0x51, 1}), false);
  const auto events = events_of(r);
  REQUIRE(events.size() == 7);
  CHECK(events[1].text(ids::kActivation) == "activated");
  CHECK(events[2].text(ids::kOperation) == "read");
  CHECK(events[2].number(ids::kDataIdentifier) == 0xf190);
  CHECK(events[2].number(ids::kTarget) == 0x10);
  CHECK(events[3].text(ids::kOperation) == "control");
  CHECK(events[3].number(ids::kDataIdentifier) == 0x203);
  CHECK(events[4].text(ids::kOperation) == "program");
  CHECK(events[5].text(ids::kService) == "request_download");
  CHECK(events[5].text(ids::kResponse) == "security_access_denied");
  CHECK(events[6].text(ids::kService) == "ecu_reset");
  CHECK(events[6].text(ids::kResponse) == "positive");
}

TEST_CASE("doip: vehicles announce themselves") {
  ParserRun r(AppId::kDoip, Transport::kUdp, 40000, 13400);
  r.feed(kAnnounce, false);
  REQUIRE(events_of(r).size() == 1);
  CHECK(events_of(r)[0].text(ids::kOperation) == "identify");
  CHECK(events_of(r)[0].text(ids::kVin) == "WVWZZZ1KZAW000001");
}

TEST_CASE("doip: what breaks the format is an anomaly") {
  ParserRun r = run();
  r.feed(message(4, {1, 2}));
  r.feed(text("GET / HTTP/1.1"));
  CHECK(r.log().of(event::kAnomaly).size() == 2);
}

TEST_CASE("doip: recognised by content on any port") {
  CHECK(run(9999).probe(kActivate) == Likelihood::kLikely);
  CHECK(run(9999).probe({2, 0xfd, 0, 5}) == Likelihood::kNo);
  CHECK(run(9999).probe(zeros(32)) == Likelihood::kNo);
}

TEST_CASE("doip: segments may be cut anywhere") {
  check_split(AppId::kDoip, 13400,
              {{true, kActivate}, {false, kActivated}, {true, kReadVin}, {false, kRefused}});
}

TEST_CASE("doip: survives damage") {
  for (const Raw& sample : {kActivate, kActivated, kReadVin, kRefused, kAnnounce}) {
    mangle_parser({AppId::kDoip, Transport::kTcp, 13400, true, sample});
  }
}

}  // namespace
}  // namespace thymus::test
