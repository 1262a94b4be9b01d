#include <doctest/doctest.h>

#include "base/generated/events/diameter.h"
#include "base/generated/events/gtpv1.h"
#include "base/generated/events/gtpv2.h"
#include "base/generated/events/ngap.h"
#include "base/generated/events/pfcp.h"
#include "base/generated/events/s1ap.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "support/packet_builder.h"

using namespace thymus;
using namespace thymus::test;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

namespace {

using Message = std::vector<uint8_t>;

void avp(Packet* p, uint32_t code, const Message& data) {
  p->be32(code).u8(0x40).u8(0).be16(8 + static_cast<unsigned>(data.size())).raw(data);
  for (size_t i = data.size(); i % 4 != 0; ++i) p->u8(0);
}
Message text(std::string_view s) { return {s.begin(), s.end()}; }
Message number(uint32_t v) { return Packet().be32(v).bytes(); }

Message diameter(bool is_request, uint32_t command) {
  Packet avps;
  avp(&avps, 263, text("mme;1;2"));
  avp(&avps, 264, text("mme.example"));
  avp(&avps, 296, text("example"));
  if (!is_request) avp(&avps, 268, number(2001));
  avp(&avps, 297, [] {
    Packet inner;
    avp(&inner, 298, number(5001));
    return inner.bytes();
  }());
  const Message body = avps.bytes();
  Packet p;
  p.u8(1).u8(0).be16(20 + static_cast<unsigned>(body.size()));
  p.u8(is_request ? 0xc0 : 0x40).u8(0).be16(command);
  return p.be32(16777251).be32(7).be32(8).raw(body).bytes();
}

Message s1ap_setup() {
  return Packet().u8(0x00).u8(17).u8(0x00).u8(6).raw(Message(6, 0x11)).bytes();
}

Message create_session_request() {
  Packet p;
  p.u8(0x48).u8(32).be16(8 + 4 + 15 + 5 + 4 + 9).be32(0).u8(0).be16(5).u8(0);
  p.u8(71).be16(15).u8(0).u8(8).text("internet").u8(5).text("apnxx");
  p.u8(82).be16(1).u8(0).u8(6);
  return p.u8(87).be16(9).u8(0).u8(0x8a).be32(0x1234).be32(0x0a000001).bytes();
}

Message echo_request_v1() {
  return Packet().u8(0x32).u8(1).be16(6).be32(0).be16(9).be16(0).u8(14).u8(3).bytes();
}

Message pfcp_heartbeat() {
  return Packet().u8(0x20).u8(1).be16(12).u8(0).be16(3).u8(0).be16(96).be16(4).be32(1).bytes();
}

Message pfcp_establishment() {
  Packet p;
  p.u8(0x21).u8(50).be16(12 + 9 + 17).be32(0).be32(0).u8(0).be16(4).u8(0);
  p.be16(60).be16(5).u8(0).be32(0x0a000002);
  return p.be16(57).be16(13).u8(2).be32(0).be32(77).be32(0x0a000003).bytes();
}

}  // namespace

TEST_CASE("diameter: a request and its answer, whole and byte by byte") {
  Message both = diameter(true, 316);
  const Message answer = diameter(false, 316);
  ParserRun whole(AppId::kDiameter, Transport::kTcp, 40000, 3868);
  CHECK(whole.probe(both) == Likelihood::kLikely);
  CHECK(whole.feed(both) == Answer::kAccept);
  CHECK(whole.feed(answer, false) == Answer::kAccept);
  ParserRun pieces(AppId::kDiameter, Transport::kTcp, 40000, 3868);
  for (const uint8_t byte : both) pieces.feed({byte});
  for (const uint8_t byte : answer) pieces.feed({byte}, false);
  for (const ParserRun* run : {&whole, &pieces}) {
    const auto events = run->log().of(event::kDiameter);
    REQUIRE(events.size() == 2);
    CHECK(events[0].text(event::diameter::kType) == "request");
    CHECK(events[0].text(event::diameter::kCommand) == "Update-Location");
    CHECK(events[0].text(event::diameter::kOriginHost) == "mme.example");
    CHECK(events[0].number(event::diameter::kExperimentalResultCode) == 5001);
    CHECK(events[1].text(event::diameter::kType) == "answer");
    CHECK(events[1].number(event::diameter::kResultCode) == 2001);
  }
}

