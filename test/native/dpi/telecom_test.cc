#include <doctest/doctest.h>

#include "base/generated/events/diameter.h"
#include "base/generated/events/gtpv1.h"
#include "base/generated/events/gtpv2.h"
#include "base/generated/events/m3ua.h"
#include "base/generated/events/ngap.h"
#include "base/generated/events/pfcp.h"
#include "base/generated/events/radius.h"
#include "base/generated/events/s1ap.h"
#include "dpi/identity.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/telecom/subscriber.h"
#include "support/packet_builder.h"

using namespace thymus;
using namespace thymus::test;
using dpi::Answer;
using dpi::AppId;
using dpi::Digits;
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

namespace {

Digits digits_of(std::initializer_list<uint8_t> bytes) {
  const Message copy(bytes);
  return dpi::tbcd(Bytes(copy));
}

// Elements of GTPv2-C: type, length, instance, value.
void element(Packet* p, uint8_t type, const Message& value) {
  p->u8(type).be16(static_cast<unsigned>(value.size())).u8(0).raw(value);
}
Message imsi_element() { return {0x00, 0x01, 0x01, 0x21, 0x43, 0x65, 0x87, 0xf9}; }
Message f_teid(uint8_t interface, uint32_t teid) {
  return Packet().u8(0x80 | interface).be32(teid).be32(0x0a000001).bytes();
}

Message create_session_of_subscriber() {
  Packet body;
  element(&body, 1, imsi_element());
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
  body.u8(2).raw(imsi_element()).u8(16).be32(0x21).u8(17).be32(0x22).u8(20).u8(5);
  body.u8(131).be16(9).u8(8).text("internet").u8(133).be16(4).be32(0x0a000001);
  body.u8(133).be16(4).be32(0x0a000002).u8(134).be16(5).raw({0x91, 0x94, 0x71, 0x21, 0x43});
  body.u8(151).be16(1).u8(1).u8(152).be16(8).raw({0x01, 0x00, 0xf1, 0x10, 0x00, 0x07, 0x00, 0x09});
  const Message rest = body.bytes();
  Packet p;
  p.u8(0x32).u8(16).be16(4 + static_cast<unsigned>(rest.size())).be32(0).be16(7).be16(0);
  return p.raw(rest).bytes();
}

Message pfcp_element(unsigned type, const Message& value) {
  return Packet().be16(type).be16(static_cast<unsigned>(value.size())).raw(value).bytes();
}
Message joined(std::initializer_list<Message> parts) {
  Message out;
  for (const Message& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

Message pfcp_establishment_with_rules() {
  const Message f_teid_value = Packet().u8(1).be32(0x51).be32(0x0a000003).bytes();
  const Message instance = Packet().u8(8).text("internet").bytes();
  const Message ue = Packet().u8(2).be32(0x0a2d0002).bytes();
  const Message pdi =
      joined({pfcp_element(21, f_teid_value), pfcp_element(22, instance), pfcp_element(93, ue)});
  const Message outer = Packet().be16(0x0100).be32(0x61).be32(0x0a000004).bytes();
  const Message far = pfcp_element(4, pfcp_element(84, outer));
  const Message user = Packet().u8(1).u8(8).raw(imsi_element()).bytes();
  const Message body =
      joined({pfcp_element(57, Packet().u8(2).be32(0).be32(77).be32(0x0a000003).bytes()),
              pfcp_element(1, pfcp_element(2, pdi)), pfcp_element(3, far), pfcp_element(141, user),
              pfcp_element(257, {1, 0, 0, 9})});
  Packet p;
  p.u8(0x21).u8(50).be16(12 + static_cast<unsigned>(body.size())).be32(0).be32(0).u8(0).be16(4);
  return p.u8(0).raw(body).bytes();
}

// An element of S1AP or NGAP: id, criticality, length, value.
Message ran_element(unsigned id, const Message& value) {
  return Packet().be16(id).u8(0x40).u8(static_cast<unsigned>(value.size())).raw(value).bytes();
}
Message ran_message(uint8_t kind, uint8_t procedure, std::initializer_list<Message> elements) {
  const Message body = joined(elements);
  Packet p;
  p.u8(kind).u8(procedure).u8(0);
  const auto length = static_cast<unsigned>(3 + body.size());
  if (length > 127) {
    p.be16(0x8000 | length);
  } else {
    p.u8(length);
  }
  return p.u8(0).be16(static_cast<unsigned>(elements.size())).raw(body).bytes();
}

Message nas_identity_response_5gs() {
  const Message suci = {0x01, 0x00, 0xf1, 0x10, 0xf0, 0xff, 0x00,
                        0x00, 0x21, 0x43, 0x65, 0x87, 0xf9};
  return Packet()
      .u8(0x7e)
      .u8(0)
      .u8(0x5c)
      .be16(static_cast<unsigned>(suci.size()))
      .raw(suci)
      .bytes();
}

Message ngap_identity() {
  const Message nas = nas_identity_response_5gs();
  const Message octets = joined({{static_cast<uint8_t>(nas.size())}, nas});
  return ran_message(
      0x00, 46,
      {ran_element(10, {0x00, 0x0d}), ran_element(85, {0x00, 0x02}), ran_element(38, octets),
       ran_element(121, {0x40, 0x00, 0xf1, 0x10, 0x00, 0x00, 0x04, 0x00, 0x10, 0x00, 0xf1, 0x10,
                         0x00, 0x00, 0x01})});
}

// One session, with the tunnel's end in the core; slice 1-000009.
Message ngap_session_request() {
  // Choice, two bits of the sequence, one of the bit string, 31 in eight bits: 0000 0000 1111 1 ...
  const Message address = {0x01, 0xf0, 0x0a, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x51};
  const Message transfer = joined({{0x00, 0x00, 0x01}, ran_element(139, address)});
  Message list = {0x00, 0x00, 0x05, 0x40, 0x20, 0x00, 0x00, 0x09};
  list.push_back(static_cast<uint8_t>(transfer.size()));
  list.insert(list.end(), transfer.begin(), transfer.end());
  return ran_message(0x00, 29, {ran_element(10, {0x00, 0x0d}), ran_element(74, list)});
}

// One bearer with the tunnel's end in the core, and an attach accept in clear.
Message s1ap_context_setup() {
  const Message esm = {0x52, 0x01, 0xc1, 0x01, 0x09, 0x09, 0x08, 'i',  'n',  't', 'e',
                       'r',  'n',  'e',  't',  0x05, 0x01, 0x0a, 0x2d, 0x00, 0x02};
  Packet nas;
  nas.u8(0x27).be32(0x11223344).u8(1).u8(0x07).u8(0x42).u8(1).u8(0x49).u8(6).raw(Message(6, 0));
  nas.be16(static_cast<unsigned>(esm.size())).raw(esm);
  nas.u8(0x50).u8(11).raw({0xf6, 0x00, 0xf1, 0x10, 0x00, 0x02, 0x01, 0xc0, 0x00, 0x01, 0x02});
  const Message message = nas.bytes();
  Packet item;
  // NAS is there; bearer 5; class 9, priority 15; a tunnel of 32 bits of address.
  item.u8(0x45).u8(0x00).u8(9).u8(0x3c).u8(0x0f).u8(0x80).be32(0x0a000006).be32(2);
  item.u8(static_cast<unsigned>(message.size())).raw(message);
  const Message list = joined({{0x00}, ran_element(52, item.bytes())});
  return ran_message(
      0x00, 9, {ran_element(0, {0x00, 0x01}), ran_element(8, {0x00, 0x02}), ran_element(24, list)});
}

Message radius_accounting() {
  Packet attributes;
  attributes.u8(1).u8(17).text("001011234567895").u8(4).u8(6).be32(0x0a000001);
  attributes.u8(8).u8(6).be32(0x0a2d0002).u8(40).u8(6).be32(2).u8(42).u8(6).be32(1000);
  attributes.u8(52).u8(6).be32(1).u8(44).u8(6).text("abcd").u8(31).u8(13).text("49171234567");
  attributes.u8(26).u8(9).be32(10415).u8(21).u8(3).u8(6);
  attributes.u8(26).u8(16).be32(10415).u8(22).u8(10).raw(
      {0x81, 0x00, 0xf1, 0x10, 0x00, 0x01, 0x9b, 0x01});
  const Message body = attributes.bytes();
  Packet p;
  p.u8(4).u8(9).be16(20 + static_cast<unsigned>(body.size())).raw(Message(16, 0xaa)).raw(body);
  return p.bytes();
}
Message radius_response() { return Packet().u8(5).u8(9).be16(20).raw(Message(16, 0xbb)).bytes(); }

}  // namespace

TEST_CASE("subscriber: digits, networks and names of access points") {
  CHECK(digits_of({0x21, 0x43, 0xf5}).view() == "12345");
  CHECK(digits_of({0x21, 0xba}).empty());
  const Message two_digits = {0x00, 0xf1, 0x10}, three_digits = {0x13, 0x00, 0x62};
  CHECK(dpi::plmn_text(Bytes(two_digits)).view() == "00101");
  CHECK(dpi::plmn_text(Bytes(three_digits)).view() == "310260");
  const Message labels = Packet().u8(3).text("ims").u8(6).text("mnc001").bytes();
  CHECK(dpi::access_point(Bytes(labels)).view() == "ims.mnc001");
  const Message wrong = Packet().u8(9).text("ims").bytes();
  CHECK(dpi::access_point(Bytes(wrong)).empty());
  CHECK(dpi::slice_text({.sst = 1, .sd = 9, .has_sd = true}).view() == "1-000009");
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

TEST_CASE("pfcp: rules give the ends of tunnels, the device's address and its slice") {
  ParserRun run(AppId::kPfcp, Transport::kUdp, 8805, 8805);
  CHECK(run.feed(pfcp_establishment_with_rules()) == Answer::kAccept);
  const auto events = run.log().of(event::kPfcp);
  REQUIRE(events.size() == 1);
  namespace ids = event::pfcp;
  CHECK(events[0].text(ids::kNetworkInstance) == "internet");
  CHECK(events[0].text(ids::kSlice) == "1-000009");
  CHECK(events[0].text(ids::kImsi).starts_with("hash:"));
  REQUIRE(events[0].objects(ids::kFTeid).size() == 1);
  CHECK(events[0].objects(ids::kFTeid)[0].number(ids::f_teid::kTeid) == 0x51);
  REQUIRE(events[0].objects(ids::kPeer).size() == 1);
  CHECK(events[0].objects(ids::kPeer)[0].number(ids::peer::kTeid) == 0x61);
}

TEST_CASE("ngap: who a device is, where it is, and the tunnel of its session") {
  ParserRun run(AppId::kNgap, Transport::kSctp, 40000, 38412);
  CHECK(run.feed(ngap_identity()) == Answer::kAccept);
  CHECK(run.feed(ngap_session_request()) == Answer::kAccept);
  const auto events = run.log().of(event::kNgap);
  REQUIRE(events.size() == 2);
  namespace ids = event::ngap;
  CHECK(events[0].number(ids::kAmfUeId) == 13);
  CHECK(events[0].number(ids::kRanUeId) == 2);
  const auto nas = events[0].objects(ids::kNas);
  REQUIRE(nas.size() == 1);
  CHECK(nas[0].text(ids::nas::kMessage) == "identity_response");
  const dpi::ParserOptions options;
  CHECK(nas[0].text(ids::nas::kImsi) ==
        dpi::identity_text(dpi::IdentityKind::kImsi, "00101123456789", options).view());
  const auto location = events[0].objects(ids::kLocation);
  REQUIRE(location.size() == 1);
  CHECK(location[0].number(ids::location::kCell) == 0x4001);
  CHECK(location[0].number(ids::location::kArea) == 1);
  const auto sessions = events[1].objects(ids::kSession);
  REQUIRE(sessions.size() == 1);
  CHECK(sessions[0].number(ids::session::kId) == 5);
  CHECK(sessions[0].text(ids::session::kSlice) == "1-000009");
  CHECK(sessions[0].number(ids::session::kTeid) == 0x51);
}

TEST_CASE("s1ap: a bearer's tunnel, and the attach accept beside it") {
  ParserRun run(AppId::kS1ap, Transport::kSctp, 40000, 36412);
  CHECK(run.feed(s1ap_context_setup()) == Answer::kAccept);
  const auto events = run.log().of(event::kS1ap);
  REQUIRE(events.size() == 1);
  namespace ids = event::s1ap;
  CHECK(events[0].number(ids::kMmeUeId) == 1);
  const auto bearers = events[0].objects(ids::kERab);
  REQUIRE(bearers.size() == 1);
  CHECK(bearers[0].number(ids::e_rab::kId) == 5);
  CHECK(bearers[0].number(ids::e_rab::kTeid) == 2);
  const auto nas = events[0].objects(ids::kNas);
  REQUIRE(nas.size() == 1);
  CHECK(nas[0].text(ids::nas::kMessage) == "attach_accept");
  CHECK(nas[0].number(ids::nas::kSessionId) == 5);
  CHECK(nas[0].text(ids::nas::kApn) == "internet");
  CHECK(nas[0].all(ids::nas::kTmsi).size() == 1);
}

TEST_CASE("radius: accounting of a subscriber, and its answer") {
  ParserRun run(AppId::kRadius, Transport::kUdp, 40000, 1813);
  CHECK(run.probe(radius_accounting()) == Likelihood::kLikely);
  CHECK(run.feed(radius_accounting()) == Answer::kAccept);
  CHECK(run.feed(radius_response(), false) == Answer::kAccept);
  const auto events = run.log().of(event::kRadius);
  REQUIRE(events.size() == 2);
  namespace ids = event::radius;
  CHECK(events[0].text(ids::kMessage) == "accounting_request");
  CHECK(events[0].text(ids::kUserName).starts_with("hash:"));
  CHECK(events[0].text(ids::kImsi) == events[0].text(ids::kUserName));
  CHECK(events[0].text(ids::kCallingStation).starts_with("hash:"));
  CHECK(events[0].text(ids::kAcctStatus) == "stop");
  CHECK(events[0].number(ids::kAcctInputOctets) == (uint64_t{1} << 32) + 1000);
  CHECK(events[0].number(ids::kRatType) == 6);
  CHECK(events[0].objects(ids::kLocation)[0].number(ids::location::kCell) == 0x19b01);
  CHECK(events[1].text(ids::kMessage) == "accounting_response");
}

TEST_CASE("radius: on another port a request is believed when it was answered") {
  ParserRun run(AppId::kRadius, Transport::kUdp, 40000, 9999);
  CHECK(run.probe(radius_accounting()) == Likelihood::kMaybe);
  CHECK(run.feed(radius_accounting()) == Answer::kNeedMore);
  CHECK(run.feed(radius_response(), false) == Answer::kAccept);
  CHECK(run.probe(Message(40, 1)) == Likelihood::kNo);
}

namespace {

Message ber(uint8_t tag, const Message& content) {
  return joined({{tag, static_cast<uint8_t>(content.size())}, content});
}

// MAP updateLocation in TCAP, SCCP and M3UA.
Message update_location() {
  const Message context_name = ber(0xa1, ber(0x06, {0x04, 0x00, 0x00, 0x01, 0x00, 0x01, 0x03}));
  const Message dialogue =
      ber(0x6b, ber(0x28, joined({ber(0x06, {0x00, 0x11, 0x86, 0x05, 0x01, 0x01, 0x01}),
                                  ber(0xa0, ber(0x60, context_name))})));
  const Message parameter = ber(0x30, ber(0x04, imsi_element()));
  const Message invoke = ber(0xa1, joined({ber(0x02, {1}), ber(0x02, {2}), parameter}));
  const Message tcap = ber(0x62, joined({ber(0x48, {1, 2, 3, 4}), dialogue, ber(0x6c, invoke)}));
  const Message called = {0x12, 0x06, 0x00, 0x11, 0x04, 0x94, 0x71, 0x01};
  const Message calling = {0x43, 0x05, 0x00, 0x07};
  Packet sccp;
  sccp.u8(0x09).u8(0x00).u8(3).u8(3 + 8).u8(3 + 8 + 4);
  sccp.u8(8).raw(called).u8(4).raw(calling).u8(static_cast<unsigned>(tcap.size())).raw(tcap);
  Message data = Packet().be32(10).be32(20).u8(3).u8(2).u8(0).u8(1).raw(sccp.bytes()).bytes();
  const auto length = static_cast<unsigned>(4 + data.size());
  while (data.size() % 4 != 0) data.push_back(0);
  Packet p;
  p.u8(1).u8(0).u8(1).u8(1).be32(static_cast<unsigned>(12 + data.size()));
  return p.be16(0x0210).be16(length).raw(data).bytes();
}

}  // namespace

TEST_CASE("m3ua: an operation of MAP, with who asks whom and about which subscriber") {
  ParserRun run(AppId::kM3ua, Transport::kSctp, 40000, 2905);
  CHECK(run.feed(update_location()) == Answer::kAccept);
  const auto events = run.log().of(event::kM3ua);
  REQUIRE(events.size() == 1);
  namespace ids = event::m3ua;
  CHECK(events[0].text(ids::kMessage) == "data");
  CHECK(events[0].number(ids::kOpc) == 10);
  REQUIRE(events[0].objects(ids::kSccp).size() == 1);
  const Fields sccp = events[0].objects(ids::kSccp)[0];
  CHECK(sccp.text(ids::sccp::kMessage) == "udt");
  CHECK(sccp.objects(ids::sccp::kCalled)[0].number(ids::sccp::called::kSsn) == 6);
  CHECK(sccp.objects(ids::sccp::kCalled)[0]
            .text(ids::sccp::called::kGlobalTitle)
            .starts_with("hash:"));
  CHECK(sccp.objects(ids::sccp::kCalling)[0].number(ids::sccp::calling::kPointCode) == 5);
  CHECK(sccp.objects(ids::sccp::kCalling)[0].number(ids::sccp::calling::kSsn) == 7);
  REQUIRE(events[0].objects(ids::kTcap).size() == 1);
  const Fields tcap = events[0].objects(ids::kTcap)[0];
  CHECK(tcap.text(ids::tcap::kType) == "begin");
  CHECK(tcap.text(ids::tcap::kApplicationContext) == "0.4.0.0.1.0.1.3");
  const auto components = tcap.objects(ids::tcap::kComponent);
  REQUIRE(components.size() == 1);
  CHECK(components[0].text(ids::tcap::component::kOperation) == "updateLocation");
  CHECK(components[0].text(ids::tcap::component::kImsi).starts_with("hash:"));
}

TEST_CASE("telecom: messages of subscribers in every state of damage") {
  mangle_parser({AppId::kM3ua, Transport::kSctp, 2905, true, update_location()});
  mangle_parser({AppId::kGtpControl, Transport::kUdp, 2123, true, create_session_of_subscriber()});
  mangle_parser({AppId::kGtpPath, Transport::kUdp, 2123, true, create_pdp_context()});
  mangle_parser({AppId::kPfcp, Transport::kUdp, 8805, true, pfcp_establishment_with_rules()});
  mangle_parser({AppId::kNgap, Transport::kSctp, 38412, true, ngap_identity()});
  mangle_parser({AppId::kNgap, Transport::kSctp, 38412, true, ngap_session_request()});
  mangle_parser({AppId::kS1ap, Transport::kSctp, 36412, true, s1ap_context_setup()});
  mangle_parser({AppId::kRadius, Transport::kUdp, 1813, true, radius_accounting()});
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
  mangle_parser({AppId::kGtpControl, Transport::kUdp, 2123, true, create_session_request()});
  mangle_parser({AppId::kGtpPath, Transport::kUdp, 2152, true, echo_request_v1()});
  mangle_parser({AppId::kPfcp, Transport::kUdp, 8805, true, pfcp_establishment()});
}
