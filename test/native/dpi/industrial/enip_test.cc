#include "base/generated/events/enip.h"

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

namespace ids = event::enip;
namespace asked = ids::request;
namespace given = ids::response;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

Raw message(uint16_t command, const Raw& data, uint32_t session = 7) {
  return le16(command) + le16(data.size()) + le32(session) + zeros(16) + data;
}
Raw unconnected(const Raw& cip) {
  return message(0x6f, zeros(6) + le16(2) + zeros(4) + le16(0xb2) + le16(cip.size()) + cip);
}
Raw connected(uint16_t sequence, const Raw& cip) {
  return message(0x70, zeros(6) + le16(2) + le16(0xa1) + le16(4) + le32(99) + le16(0xb1) +
                           le16(2 + cip.size()) + le16(sequence) + cip);
}

ParserRun run(uint16_t port = 44818) { return {AppId::kEnip, Transport::kTcp, 40000, port}; }
std::vector<Fields> events_of(const ParserRun& r) { return r.log().of(event::kEnip); }
Fields cip_of(const Fields& e) { return e.objects(ids::kRequest).at(0).objects(asked::kCip).at(0); }
Fields answer_of(const Fields& e) {
  return e.objects(ids::kResponse).at(0).objects(given::kCip).at(0);
}

const Raw kRegister = message(0x65, {1, 0, 0, 0}, 0);
const Raw kRegistered = message(0x65, {1, 0, 0, 0}, 7);
const Raw kGetIdentity = unconnected({0x01, 2, 0x20, 0x01, 0x24, 0x01});
const Raw kGotIdentity = unconnected({0x81, 0, 0, 0, 1, 2, 3});
const Raw kTag = Raw{0x91, 5} + text("Valve") + Raw{0};
const Raw kWriteTag = connected(5, Raw{0x4d, 4} + kTag + le16(0xc1) + le16(1) + Raw{1});
const Raw kReset = Raw{0x05, 2, 0x20, 0x01, 0x24, 0x01, 0};
const Raw kMultiple = connected(
    6, Raw{0x0a, 2, 0x20, 0x02, 0x24, 0x01} + le16(2) + le16(6) + le16(13) + kReset + kReset);
const Raw kPccc = unconnected(Raw{0x4b, 2, 0x20, 0x67, 0x24, 0x01} + Raw{7, 1, 0, 1, 2, 3, 4} +
                              Raw{0x0f, 0, 1, 0, 0x3a, 2});
const Raw kIdentity = message(0x63, le16(1) + le16(0x0c) + le16(45) + le16(1) + zeros(16) +
                                        le16(1) + le16(12) + le16(58) + Raw{4, 3} + le16(0x30) +
                                        le32(0x55) + Raw{11} + text("1756-ENBT/A") + Raw{3});

TEST_CASE("enip: a session and a request with its answer") {
  ParserRun r = run();
  CHECK(r.probe(kRegister) == Likelihood::kLikely);
  CHECK(r.feed(kRegister) == Answer::kAccept);
  r.feed(kRegistered, false);
  r.feed(kGetIdentity);
  r.feed(kGotIdentity, false);
  const auto events = events_of(r);
  REQUIRE(events.size() == 2);
  CHECK(events[0].text(ids::kOperation) == "other");
  CHECK(events[0].objects(ids::kRequest).at(0).text(asked::kCommand) == "register_session");
  CHECK(events[0].objects(ids::kResponse).at(0).text(given::kStatus) == "success");
  CHECK(events[1].text(ids::kOperation) == "identify");
  CHECK(cip_of(events[1]).text(asked::cip::kService) == "Get Attributes All");
  CHECK(cip_of(events[1]).text(asked::cip::kClassName) == "Identity");
  const auto path = cip_of(events[1]).objects(asked::cip::kPath);
  REQUIRE(path.size() == 2);
  CHECK(path[0].text(asked::cip::path::kSegmentType) == "class_8bit");
  CHECK(path[1].number(asked::cip::path::kValue) == 1);
  CHECK(answer_of(events[1]).text(given::cip::kStatus) == "Success");
}

TEST_CASE("enip: tags, services in services and commands of older controllers") {
  ParserRun r = run();
  r.feed(kWriteTag + kMultiple + kPccc);
  r.feed(connected(6, {0x8a, 0, 0x1e, 0, 0, 0}), false);
  r.feed(unconnected({0xd4, 0, 1, 1, 0x07, 0x01}), false);
  r.end();
  const auto events = events_of(r);
  REQUIRE(events.size() == 3);
  CHECK(events[0].text(ids::kOperation) == "control");
  CHECK(cip_of(events[0]).objects(asked::cip::kMultiple).size() == 2);
  CHECK(answer_of(events[0]).text(given::cip::kStatus) == "Embedded Service Error");
  CHECK(events[1].text(ids::kOperation) == "control");
  CHECK(cip_of(events[1]).text(asked::cip::kPcccCommand) == "set_cpu_mode");
  CHECK(answer_of(events[1]).text(given::cip::kStatusExtendedMeaning) ==
        "Target connection not found");
  CHECK(events[2].text(ids::kOperation) == "write");
  CHECK(cip_of(events[2]).text(asked::cip::kSymbol) == "Valve");
  CHECK(!events[2].has(ids::kResponse));
}

