#include "base/generated/events/websocket.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"

namespace thymus::test {
namespace {

namespace ids = event::websocket;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

const Speakers kWebsocket{AppId::kWebsocket, 80};

std::string masked(const std::string& text) {
  const std::string mask = "\xe2\xb6\x95\xed";
  std::string out = "\x81" + std::string(1, static_cast<char>(0x80 | text.size())) + mask;
  for (size_t i = 0; i < text.size(); ++i) out.push_back(static_cast<char>(text[i] ^ mask[i % 4]));
  return out;
}
const std::string kLong = "\x02\x7e\x01\x2c" + std::string(300, 'b');
const Dialogue kTalk = {client(masked("hello")), server("\x81\x02hi" + kLong + "\x80\x01x"),
                        client("\x89\x80...."), server(std::string("\x8a\x00", 2)),
                        server("\x88\x02\x03\xe8")};

}  // namespace

TEST_CASE("websocket: one event for each frame") {
  const auto events = events_of(kWebsocket, kTalk).of(event::kWebsocket);
  REQUIRE(events.size() == 7);
  CHECK(events[0].number(ids::kMask) == 3803616749);
  CHECK(events[0].text(ids::kOpcode) == "text");
  CHECK(events[0].number(ids::kFin) == 1);
  CHECK(!events[1].has(ids::kMask));
  CHECK(events[2].text(ids::kOpcode) == "binary");
  CHECK(events[2].number(ids::kFin) == 0);
  CHECK(events[2].number(ids::kPayloadBytes) == 300);
  CHECK(events[3].text(ids::kOpcode) == "continuation");
  CHECK(events[4].text(ids::kOpcode) == "ping");
  CHECK(events[6].text(ids::kOpcode) == "connection_close");
}

TEST_CASE("websocket: is known by a masked frame of text") {
  const ParserRun run(AppId::kWebsocket, Transport::kTcp, 40000, 9999);
  CHECK(run.probe(raw(masked("good day"))) == Likelihood::kLikely);
  CHECK(run.probe(raw(masked("hello"))) == Likelihood::kNo);
  CHECK(run.probe(raw(masked("good\1day"))) == Likelihood::kNo);
  CHECK(run.probe(raw("\x81\x05hello")) == Likelihood::kNo);
  CHECK(run.probe(raw(masked("good day") + "x")) == Likelihood::kNo);
}

TEST_CASE("websocket: a frame that cannot be ends it") {
  ParserRun run(AppId::kWebsocket, Transport::kTcp, 40000, 80);
  CHECK(run.feed(raw(masked("hello"))) == Answer::kAccept);
  CHECK(run.feed(raw("\x83\x01x"), false) == Answer::kReject);
  ParserRun long_ping(AppId::kWebsocket, Transport::kTcp, 40000, 80);
  CHECK(long_ping.feed(raw("\x89\x7e")) == Answer::kReject);
}

TEST_CASE("websocket: goes on after a hole with a whole frame") {
  ParserRun run(AppId::kWebsocket, Transport::kTcp, 40000, 80);
  run.feed(raw("\x82\x7e\xff\xff..."), false);
  CHECK(run.gap(false));
  CHECK(run.feed(raw("....."), false) == Answer::kAccept);
  CHECK(run.feed(raw("\x81\x02hi"), false) == Answer::kAccept);
  CHECK(run.log().of(event::kWebsocket).size() == 2);
}

TEST_CASE("websocket: comes out the same however it is cut") { check_splits(kWebsocket, kTalk); }

TEST_CASE("websocket: survives damage") { mangle_dialogue(kWebsocket, kTalk); }

}  // namespace thymus::test
