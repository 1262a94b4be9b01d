#include "base/generated/events/m3ua.h"

#include <doctest/doctest.h>

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

Message ber(uint8_t tag, const Message& content) {
  return joined({{tag, static_cast<uint8_t>(content.size())}, content});
}

// MAP updateLocation in TCAP, SCCP and M3UA.
Message update_location() {
  const Message context_name = ber(0xa1, ber(0x06, {0x04, 0x00, 0x00, 0x01, 0x00, 0x01, 0x03}));
  const Message dialogue =
      ber(0x6b, ber(0x28, joined({ber(0x06, {0x00, 0x11, 0x86, 0x05, 0x01, 0x01, 0x01}),
                                  ber(0xa0, ber(0x60, context_name))})));
  const Message parameter = ber(0x30, ber(0x04, imsi_digits()));
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

TEST_CASE("m3ua: damaged messages") {
  mangle_parser({AppId::kM3ua, Transport::kSctp, 2905, true, update_location()});
}
