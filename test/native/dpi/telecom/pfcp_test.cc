#include "base/generated/events/pfcp.h"

#include <doctest/doctest.h>

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

Message pfcp_heartbeat() {
  return Packet().u8(0x20).u8(1).be16(12).u8(0).be16(3).u8(0).be16(96).be16(4).be32(1).bytes();
}

Message pfcp_establishment() {
  Packet p;
  p.u8(0x21).u8(50).be16(12 + 9 + 17).be32(0).be32(0).u8(0).be16(4).u8(0);
  p.be16(60).be16(5).u8(0).be32(0x0a000002);
  return p.be16(57).be16(13).u8(2).be32(0).be32(77).be32(0x0a000003).bytes();
}

Message pfcp_element(unsigned type, const Message& value) {
  return Packet().be16(type).be16(static_cast<unsigned>(value.size())).raw(value).bytes();
}

Message pfcp_establishment_with_rules() {
  const Message f_teid_value = Packet().u8(1).be32(0x51).be32(0x0a000003).bytes();
  const Message instance = Packet().u8(8).text("internet").bytes();
  const Message ue = Packet().u8(2).be32(0x0a2d0002).bytes();
  const Message pdi =
      joined({pfcp_element(21, f_teid_value), pfcp_element(22, instance), pfcp_element(93, ue)});
  const Message outer = Packet().be16(0x0100).be32(0x61).be32(0x0a000004).bytes();
  const Message far = pfcp_element(4, pfcp_element(84, outer));
  const Message user = Packet().u8(1).u8(8).raw(imsi_digits()).bytes();
  const Message body =
      joined({pfcp_element(57, Packet().u8(2).be32(0).be32(77).be32(0x0a000003).bytes()),
              pfcp_element(1, pfcp_element(2, pdi)), pfcp_element(3, far), pfcp_element(141, user),
              pfcp_element(257, {1, 0, 0, 9})});
  Packet p;
  p.u8(0x21).u8(50).be16(12 + static_cast<unsigned>(body.size())).be32(0).be32(0).u8(0).be16(4);
  return p.u8(0).raw(body).bytes();
}

}  // namespace

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

TEST_CASE("pfcp: damaged messages") {
  mangle_parser({AppId::kPfcp, Transport::kUdp, 8805, true, pfcp_establishment()});
  mangle_parser({AppId::kPfcp, Transport::kUdp, 8805, true, pfcp_establishment_with_rules()});
}