TEST_CASE("diameter: over SCTP each message is whole") {
  ParserRun run(AppId::kDiameter, Transport::kSctp, 40000, 3868);
  CHECK(run.feed(diameter(true, 257)) == Answer::kAccept);
  CHECK(run.feed(text("no Diameter at all, but long enough")) == Answer::kAccept);
  CHECK(run.log().of(event::kDiameter).size() == 1);
}

TEST_CASE("diameter: text and zeros are none") {
  ParserRun run(AppId::kDiameter, Transport::kTcp, 40000, 3868);
  CHECK(run.probe(text("GET / HTTP/1.1\r\n\r\n")) == Likelihood::kNo);
  CHECK(run.probe(Message(40, 0)) == Likelihood::kNo);
}

TEST_CASE("s1ap and ngap: procedures by number, only where the length is right") {
  ParserRun s1ap(AppId::kS1ap, Transport::kSctp, 40000, 36412);
  CHECK(s1ap.feed(s1ap_setup()) == Answer::kAccept);
  const auto events = s1ap.log().of(event::kS1ap);
  REQUIRE(events.size() == 1);
  CHECK(events[0].text(event::s1ap::kType) == "initiating_message");
  CHECK(events[0].text(event::s1ap::kProcedure) == "S1Setup");
  ParserRun ngap(AppId::kNgap, Transport::kSctp, 40000, 38412);
  Message wrong = s1ap_setup();
  wrong[3] = 9;
  CHECK(ngap.feed(wrong) == Answer::kReject);
  wrong[1] = 21;
  wrong[3] = 6;
  ParserRun setup(AppId::kNgap, Transport::kSctp, 40000, 38412);
  CHECK(setup.feed(wrong) == Answer::kAccept);
  CHECK(setup.log().of(event::kNgap)[0].text(event::ngap::kProcedure) == "NGSetup");
}

TEST_CASE("gtp: control messages of both versions") {
  ParserRun v2(AppId::kGtpv2, Transport::kUdp, 2123, 2123);
  CHECK(v2.probe(create_session_request()) == Likelihood::kLikely);
  CHECK(v2.feed(create_session_request()) == Answer::kAccept);
  const auto events = v2.log().of(event::kGtpv2);
  REQUIRE(events.size() == 1);
  CHECK(events[0].text(event::gtpv2::kMessage) == "create_session_request");
  CHECK(events[0].text(event::gtpv2::kApn) == "internet.apnxx");
  CHECK(events[0].number(event::gtpv2::kRatType) == 6);
  ParserRun v1(AppId::kGtpv1, Transport::kUdp, 2152, 2152);
  CHECK(v1.probe(echo_request_v1()) == Likelihood::kLikely);
  CHECK(v1.feed(echo_request_v1()) == Answer::kAccept);
  CHECK(v1.log().of(event::kGtpv1)[0].text(event::gtpv1::kMessage) == "echo_request");
}

TEST_CASE("pfcp: node and session messages") {
  ParserRun run(AppId::kPfcp, Transport::kUdp, 40000, 8805);
  CHECK(run.probe(pfcp_heartbeat()) == Likelihood::kLikely);
  CHECK(run.feed(pfcp_heartbeat()) == Answer::kAccept);
  CHECK(run.feed(pfcp_establishment()) == Answer::kAccept);
  const auto events = run.log().of(event::kPfcp);
  REQUIRE(events.size() == 2);
  CHECK(events[1].text(event::pfcp::kMessage) == "session_establishment_request");
  CHECK(events[1].number(event::pfcp::kFSeid) == 77);
}

TEST_CASE("telecom: damaged messages") {
  mangle_parser({AppId::kDiameter, Transport::kTcp, 3868, true, diameter(true, 316)});
  mangle_parser({AppId::kDiameter, Transport::kSctp, 3868, true, diameter(false, 316)});
  mangle_parser({AppId::kS1ap, Transport::kSctp, 36412, true, s1ap_setup()});
  mangle_parser({AppId::kNgap, Transport::kSctp, 38412, true, s1ap_setup()});
  mangle_parser({AppId::kGtpv2, Transport::kUdp, 2123, true, create_session_request()});
  mangle_parser({AppId::kGtpv1, Transport::kUdp, 2152, true, echo_request_v1()});
  mangle_parser({AppId::kPfcp, Transport::kUdp, 8805, true, pfcp_establishment()});
}
