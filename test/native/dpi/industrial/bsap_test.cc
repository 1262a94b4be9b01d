#include "base/generated/events/bsap.h"

#include <string>

#include <doctest/doctest.h>

#include "base/generated/events/anomaly.h"
#include "dpi/industrial/raw.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"

namespace thymus::test {
namespace {

namespace ids = event::bsap;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

Raw over_ip(uint16_t kind, const Raw& body) {
  return le16(14) + le16(1) + le16(kind) + le32(7) + le32(6) + le32(4 + body.size()) + body;
}
Raw serial(const Raw& body) { return Raw{0x10, 2} + body + Raw{0x10, 3, 0xab, 0xcd}; }

ParserRun run(uint16_t port = 1234) { return {AppId::kBsap, Transport::kUdp, 40000, port}; }
std::vector<Fields> events_of(const ParserRun& r) { return r.log().of(event::kBsap); }

const Raw kRead =
    over_ip(6, Raw{12} + le32(9) + Raw{0xa0, 0, 4, 3, 0xd0, 1, 15, 1} + text("@GV.AS3") + Raw{0});
const Raw kResponse = over_ip(5, Raw{12} + le32(9) + Raw{0, 1, 2, 3});
const Raw kWrite = serial(Raw{1, 0xff, 0xa0} + le16(8) + Raw{3, 0, 0x84, 1, 0x40, 0x0f, 1} +
                          text("@GV.DS1") + Raw{0, 9});
const Raw kAnswer = serial(Raw{0, 0xff, 3} + le16(8) + Raw{0xa0, 0, 0, 1});

TEST_CASE("bsap: requests for the database") {
  ParserRun r = run();
  CHECK(r.probe(kRead) == Likelihood::kLikely);
  CHECK(r.feed(kRead) == Answer::kAccept);
  r.feed(kResponse, false);
  r.feed(kWrite);
  r.feed(kAnswer, false);
  const auto events = events_of(r);
  REQUIRE(events.size() == 4);
  CHECK(events[0].text(ids::kOperation) == "read");
  CHECK(events[0].text(ids::kFunction) == "read_signal_by_name");
  CHECK(events[0].text(ids::kVariable) == "@GV.AS3");
  CHECK(events[0].number(ids::kSequence) == 9);
  CHECK(events[1].text(ids::kMessage) == "response");
  CHECK(events[2].text(ids::kOperation) == "write");
  CHECK(events[2].text(ids::kType) == "serial_local");
  CHECK(events[2].text(ids::kVariable) == "@GV.DS1");
  CHECK(events[3].text(ids::kMessage) == "response");
}

TEST_CASE("bsap: only on its ports, and only what has its form") {
  CHECK(run(9999).probe(kRead) == Likelihood::kNo);
  CHECK(run().probe(zeros(20)) == Likelihood::kNo);
  CHECK(run().feed(zeros(20)) == Answer::kReject);
  ParserRun r = run();
  r.feed(kRead);
  CHECK(r.feed(zeros(20)) == Answer::kAccept);
  CHECK(r.log().of(event::kAnomaly).size() == 1);
}

TEST_CASE("bsap: survives damage") {
  for (const Raw& sample : {kRead, kResponse, kWrite, kAnswer}) {
    mangle_parser({AppId::kBsap, Transport::kUdp, 1234, true, sample});
  }
}

}  // namespace
}  // namespace thymus::test