TEST_CASE("enip: an unconnected send shows what it carries") {
  ParserRun r = run();
  r.feed(unconnected(Raw{0x52, 2, 0x20, 0x06, 0x24, 0x01, 5, 0x9d} + le16(kReset.size() - 1) +
                     Raw(kReset.begin(), kReset.end() - 1) + Raw{1, 0, 1, 0}));
  r.end();
  REQUIRE(events_of(r).size() == 1);
  const Fields e = events_of(r)[0];
  CHECK(e.text(ids::kOperation) == "control");
  CHECK(cip_of(e).text(asked::cip::kService) == "Unconnected Send");
  CHECK(cip_of(e).objects(asked::cip::kMultiple).at(0).text(asked::cip::multiple::kService) ==
        "Reset");
}

TEST_CASE("enip: the identity of a device") {
  namespace identity = given::identity;
  ParserRun r(AppId::kEnip, Transport::kUdp, 40000, 44818);
  r.feed(message(0x63, {}, 0));
  r.feed(kIdentity, false);
  r.end();
  bool is_found = false;
  for (const Fields& e : events_of(r)) {
    if (!e.has(ids::kResponse)) continue;
    const Fields device = e.objects(ids::kResponse).at(0).objects(given::kIdentity).at(0);
    CHECK(e.text(ids::kOperation) == "identify");
    CHECK(device.text(identity::kRevision) == "4.3");
    CHECK(device.text(identity::kVendorId) == "Rockwell Automation/Allen-Bradley");
    CHECK(device.text(identity::kDeviceType) == "Communications Adapter");
    CHECK(device.text(identity::kProductName) == "1756-ENBT/A");
    is_found = true;
  }
  CHECK(is_found);
}

TEST_CASE("enip: items that break the format are an anomaly") {
  ParserRun r = run();
  r.feed(message(0x6f, zeros(6) + le16(2) + zeros(4) + le16(0xb2) + le16(99) + Raw{1, 2}));
  REQUIRE(r.log().of(event::kAnomaly).size() == 1);
  CHECK(r.log().of(event::kAnomaly)[0].number(event::anomaly::kCode) ==
        anomaly_code::kEnipInvalidPdu);
}

TEST_CASE("enip: recognised by content on any port") {
  CHECK(run(9999).probe(kRegister) == Likelihood::kLikely);
  CHECK(run(9999).probe(kGetIdentity) == Likelihood::kLikely);
  CHECK(run(9999).probe(zeros(64)) == Likelihood::kNo);
  CHECK(run(9999).probe({0x65, 0, 4, 0}) == Likelihood::kNo);
  CHECK(run().probe({0x65, 0, 4, 0}) == Likelihood::kMaybe);
}

TEST_CASE("enip: requests without an answer are bounded") {
  ParserRun r = run();
  for (uint16_t i = 0; i < 100; ++i) r.feed(connected(i, kReset));
  CHECK(events_of(r).size() == 100 - 24);
  r.end();
  CHECK(events_of(r).size() == 100);
}

TEST_CASE("enip: long messages are passed over") {
  ParserRun r = run();
  r.feed(unconnected(Raw{0x4d, 4} + kTag + zeros(60'000)) + kWriteTag);
  r.end();
  REQUIRE(events_of(r).size() == 2);
  CHECK(cip_of(events_of(r)[0]).text(asked::cip::kSymbol) == "Valve");
}

TEST_CASE("enip: segments may be cut anywhere") {
  check_split(AppId::kEnip, 44818,
              {{true, kRegister},
               {false, kRegistered},
               {true, kGetIdentity + kWriteTag + kMultiple},
               {false, kGotIdentity}});
}

TEST_CASE("enip: survives damage") {
  for (const Raw& sample : {kRegister, kGetIdentity, kWriteTag, kMultiple, kPccc}) {
    mangle_parser({AppId::kEnip, Transport::kTcp, 44818, true, sample});
  }
  for (const Raw& sample : {kIdentity, kGotIdentity}) {
    mangle_parser({AppId::kEnip, Transport::kTcp, 44818, false, sample});
  }
}

}  // namespace
}  // namespace thymus::test
