#include "base/generated/events/imap.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"

namespace thymus::test {
namespace {

namespace ids = event::imap;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

const Speakers kImap{AppId::kImap, 143};

const Dialogue kSession = {
    server("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"),
    client("a1 login \"ann\" \"s3cret\"\r\n"),
    server("a1 OK [CAPABILITY IMAP4rev1] logged in\r\n"),
    client("a2 SELECT INBOX\r\n"),
    server("* 3 EXISTS\r\n* FLAGS (\\Seen)\r\na2 OK [READ-WRITE] done\r\n"),
    client("a3 FETCH 1 BODY[]\r\na4 NOOP\r\n"),
    server("* 1 FETCH (BODY[] {24}\r\na3 OK this is a mail\r\n..)\r\na3 OK fetched\r\na4 OK\r\n"),
    client("a5 APPEND \"Sent Mail\" {13}\r\n"),
    server("+ go on\r\n"),
    client("a9 LOGOUT\r\nhi\r\n"),
    server("a5 NO [TRYCREATE] no such mailbox\r\n"),
    client("a6 LOGOUT\r\n"),
};

}  // namespace

TEST_CASE("imap: commands with what completes them") {
  const auto events = events_of(kImap, kSession).of(event::kImap);
  REQUIRE(events.size() == 7);
  const auto request = [&](size_t i) { return events[i].objects(ids::kRequest).at(0); };
  const auto response = [&](size_t i) { return events[i].objects(ids::kResponse).at(0); };
  CHECK(!events[0].has(ids::kRequest));
  CHECK(response(0).text(ids::response::kStatus) == "OK");
  CHECK(response(0).text(ids::response::kCode) == "CAPABILITY IMAP4rev1 STARTTLS");
  CHECK(request(1).text(ids::request::kTag) == "a1");
  CHECK(request(1).text(ids::request::kCommand) == "LOGIN");
  CHECK(request(1).text(ids::request::kUser) == "ann");
  CHECK(response(1).text(ids::response::kText) == "logged in");
  CHECK(request(2).text(ids::request::kMailbox) == "INBOX");
  CHECK(request(3).text(ids::request::kCommand) == "FETCH");
  CHECK(response(3).text(ids::response::kText) == "fetched");
  CHECK(request(4).text(ids::request::kCommand) == "NOOP");
  CHECK(request(5).text(ids::request::kMailbox) == "Sent Mail");
  CHECK(response(5).text(ids::response::kStatus) == "NO");
  CHECK(request(6).text(ids::request::kCommand) == "LOGOUT");
  CHECK(!events[6].has(ids::kResponse));
}

TEST_CASE("imap: TLS takes over where the server agrees") {
  ParserRun run(AppId::kImap, Transport::kTcp, 40000, 143);
  run.feed(raw("* OK ready\r\n"), false);
  CHECK(run.feed(raw("x STARTTLS\r\n")) == Answer::kAccept);
  CHECK(run.feed(raw("x OK begin\r\n\x16"), false) == Answer::kHandOver);
  CHECK(run.context().last().next == AppId::kTls);
  CHECK(run.context().last().next_bytes == 1);
}

TEST_CASE("imap: what the client says to a continuation is no command") {
  const auto events =
      events_of(kImap, {server("* OK ready\r\n"), client("a AUTHENTICATE PLAIN\r\n"),
                        server("+\r\n"), client("b NOOP\r\n"), server("a NO failed\r\n")})
          .of(event::kImap);
  REQUIRE(events.size() == 2);
  CHECK(events[1].objects(ids::kRequest).at(0).text(ids::request::kCommand) == "AUTHENTICATE");
  CHECK(events[1].objects(ids::kResponse).at(0).text(ids::response::kStatus) == "NO");
}

TEST_CASE("imap: is known by its greeting or first command") {
  const ParserRun other(AppId::kImap, Transport::kTcp, 40000, 9999);
  CHECK(other.probe(raw("* OK IMAP4 ready\r\n"), false) == Likelihood::kLikely);
  CHECK(other.probe(raw("* OK ready\r\n"), false) == Likelihood::kNo);
  CHECK(other.probe(raw("1 CAPABILITY\r\n")) == Likelihood::kLikely);
  CHECK(other.probe(raw("1 NOOP\r\n")) == Likelihood::kNo);
  const ParserRun on_port(AppId::kImap, Transport::kTcp, 40000, 143);
  CHECK(on_port.probe(raw("1 NOOP\r\n")) == Likelihood::kLikely);
  CHECK(on_port.probe(raw("GET / HTTP/1.1\r\n")) == Likelihood::kNo);
}

TEST_CASE("imap: goes on after a hole") {
  ParserRun run(AppId::kImap, Transport::kTcp, 40000, 143);
  run.feed(raw("* OK ready\r\n"), false);
  run.feed(raw("a FETCH 1 BODY[]\r\n"));
  CHECK(run.gap(false));
  CHECK(run.feed(raw("end of a mail)\r\na OK done\r\n"), false) == Answer::kAccept);
  CHECK(run.log().of(event::kImap).size() == 2);
}

TEST_CASE("imap: comes out the same however it is cut") { check_splits(kImap, kSession); }

TEST_CASE("imap: survives damage") { mangle_dialogue(kImap, kSession); }

}  // namespace thymus::test
