#include "base/generated/events/diameter.h"

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

void avp(Packet* p, uint32_t code, const Message& data) {
  p->be32(code).u8(0x40).u8(0).be16(8 + static_cast<unsigned>(data.size())).raw(data);
  for (size_t i = data.size(); i % 4 != 0; ++i) p->u8(0);
}

Message number(uint32_t v) { return Packet().be32(v).bytes(); }

Message diameter(bool is_request, uint32_t command) {
  Packet avps;
  avp(&avps, 263, message_of("mme;1;2"));
  avp(&avps, 264, message_of("mme.example"));
  avp(&avps, 296, message_of("example"));
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
  CHECK(run.feed(message_of("no Diameter at all, but long enough")) == Answer::kAccept);
  CHECK(run.log().of(event::kDiameter).size() == 1);
}

TEST_CASE("diameter: text and zeros are none") {
  ParserRun run(AppId::kDiameter, Transport::kTcp, 40000, 3868);
  CHECK(run.probe(message_of("GET / HTTP/1.1\r\n\r\n")) == Likelihood::kNo);
  CHECK(run.probe(Message(40, 0)) == Likelihood::kNo);
}

TEST_CASE("diameter: damaged messages") {
  mangle_parser({AppId::kDiameter, Transport::kTcp, 3868, true, diameter(true, 316)});
  mangle_parser({AppId::kDiameter, Transport::kSctp, 3868, true, diameter(false, 316)});
}
