#include "base/generated/events/fins.h"

#include <string>

#include <doctest/doctest.h>

#include "base/generated/events/anomaly.h"
#include "dpi/industrial/raw.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/parser_split.h"

namespace thymus::test {
namespace {

namespace ids = event::fins;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

Raw frame(uint8_t control, uint16_t command, const Raw& data) {
  return Raw{control, 0, 2, 0, 10, 0, 0, 20, 1, 5} + be16(command) + data;
}
Raw over_tcp(uint32_t command, const Raw& data) {
  return text("FINS") + be32(8 + data.size()) + be32(command) + be32(0) + data;
}

ParserRun run(Transport transport = Transport::kUdp, uint16_t port = 9600) {
  return {AppId::kFins, transport, 40000, port};
}
std::vector<Fields> events_of(const ParserRun& r) { return r.log().of(event::kFins); }

const Raw kRead = frame(0x80, 0x0101, Raw{0x82} + be16(100) + Raw{0} + be16(2));
const Raw kReadAnswer = frame(0xc0, 0x0101, {0, 0, 1, 2, 3, 4});
const Raw kStop = frame(0x80, 0x0402, {0xff, 0xff});
const Raw kModel = frame(0xc0, 0x0501, Raw{0, 0} + text("CJ2M-CPU33          01.00"));

TEST_CASE("fins: commands and answers over UDP") {
  ParserRun r = run();
  CHECK(r.probe(kRead) == Likelihood::kLikely);
  CHECK(r.feed(kRead) == Answer::kAccept);
  r.feed(kReadAnswer, false);
  r.feed(kStop);
  r.feed(kModel, false);
  const auto events = events_of(r);
  REQUIRE(events.size() == 4);
  CHECK(events[0].text(ids::kOperation) == "read");
  CHECK(events[0].text(ids::kCommand) == "memory_area_read");
  CHECK(events[0].text(ids::kDst) == "0.10.0");
  CHECK(events[0].text(ids::kSrc) == "0.20.1");
  CHECK(events[0].number(ids::kArea) == 0x82);
  CHECK(events[0].number(ids::kAddress) == 100);
  CHECK(events[0].number(ids::kCount) == 2);
  CHECK(events[1].text(ids::kType) == "response");
  CHECK(events[1].has(ids::kEndCode));
  CHECK(events[2].text(ids::kOperation) == "control");
  CHECK(events[3].text(ids::kModel) == "CJ2M-CPU33");
  CHECK(events[3].text(ids::kOperation) == "identify");
}

TEST_CASE("fins: frames over TCP") {
  ParserRun r = run(Transport::kTcp);
  CHECK(r.feed(over_tcp(0, be32(0))) == Answer::kAccept);
  r.feed(over_tcp(2, kStop));
  REQUIRE(events_of(r).size() == 2);
  CHECK(events_of(r)[0].has(ids::kTcpCommand));
  CHECK(events_of(r)[1].text(ids::kCommand) == "stop");
}

TEST_CASE("fins: what breaks the format is an anomaly") {
  ParserRun r = run(Transport::kTcp);
  r.feed(over_tcp(2, {1, 2, 3}));
  r.feed(text("GET /"));
  CHECK(r.log().of(event::kAnomaly).size() == 2);
  CHECK(run().feed(frame(0x80, 0x7777, {})) == Answer::kReject);
}

TEST_CASE("fins: recognised over TCP by content, over UDP on its port") {
  CHECK(run(Transport::kTcp, 9999).probe(over_tcp(0, be32(0))) == Likelihood::kLikely);
  CHECK(run(Transport::kUdp, 9999).probe(kRead) == Likelihood::kNo);
  CHECK(run(Transport::kUdp).probe(frame(0x80, 0x7777, {})) == Likelihood::kNo);
}

TEST_CASE("fins: segments may be cut anywhere") {
  check_split(AppId::kFins, 9600,
              {{true, over_tcp(0, be32(0)) + over_tcp(2, kRead)}, {false, over_tcp(2, kModel)}});
}

TEST_CASE("fins: survives damage") {
  for (const Raw& sample : {kRead, kReadAnswer, kStop, kModel}) {
    mangle_parser({AppId::kFins, Transport::kUdp, 9600, true, sample});
    mangle_parser({AppId::kFins, Transport::kTcp, 9600, true, over_tcp(2, sample)});
  }
}

}  // namespace
}  // namespace thymus::test
