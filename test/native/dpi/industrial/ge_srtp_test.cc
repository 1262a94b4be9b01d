#include "base/generated/events/ge_srtp.h"

#include <string>

#include <doctest/doctest.h>

#include "base/generated/events/anomaly.h"
#include "dpi/industrial/raw.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/parser_split.h"

namespace thymus::test {
namespace {

namespace ids = event::ge_srtp;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

Raw message(uint8_t type, uint8_t kind, const Raw& fields, const Raw& data = {}) {
  Raw m = Raw{type, 0, 5, 0} + le16(data.size()) + zeros(24) + Raw{6, kind} + zeros(4) +
          Raw{0x10, 0x0e, 0, 0, 1, 1} + fields;
  m.resize(56);
  return m + data;
}

ParserRun run(uint16_t port = 18245) { return {AppId::kGeSrtp, Transport::kTcp, 40000, port}; }
std::vector<Fields> events_of(const ParserRun& r) { return r.log().of(event::kGeSrtp); }

const Raw kConnect = zeros(56);
const Raw kRead = message(2, 0xc0, {0x04, 0x08, 100, 0, 2, 0});
const Raw kAnswer = message(3, 0x94, {0, 0}, {1, 2, 3, 4});
const Raw kStop = message(2, 0xc0, {0x23, 1});
const Raw kWrite = message(2, 0x80, zeros(8) + Raw{0x07, 0x08, 1, 0, 1, 0}, {1, 2});

TEST_CASE("ge_srtp: requests and answers") {
  ParserRun r = run();
  CHECK(r.probe(kConnect) == Likelihood::kLikely);
  CHECK(r.feed(kConnect) == Answer::kAccept);
  r.feed(kRead + kStop + kWrite);
  r.feed(kAnswer + message(3, 0xd1, {5, 0xf4}), false);
  const auto events = events_of(r);
  REQUIRE(events.size() == 6);
  CHECK(events[0].text(ids::kType) == "connect");
  CHECK(events[1].text(ids::kOperation) == "read");
  CHECK(events[1].text(ids::kSegment) == "%R");
  CHECK(events[1].number(ids::kAddress) == 100);
  CHECK(events[1].number(ids::kCount) == 2);
  CHECK(events[2].text(ids::kOperation) == "control");
  CHECK(events[3].text(ids::kOperation) == "write");
  CHECK(events[3].number(ids::kAddress) == 1);
  CHECK(events[5].text(ids::kType) == "refusal");
  CHECK(events[5].number(ids::kMinorStatus) == 0xf4);
}

TEST_CASE("ge_srtp: recognised by content on any port") {
  CHECK(run(9999).probe(kRead) == Likelihood::kLikely);
  CHECK(run(9999).probe(kConnect) == Likelihood::kNo);
  CHECK(run(9999).probe(message(2, 0x11, {})) == Likelihood::kNo);
}

TEST_CASE("ge_srtp: what breaks the format is an anomaly") {
  ParserRun r = run();
  r.feed(kRead + text("GET / HTTP/1.1"));
  CHECK(r.log().of(event::kAnomaly).size() == 1);
}

TEST_CASE("ge_srtp: segments may be cut anywhere") {
  check_split(AppId::kGeSrtp, 18245, {{true, kConnect + kRead + kWrite}, {false, kAnswer}});
}

TEST_CASE("ge_srtp: survives damage") {
  for (const Raw& sample : {kConnect, kRead, kAnswer, kStop, kWrite}) {
    mangle_parser({AppId::kGeSrtp, Transport::kTcp, 18245, true, sample});
  }
}

}  // namespace
}  // namespace thymus::test
