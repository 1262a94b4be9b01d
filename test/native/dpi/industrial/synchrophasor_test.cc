#include "base/generated/events/synchrophasor.h"

#include <string>

#include <doctest/doctest.h>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "dpi/industrial/raw.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/parser_split.h"

namespace thymus::test {
namespace {

namespace ids = event::synchrophasor;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

Raw frame(uint8_t type, const Raw& body) {
  const Raw whole = Raw{0xaa, static_cast<uint8_t>(type << 4 | 1)} + be16(16 + body.size()) +
                    be16(7) + be32(1'600'000'000) + be32(0) + body;
  unsigned crc = 0xffff;
  for (const uint8_t byte : whole) {
    crc ^= unsigned{byte} << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
  }
  return whole + be16(crc);
}

ParserRun run(uint16_t port = 4712) {
  return {AppId::kSynchrophasor, Transport::kTcp, 40000, port};
}
std::vector<Fields> events_of(const ParserRun& r) { return r.log().of(event::kSynchrophasor); }

const Raw kDataOn = frame(4, be16(2));
const Raw kConfiguration =
    frame(3, be32(1'000'000) + be16(1) + text("Station A       ") + be16(7) + be16(0) + be16(1) +
                 be16(1) + be16(0) + zeros(32) + zeros(8) + zeros(4) + be16(30));
const Raw kData = frame(0, be16(0) + zeros(20));
const Raw kFault = frame(0, be16(0x2000) + zeros(20));

TEST_CASE("synchrophasor: commands and configurations") {
  ParserRun r = run();
  CHECK(r.probe(kDataOn) == Likelihood::kLikely);
  CHECK(r.feed(kDataOn) == Answer::kAccept);
  r.feed(kConfiguration + frame(1, text("a header")), false);
  const auto events = events_of(r);
  REQUIRE(events.size() == 3);
  CHECK(events[0].text(ids::kOperation) == "control");
  CHECK(events[0].text(ids::kCommand) == "data_on");
  CHECK(events[0].number(ids::kId) == 7);
  CHECK(events[1].text(ids::kFrame) == "config_2");
  CHECK(events[1].text(ids::kStations) == "Station A");
  CHECK(events[1].number(ids::kPhasors) == 1);
  CHECK(events[1].number(ids::kRate) == 30);
  CHECK(events[2].text(ids::kHeader) == "a header");
}

TEST_CASE("synchrophasor: data are shown when their status changes") {
  ParserRun r = run();
  for (int i = 0; i < 50; ++i) r.feed(kData, false);
  for (int i = 0; i < 50; ++i) r.feed(kFault, false);
  REQUIRE(events_of(r).size() == 2);
  CHECK(events_of(r)[1].number(ids::kStatus) == 0x2000);
}

TEST_CASE("synchrophasor: wrong checks and lengths are anomalies") {
  ParserRun r = run();
  Raw wrong = kDataOn;
  wrong.back() ^= 1;
  r.feed(kDataOn + wrong + frame(3, be32(1) + be16(9)));
  r.feed(text("hello"));
  std::vector<uint64_t> codes;
  for (const Fields& e : r.log().of(event::kAnomaly)) {
    codes.push_back(e.number(event::anomaly::kCode));
  }
  CHECK(codes == std::vector<uint64_t>{anomaly_code::kSynchrophasorBadCheck,
                                       anomaly_code::kSynchrophasorMalformed,
                                       anomaly_code::kSynchrophasorMalformed});
}

TEST_CASE("synchrophasor: recognised by content on any port") {
  CHECK(run(9999).probe(kData) == Likelihood::kLikely);
  CHECK(run(9999).probe({0xaa, 0x91, 0, 20}) == Likelihood::kNo);
  CHECK(run(9999).probe(text("hello")) == Likelihood::kNo);
}

TEST_CASE("synchrophasor: segments may be cut anywhere") {
  check_split(AppId::kSynchrophasor, 4712,
              {{true, kDataOn}, {false, kConfiguration + kData + kFault}});
}

TEST_CASE("synchrophasor: survives damage") {
  for (const Raw& sample : {kDataOn, kConfiguration, kData}) {
    mangle_parser({AppId::kSynchrophasor, Transport::kTcp, 4712, true, sample});
  }
}

}  // namespace
}  // namespace thymus::test
