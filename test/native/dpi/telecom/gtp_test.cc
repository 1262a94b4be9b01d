#include <doctest/doctest.h>

#include "base/generated/events/gtpv1.h"
#include "base/generated/events/gtpv2.h"
#include "dpi/identity.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/telecom/telecom_message.h"
#include "support/packet_builder.h"

using namespace thymus;
using namespace thymus::test;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

namespace {

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

// Elements of GTPv2-C: type, length, instance, value.
void element(Packet* p, uint8_t type, const Message& value) {
  p->u8(type).be16(static_cast<unsigned>(value.size())).u8(0).raw(value);
}

Message f_teid(uint8_t interface, uint32_t teid) {
  return Packet().u8(0x80 | interface).be32(teid).be32(0x0a000001).bytes();
}

Message create_session_of_subscriber() {
  Packet body;
  element(&body, 1, imsi_digits());
  element(&body, 76, {0x94, 0x71, 0x21, 0x43});
  element(&body, 75, {0x53, 0x27, 0x02, 0x90, 0x42, 0x15, 0x83, 0x93});
  element(&body, 86,
          {0x18, 0x00, 0xf1, 0x10, 0x00, 0x07, 0x00, 0xf1, 0x10, 0x00, 0x01, 0x9b, 0x01});
  element(&body, 79, {0x01, 0x0a, 0x2d, 0x00, 0x02});
  Packet bearer;
  element(&bearer, 73, {5});
  element(&bearer, 87, f_teid(4, 0x77));
  element(&body, 93, bearer.bytes());
  const Message rest = body.bytes();
  Packet p;
  p.u8(0x48).u8(32).be16(8 + static_cast<unsigned>(rest.size())).be32(0).u8(0).be16(6).u8(0);
  return p.raw(rest).bytes();
}

Message create_pdp_context() {
  Packet body;
  body.u8(2).raw(imsi_digits()).u8(16).be32(0x21).u8(17).be32(0x22).u8(20).u8(5);
  body.u8(131).be16(9).u8(8).text("internet").u8(133).be16(4).be32(0x0a000001);
  body.u8(133).be16(4).be32(0x0a000002).u8(134).be16(5).raw({0x91, 0x94, 0x71, 0x21, 0x43});
  body.u8(151).be16(1).u8(1).u8(152).be16(8).raw({0x01, 0x00, 0xf1, 0x10, 0x00, 0x07, 0x00, 0x09});
  const Message rest = body.bytes();
  Packet p;
  p.u8(0x32).u8(16).be16(4 + static_cast<unsigned>(rest.size())).be32(0).be16(7).be16(0);
  return p.raw(rest).bytes();
}

}  // namespace

TEST_CASE("gtp: control messages of both versions") {
  ParserRun v2(AppId::kGtpControl, Transport::kUdp, 2123, 2123);
  CHECK(v2.probe(create_session_request()) == Likelihood::kLikely);
  CHECK(v2.feed(create_session_request()) == Answer::kAccept);
  const auto events = v2.log().of(event::kGtpv2);
  REQUIRE(events.size() == 1);
  CHECK(events[0].text(event::gtpv2::kMessage) == "create_session_request");
  CHECK(events[0].text(event::gtpv2::kApn) == "internet.apnxx");
  CHECK(events[0].number(event::gtpv2::kRatType) == 6);
  ParserRun v1(AppId::kGtpPath, Transport::kUdp, 2152, 2152);
  CHECK(v1.probe(echo_request_v1()) == Likelihood::kLikely);
  CHECK(v1.feed(echo_request_v1()) == Answer::kAccept);
  CHECK(v1.log().of(event::kGtpv1)[0].text(event::gtpv1::kMessage) == "echo_request");
}

TEST_CASE("gtpv2: a session of a subscriber, whose identities are hashed") {
  ParserRun run(AppId::kGtpControl, Transport::kUdp, 2123, 2123);
  CHECK(run.feed(create_session_of_subscriber()) == Answer::kAccept);
  const auto events = run.log().of(event::kGtpv2);
  REQUIRE(events.size() == 1);
  namespace ids = event::gtpv2;
  const dpi::ParserOptions options;
  CHECK(events[0].text(ids::kImsi) ==
        dpi::identity_text(dpi::IdentityKind::kImsi, "001010123456789", options).view());
  CHECK(events[0].text(ids::kMsisdn).starts_with("hash:"));
  CHECK(events[0].text(ids::kImei).starts_with("hash:"));
  const auto location = events[0].objects(ids::kLocation);
  REQUIRE(location.size() == 1);
  CHECK(location[0].text(ids::location::kPlmn) == "00101");
  CHECK(location[0].number(ids::location::kArea) == 7);
  CHECK(location[0].number(ids::location::kCell) == 105217);
  const auto ends = events[0].objects(ids::kFTeid);
  REQUIRE(ends.size() == 1);
  CHECK(ends[0].number(ids::f_teid::kInterfaceType) == 4);
  CHECK(ends[0].number(ids::f_teid::kTeid) == 0x77);
}

TEST_CASE("gtpv2: identities in clear where the options say so") {
  ParserRun run(AppId::kGtpControl, Transport::kUdp, 2123, 2123);
  run.context().options.clear_identities = true;
  run.feed(create_session_of_subscriber());
  const auto events = run.log().of(event::kGtpv2);
  REQUIRE(events.size() == 1);
  CHECK(events[0].text(event::gtpv2::kImsi) == "001010123456789");
  CHECK(events[0].text(event::gtpv2::kMsisdn) == "49171234");
}

TEST_CASE("gtpv1: a context of a subscriber") {
  ParserRun run(AppId::kGtpPath, Transport::kUdp, 2123, 2123);
  CHECK(run.feed(create_pdp_context()) == Answer::kAccept);
  CHECK(run.context().last().facts.app == AppId::kGtpControl);
  const auto events = run.log().of(event::kGtpv1);
  REQUIRE(events.size() == 1);
  namespace ids = event::gtpv1;
  CHECK(events[0].text(ids::kImsi).starts_with("hash:"));
  CHECK(events[0].text(ids::kApn) == "internet");
  CHECK(events[0].number(ids::kTeidData) == 0x21);
  CHECK(events[0].all(ids::kNodeAddress).size() == 2);
  CHECK(events[0].number(ids::kRatType) == 1);
}

TEST_CASE("gtp: damaged messages") {
  mangle_parser({AppId::kGtpControl, Transport::kUdp, 2123, true, create_session_request()});
  mangle_parser({AppId::kGtpPath, Transport::kUdp, 2152, true, echo_request_v1()});
  mangle_parser({AppId::kGtpControl, Transport::kUdp, 2123, true, create_session_of_subscriber()});
  mangle_parser({AppId::kGtpPath, Transport::kUdp, 2123, true, create_pdp_context()});
}
