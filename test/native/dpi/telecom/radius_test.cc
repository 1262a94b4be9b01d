#include "base/generated/events/radius.h"

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

TEST_CASE("radius: damaged messages") {
  mangle_parser({AppId::kRadius, Transport::kUdp, 1813, true, radius_accounting()});
}
