#include "base/generated/events/opcua.h"

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

namespace ids = event::opcua;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

Raw message(std::string_view type, const Raw& body) {
  return text(type) + le32(8 + body.size()) + body;
}
Raw counted(std::string_view t) { return le32(t.size()) + text(t); }
const Raw kNone = le32(0xffffffff);

Raw body(uint16_t type, const Raw& rest) {
  return le32(11) + le32(12) + Raw{1, 0} + le16(type) + rest;
}
Raw request(uint16_t type, const Raw& rest) {
  const Raw header = Raw{0, 0} + zeros(8) + le32(1) + le32(0) + kNone + le32(0) + Raw{0, 0, 0};
  return message("MSGF", le32(5) + le32(6) + body(type, header + rest));
}
Raw response(uint16_t type, uint32_t status) {
  return message("MSGF", le32(5) + le32(6) + body(type, zeros(8) + le32(1) + le32(status)));
}

ParserRun run(uint16_t port = 4840) { return {AppId::kOpcUa, Transport::kTcp, 40000, port}; }
std::vector<Fields> events_of(const ParserRun& r) { return r.log().of(event::kOpcua); }

const Raw kHello = message("HELF", le32(0) + le32(65535) + le32(65535) + le32(0) + le32(0) +
                                       counted("opc.tcp://plc:4840"));
const Raw kOpen = message(
    "OPNF", le32(0) + counted("http://opcfoundation.org/UA/SecurityPolicy#None") + kNone + kNone +
                body(446, Raw{0, 0} + zeros(8) + le32(1) + le32(0) + kNone + le32(0) +
                              Raw{0, 0, 0} + le32(0) + le32(0) + le32(1)));
const Raw kRead = request(631, zeros(8) + le32(2) + le32(2) + Raw{3} + le16(2) + counted("Valve") +
                                   le32(13) + kNone + le16(0) + kNone + Raw{1, 1} + le16(99) +
                                   le32(13) + kNone + le16(0) + kNone);
const Raw kCall = request(712, le32(1) + Raw{0, 85} + Raw{2} + le16(3) + le32(70'000) + kNone);
const Raw kActivate = request(467, kNone + kNone + kNone + kNone + Raw{1, 0} + le16(324) + Raw{1} +
                                       le32(20) + counted("pol") + counted("admin") + kNone);
const Raw kError = message("ERRF", le32(0x80830000) + counted("no such endpoint"));

TEST_CASE("opcua: hello, channel and a request") {
  ParserRun r = run();
  CHECK(r.probe(kHello) == Likelihood::kLikely);
  CHECK(r.feed(kHello) == Answer::kAccept);
  r.feed(kOpen + kRead);
  r.feed(response(634, 0), false);
  const auto events = events_of(r);
  REQUIRE(events.size() == 4);
  CHECK(events[0].text(ids::kMessage) == "hello");
  CHECK(events[0].text(ids::kEndpointUrl) == "opc.tcp://plc:4840");
  CHECK(events[1].text(ids::kSecurityPolicy) == "None");
  CHECK(events[1].text(ids::kSecurityMode) == "none");
  CHECK(events[1].text(ids::kService) == "OpenSecureChannel");
  CHECK(events[2].text(ids::kOperation) == "read");
  CHECK(events[2].number(ids::kSecureChannel) == 5);
  CHECK(events[2].number(ids::kRequestId) == 12);
  CHECK(events[2].all(ids::kNodes).size() == 2);
  CHECK(events[2].text(ids::kNodes) == "ns=2;s=Valve");
  CHECK(events[3].text(ids::kService) == "Read");
  CHECK(events[3].text(ids::kStatus) == "Good");
}

TEST_CASE("opcua: methods, users and refusals") {
  ParserRun r = run();
  r.feed(kCall + kActivate);
  r.feed(response(397, 0x801f0000) + response(676, 0x80990000) + kError, false);
  const auto events = events_of(r);
  REQUIRE(events.size() == 5);
  CHECK(events[0].text(ids::kOperation) == "control");
  CHECK(events[0].text(ids::kNodes) == "i=85");
  CHECK(events[0].all(ids::kNodes).size() == 2);
  CHECK(events[1].text(ids::kUser) == "admin");
  CHECK(events[2].text(ids::kService) == "ServiceFault");
  CHECK(events[3].text(ids::kOperation) == "write");
  CHECK(events[3].text(ids::kStatus) == "0x80990000");
  CHECK(events[4].text(ids::kError) == "BadTcpEndpointUrlInvalid");
  CHECK(events[4].text(ids::kReason) == "no such endpoint");
}

TEST_CASE("opcua: an encrypted message shows its channel only") {
  ParserRun r = run();
  r.feed(message("MSGF", le32(5) + le32(6) + Raw(64, 0xa5)));
  REQUIRE(events_of(r).size() == 1);
  CHECK(events_of(r)[0].number(ids::kSecureChannel) == 5);
  CHECK(!events_of(r)[0].has(ids::kService));
}

TEST_CASE("opcua: continuations and long messages are passed over") {
  ParserRun r = run();
  r.feed(message("MSGC", le32(5) + le32(6) + Raw(64, 0xa5)) +
         message("MSGF", le32(5) + le32(6) + Raw(200'000, 0xa5)) + kRead);
  CHECK(events_of(r).size() == 2);
  r.feed(text("GET / HTTP/1.1"));
  REQUIRE(r.log().of(event::kAnomaly).size() == 1);
  CHECK(r.feed(kRead) == Answer::kAccept);
  CHECK(events_of(r).size() == 3);
}

TEST_CASE("opcua: recognised by content on any port") {
  CHECK(run(9999).probe(kRead) == Likelihood::kLikely);
  CHECK(run(9999).probe(text("HELO mail.example")) == Likelihood::kNo);
  CHECK(run(9999).probe(text("HEL")) == Likelihood::kNo);
  CHECK(run().probe(text("HE")) == Likelihood::kMaybe);
}

TEST_CASE("opcua: segments may be cut anywhere") {
  check_split(AppId::kOpcUa, 4840,
              {{true, kHello + kOpen}, {true, kRead + kCall}, {false, response(634, 0) + kError}});
}

TEST_CASE("opcua: survives damage") {
  for (const Raw& sample : {kHello, kOpen, kRead, kCall, kActivate, kError}) {
    mangle_parser({AppId::kOpcUa, Transport::kTcp, 4840, true, sample});
  }
}

}  // namespace
}  // namespace thymus::test
