#include "base/generated/events/coap.h"

#include <string>

#include <doctest/doctest.h>

#include "base/generated/events/anomaly.h"
#include "dpi/industrial/raw.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"

namespace thymus::test {
namespace {

namespace ids = event::coap;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

Raw option(uint8_t difference, std::string_view value) {
  return Raw{static_cast<uint8_t>(difference << 4 | value.size())} + text(value);
}

ParserRun run(uint16_t port = 5683) { return {AppId::kCoap, Transport::kUdp, 40000, port}; }
std::vector<Fields> events_of(const ParserRun& r) { return r.log().of(event::kCoap); }

const Raw kGet = Raw{0x42, 1, 0, 7, 0xaa, 0xbb} + option(11, "sensors") + option(0, "light");
const Raw kContent = Raw{0x62, 0x45, 0, 7, 0xaa, 0xbb} + Raw{0xc1, 50, 0xff} + text("21");
const Raw kDiscover = Raw{0x40, 1, 0, 8} + option(11, ".well-known") + option(0, "core");
const Raw kRegister = Raw{0x40, 2, 0, 9} + option(11, "rd") + option(4, "ep=pump7") +
                      option(0, "lt=60") + Raw{0xff} + text("</3/0>");
const Raw kExecute = Raw{0x40, 2, 0, 10} + option(11, "3") + option(0, "0") + option(0, "4");

TEST_CASE("coap: a request and its response") {
  ParserRun r = run();
  CHECK(r.probe(kGet) == Likelihood::kLikely);
  CHECK(r.feed(kGet) == Answer::kAccept);
  r.feed(kContent, false);
  r.feed(kDiscover);
  const auto events = events_of(r);
  REQUIRE(events.size() == 3);
  CHECK(events[0].text(ids::kOperation) == "read");
  CHECK(events[0].text(ids::kType) == "confirmable");
  CHECK(events[0].text(ids::kCode) == "GET");
  CHECK(events[0].text(ids::kUri) == "/sensors/light");
  CHECK(events[1].text(ids::kCode) == "2.05");
  CHECK(events[1].number(ids::kContentFormat) == 50);
  CHECK(events[1].number(ids::kPayloadBytes) == 2);
  CHECK(events[2].text(ids::kOperation) == "identify");
}

TEST_CASE("coap: Lightweight M2M is known by its resources") {
  ParserRun r = run();
  r.feed(kExecute);
  r.feed(kRegister);
  r.feed(kExecute);
  const auto events = events_of(r);
  REQUIRE(events.size() == 3);
  CHECK(!events[0].has(ids::kLwm2m));
  CHECK(events[1].text(ids::kLwm2m) == "register");
  CHECK(events[1].text(ids::kEndpoint) == "pump7");
  CHECK(events[1].text(ids::kUri) == "/rd?ep=pump7&lt=60");
  CHECK(events[2].text(ids::kLwm2m) == "execute");
  CHECK(events[2].text(ids::kOperation) == "control");
}

TEST_CASE("coap: what breaks the format is an anomaly") {
  ParserRun r = run();
  CHECK(run().feed({0x40, 1, 0, 1, 0xf0}) == Answer::kReject);
  r.feed(kGet);
  CHECK(r.feed({0x40, 1, 0, 1, 0xf0}) == Answer::kAccept);
  CHECK(r.log().of(event::kAnomaly).size() == 1);
}

TEST_CASE("coap: elsewhere only a request for a resource is recognised") {
  CHECK(run(9999).probe(kGet) == Likelihood::kMaybe);
  CHECK(run(9999).probe(kContent, false) == Likelihood::kNo);
  CHECK(run(9999).probe({0x40, 0, 0, 1}) == Likelihood::kNo);
  CHECK(run().probe({0x40, 0, 0, 1}) == Likelihood::kLikely);
}

TEST_CASE("coap: survives damage") {
  for (const Raw& sample : {kGet, kContent, kDiscover, kRegister, kExecute}) {
    mangle_parser({AppId::kCoap, Transport::kUdp, 5683, true, sample});
  }
}

}  // namespace
}  // namespace thymus::test
