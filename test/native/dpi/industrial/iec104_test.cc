#include "base/generated/events/iec104.h"

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

namespace ids = event::iec104;
namespace asdu = ids::asdu;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

Raw frame(const Raw& control, const Raw& data = {}) {
  return Raw{0x68, static_cast<uint8_t>(control.size() + data.size())} + control + data;
}
Raw information(uint8_t type, uint8_t qualifier, uint8_t cause, const Raw& objects) {
  return frame({4, 0, 6, 0}, Raw{type, qualifier, cause, 0} + le16(9) + objects);
}

ParserRun run(uint16_t port = 2404) { return {AppId::kIec104, Transport::kTcp, 40000, port}; }
std::vector<Fields> events_of(const ParserRun& r) { return r.log().of(event::kIec104); }
Fields asdu_of(const Fields& e) { return e.objects(ids::kAsdu).at(0); }

const Raw kStart = frame({0x07, 0, 0, 0});
const Raw kAcknowledge = frame({0x01, 0, 8, 0});
const Raw kCommand = information(45, 1, 6, Raw{0x10, 0x27, 0, 0x81});
const Raw kRefused = information(45, 1, 0x47, Raw{0x10, 0x27, 0, 0x81});
const Raw kPoints = information(1, 0x83, 20, Raw{1, 0, 0, 1, 0, 1});
const Raw kSetpoint = information(50, 1, 6, Raw{2, 0, 0, 0, 0, 0x80, 0x3f, 0});
const Raw kReset = information(105, 1, 6, Raw{0, 0, 0, 1});

TEST_CASE("iec104: commands have cause, address and value") {
  ParserRun r = run();
  CHECK(r.feed(kStart) == Answer::kAccept);
  r.feed(kCommand + kAcknowledge + kSetpoint + kReset);
  r.feed(kRefused, false);
  const auto events = events_of(r);
  REQUIRE(events.size() == 5);
  CHECK(events[0].text(ids::kType) == "u");
  CHECK(events[0].text(ids::kFunction) == "startdt_act");
  CHECK(events[1].text(ids::kOperation) == "control");
  CHECK(events[1].number(ids::kSendSequence) == 2);
  CHECK(events[1].number(ids::kReceiveSequence) == 3);
  CHECK(asdu_of(events[1]).text(asdu::kType) == "C_SC_NA_1");
  CHECK(asdu_of(events[1]).text(asdu::kCauseName) == "activation");
  CHECK(asdu_of(events[1]).number(asdu::kCommonAddress) == 9);
  const Fields object = asdu_of(events[1]).objects(asdu::kObjects).at(0);
  CHECK(object.number(asdu::objects::kAddress) == 10'000);
  CHECK(object.number(asdu::objects::kValue) == 1);
  CHECK(object.number(asdu::objects::kSelect) == 1);
  CHECK(events[2].text(ids::kOperation) == "write");
  CHECK(asdu_of(events[2]).objects(asdu::kObjects).at(0).has(asdu::objects::kNumber));
  CHECK(events[3].text(ids::kOperation) == "control");
  CHECK(asdu_of(events[4]).number(asdu::kNegative) == 1);
}

TEST_CASE("iec104: one address for several objects") {
  ParserRun r = run();
  r.feed(kPoints, false);
  REQUIRE(events_of(r).size() == 1);
  CHECK(events_of(r)[0].text(ids::kOperation) == "read");
  const auto objects = asdu_of(events_of(r)[0]).objects(asdu::kObjects);
  REQUIRE(objects.size() == 3);
  CHECK(objects[2].number(asdu::objects::kAddress) == 3);
  CHECK(objects[2].number(asdu::objects::kValue) == 1);
}

TEST_CASE("iec104: what breaks the format is an anomaly") {
  ParserRun r = run();
  r.feed(information(45, 2, 6, Raw{0x10, 0x27, 0, 0x81}));
  r.feed(information(200, 1, 6, Raw{0x10, 0x27, 0, 0x81}));
  r.feed({0x68, 1, 2, 3});
  std::vector<uint64_t> codes;
  for (const Fields& e : r.log().of(event::kAnomaly)) {
    codes.push_back(e.number(event::anomaly::kCode));
  }
  CHECK(codes == std::vector<uint64_t>{anomaly_code::kIec104Malformed,
                                       anomaly_code::kIec104UnknownType,
                                       anomaly_code::kIec104Malformed});
  CHECK(r.feed(kCommand) == Answer::kAccept);
  CHECK(events_of(r).size() == 3);
}

TEST_CASE("iec104: recognised by content on any port") {
  CHECK(run(9999).probe(kStart) == Likelihood::kLikely);
  CHECK(run(9999).probe(kCommand) == Likelihood::kLikely);
  CHECK(run(9999).probe(kAcknowledge) == Likelihood::kNo);
  CHECK(run(9999).probe(information(200, 1, 6, {1, 2, 3, 4})) == Likelihood::kNo);
  CHECK(run().probe(kAcknowledge) == Likelihood::kLikely);
  CHECK(run().probe({0x68}) == Likelihood::kMaybe);
  CHECK(run().probe(text("hello world")) == Likelihood::kNo);
}

TEST_CASE("iec104: found again after a gap") {
  ParserRun r = run();
  r.feed(kCommand);
  CHECK(r.gap(true));
  r.feed({1, 2, 3});
  r.feed(kReset);
  CHECK(events_of(r).size() == 2);
}

TEST_CASE("iec104: segments may be cut anywhere") {
  check_split(AppId::kIec104, 2404,
              {{true, kStart + kCommand}, {false, kRefused + kPoints}, {true, kSetpoint}});
}

TEST_CASE("iec104: survives damage") {
  for (const Raw& sample :
       {kStart, kCommand, kPoints, kSetpoint, kReset, information(125, 1, 13, zeros(20))}) {
    mangle_parser({AppId::kIec104, Transport::kTcp, 2404, true, sample});
  }
}

}  // namespace
}  // namespace thymus::test
