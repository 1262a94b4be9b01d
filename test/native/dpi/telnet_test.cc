#include "base/generated/events/telnet.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"

namespace thymus::test {
namespace {

namespace ids = event::telnet;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

const Speakers kTelnet{AppId::kTelnet, 23};

const Dialogue kSession = {
    server("\xff\xfd\x18\xff\xfd\x1f"),
    client(std::string("\xff\xfb\x18\xff\xfa\x18\x00xterm\xff\xf0", 14)),
    server("\xff\xfb\x01\r\ngate login: "),
    client("anm\x7fn\r\n"),
    server("ann\r\nPassword: "),
    client("secret\r\n"),
    server("\r\nLogin incorrect\r\ngate login: "),
    client("ann\r\n"),
    server("Password: "),
    client("better\r\n"),
    server("\r\nLast login: Mon Oct 11 22:14:15 from 10.0.0.1\r\nann@gate$ "),
    client("ls\r\n"),
};

}  // namespace

TEST_CASE("telnet: each try to log in, and how it ended") {
  const auto events = events_of(kTelnet, kSession).of(event::kTelnet);
  REQUIRE(events.size() == 2);
  for (const Fields& event : events) {
    CHECK(event.text(ids::kUser) == "ann");
    CHECK(event.text(ids::kTerminal) == "xterm");
    CHECK(event.has(ids::kSuccess));
  }
  CHECK(events[0].number(ids::kSuccess) == 0);
  CHECK(events[1].number(ids::kSuccess) == 1);
  CHECK(events[0].all(ids::kOptions).size() == 3);
}

TEST_CASE("telnet: a session without a login") {
  const auto events =
      events_of(kTelnet, {server("\xff\xfd\x18\xff\xfd\x1fhello\r\n")}).of(event::kTelnet);
  REQUIRE(events.size() == 1);
  CHECK(!events[0].has(ids::kUser));
  CHECK(!events[0].has(ids::kSuccess));
}

TEST_CASE("telnet: is known by what it negotiates") {
  const ParserRun other(AppId::kTelnet, Transport::kTcp, 40000, 9999);
  CHECK(other.probe(raw("\xff\xfd\x18\xff\xfd\x1f"), false) == Likelihood::kLikely);
  CHECK(other.probe(raw("\xff\xfd\x18"), false) == Likelihood::kNo);
  CHECK(other.probe(raw("\xff\xd8\xff\xe0"), false) == Likelihood::kNo);
  const ParserRun on_port(AppId::kTelnet, Transport::kTcp, 40000, 23);
  CHECK(on_port.probe(raw("\xff\xfd\x18"), false) == Likelihood::kLikely);
  CHECK(on_port.probe(raw("login: "), false) == Likelihood::kLikely);
}

TEST_CASE("telnet: comes out the same however it is cut") { check_splits(kTelnet, kSession); }

TEST_CASE("telnet: survives damage") { mangle_dialogue(kTelnet, kSession); }

}  // namespace thymus::test
