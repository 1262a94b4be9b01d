#include "base/generated/events/pop3.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"

namespace thymus::test {
namespace {

namespace ids = event::pop3;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

constexpr Speakers kPop3{AppId::kPop3, 110};

Dialogue session() {
  return {server("+OK POP3 ready <1@host>\r\n"),
          client("capa\r\n"),
          server("+OK list follows\r\nUSER\r\n..dot\r\n.\r\n"),
          client("AUTH XOAUTH2\r\n"),
          server("+ \r\n"),
          client("dXNlcg==\r\n"),
          server("-ERR no\r\n"),
          client("USER a\r\nPASS b c\r\n"),
          server("+OK\r\n+OK in\r\n"),
          client("RETR 1\r\n"),
          server("+OK 20 octets\r\nSubject: x\r\n\r\nsecret\r\n.\r\n"),
          client("QUIT\r\n")};
}

Fields request_of(const Fields& event) { return event.objects(ids::kRequest).at(0); }
Fields response_of(const Fields& event) { return event.objects(ids::kResponse).at(0); }

}  // namespace

TEST_CASE("pop3: commands and their responses") {
  const auto events = events_of(kPop3, session()).of(event::kPop3);
  REQUIRE(events.size() == 8);
  CHECK(!events[0].has(ids::kRequest));
  CHECK(response_of(events[0]).text(ids::response::kHeader) == "POP3 ready <1@host>");
  CHECK(request_of(events[1]).text(ids::request::kCommand) == "CAPA");
  CHECK(response_of(events[1]).all(ids::response::kData).size() == 2);
  CHECK(request_of(events[2]).text(ids::request::kArgs) == "XOAUTH2");
  CHECK(response_of(events[2]).text(ids::response::kStatus) == "OK");
  CHECK(response_of(events[2]).text(ids::response::kHeader).empty());
  CHECK(request_of(events[3]).text(ids::request::kCommand) == "<SASL DATA>");
  CHECK(response_of(events[3]).text(ids::response::kStatus) == "ERR");
  CHECK(response_of(events[3]).number(ids::response::kSuccess) == 0);
  CHECK(request_of(events[5]).all(ids::request::kArgs).size() == 2);
  CHECK(!response_of(events[6]).has(ids::response::kData));
  CHECK(request_of(events[7]).text(ids::request::kCommand) == "QUIT");
  CHECK(!events[7].has(ids::kResponse));
}

TEST_CASE("pop3: the same events however the stream is cut") { check_splits(kPop3, session()); }

TEST_CASE("pop3: STLS hands the flow over") {
  ParserRun run(AppId::kPop3, Transport::kTcp, 40000, 110);
  run.feed(raw("+OK hi\r\n"), false);
  run.feed(raw("STLS\r\n"));
  CHECK(run.feed(raw("+OK go\r\n\x16"), false) == Answer::kHandOver);
  CHECK(run.context().last().next == AppId::kTls);
  CHECK(run.context().last().next_bytes == 1);
}

TEST_CASE("pop3: is known by its greeting") {
  const ParserRun on_port(AppId::kPop3, Transport::kTcp, 40000, 110);
  const ParserRun other(AppId::kPop3, Transport::kTcp, 40000, 9999);
  CHECK(on_port.probe(raw("+OK\r\n"), false) == Likelihood::kLikely);
  CHECK(on_port.probe(raw("USER a\r\n")) == Likelihood::kLikely);
  CHECK(on_port.probe(raw("GET / HTTP/1.0\r\n")) == Likelihood::kNo);
  CHECK(other.probe(raw("+OK POP3 server\r\n"), false) == Likelihood::kLikely);
  CHECK(other.probe(raw("+OK\r\n"), false) == Likelihood::kNo);
}

TEST_CASE("pop3: survives damage") { mangle_dialogue(kPop3, session()); }

}  // namespace thymus::test
