#include <doctest/doctest.h>

#include "base/generated/events/ngap.h"
#include "base/generated/events/s1ap.h"
#include "dpi/identity.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/telecom/telecom_message.h"
#include "support/packet_builder.h"

using namespace thymus;
using namespace thymus::test;
using dpi::Answer;
using dpi::AppId;
using dpi::Transport;

namespace {

Message s1ap_setup() {
  return Packet().u8(0x00).u8(17).u8(0x00).u8(6).raw(Message(6, 0x11)).bytes();
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

}  // namespace

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

TEST_CASE("s1ap and ngap: damaged messages") {
  mangle_parser({AppId::kS1ap, Transport::kSctp, 36412, true, s1ap_setup()});
  mangle_parser({AppId::kNgap, Transport::kSctp, 38412, true, s1ap_setup()});
  mangle_parser({AppId::kNgap, Transport::kSctp, 38412, true, ngap_identity()});
  mangle_parser({AppId::kNgap, Transport::kSctp, 38412, true, ngap_session_request()});
  mangle_parser({AppId::kS1ap, Transport::kSctp, 36412, true, s1ap_context_setup()});
}
