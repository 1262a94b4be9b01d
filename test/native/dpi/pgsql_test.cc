#include "base/generated/events/pgsql.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"
#include "support/numbers.h"

namespace thymus::test {
namespace {

namespace ids = event::pgsql;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

const Speakers kPgsql{AppId::kPgsql, 5432};

std::string typed(char type, const std::string& body) {
  return type + be(static_cast<uint32_t>(body.size()) + 4) + body;
}
std::string start(uint32_t code, const std::string& body = "") {
  return be(static_cast<uint32_t>(body.size()) + 8) + be(code) + body;
}
std::string z(const std::string& text) { return text + '\0'; }

const std::string kStartup =
    start(3 << 16, z("user") + z("ann") + z("database") + z("shop") + z(""));
const std::string kSsl = start(80877103);
const std::string kReady = typed('Z', "I");
const std::string kLogin = typed('R', be(0)) + typed('S', z("server_version") + z("16.1")) +
                           typed('K', be(77) + be(99)) + kReady;

const Dialogue kSession = {
    client(kSsl),
    server("N"),
    client(kStartup),
    server(typed('R', be(5) + "salt")),
    client(typed('p', z("md5..."))),
    server(kLogin),
    client(typed('Q', z("select a, b from t"))),
    server(typed('T', be(2, 2) + "...") + typed('D', be(2, 2) + be(1) + "x" + be(2) + "yz") +
           typed('D', be(2, 2) + be(1) + "x" + be(0xffffffff)) + typed('C', z("SELECT 2")) +
           kReady),
    client(typed('P', z("s1") + z("insert $1") + be(0, 2)) + typed('B', "..") + typed('E', "..") +
           typed('S', "")),
    server(typed('1', "") + typed('2', "") +
           typed('E', z("SERROR") + z("C23505") + z("Mduplicate key") + z("")) + kReady),
    client(typed('X', "")),
};

}  // namespace

TEST_CASE("pgsql: a session from the request for TLS to its end") {
  const auto events = events_of(kPgsql, kSession).of(event::kPgsql);
  REQUIRE(events.size() == 6);
  for (size_t i = 0; i < events.size(); ++i) CHECK(events[i].number(ids::kTxId) == i + 1);
  const auto request = [&](size_t i) { return events[i].objects(ids::kRequest).at(0); };
  const auto response = [&](size_t i) { return events[i].objects(ids::kResponse).at(0); };
  CHECK(request(0).text(ids::request::kMessage) == "SSL Request");
  CHECK(response(0).has(ids::response::kSslAccepted));
  CHECK(response(0).number(ids::response::kSslAccepted) == 0);

  const Fields parameters = request(1).objects(ids::request::kStartupParameters).at(0);
  namespace start = ids::request::startup_parameters;
  CHECK(request(1).text(ids::request::kProtocolVersion) == "3.0");
  CHECK(parameters.text(start::kUser) == "ann");
  const auto optional = parameters.objects(start::kOptionalParameters);
  REQUIRE(optional.size() == 1);
  CHECK(optional[0].text(start::optional_parameters::kName) == "database");
  CHECK(optional[0].text(start::optional_parameters::kText) == "shop");
  CHECK(response(1).text(ids::response::kAuthenticationMd5Password) == "salt");

  CHECK(request(2).number(ids::request::kPasswordRedacted) == 1);
  CHECK(response(2).text(ids::response::kMessage) == "authentication_ok");
  CHECK(response(2).number(ids::response::kProcessId) == 77);
  CHECK(response(2).objects(ids::response::kParameterStatus).size() == 1);

  CHECK(request(3).text(ids::request::kSimpleQuery) == "select a, b from t");
  CHECK(response(3).number(ids::response::kFieldCount) == 2);
  CHECK(response(3).number(ids::response::kDataRows) == 2);
  CHECK(response(3).number(ids::response::kDataSize) == 4);
  CHECK(response(3).text(ids::response::kCommandCompleted) == "SELECT 2");

  CHECK(request(4).text(ids::request::kExtendedQuery) == "insert $1");
  CHECK(response(4).text(ids::response::kCode) == "23505");
  CHECK(response(4).text(ids::response::kMessage) == "duplicate key");
  CHECK(request(5).text(ids::request::kMessage) == "termination_message");
}

TEST_CASE("pgsql: SASL takes a transaction for each step") {
  const Dialogue dialogue = {
      client(kStartup),
      server(typed('R', be(10) + z("SCRAM-SHA-256") + z(""))),
      client(typed('p', z("SCRAM-SHA-256") + be(6) + "n,,n=,")),
      server(typed('R', be(11) + "r=1")),
      client(typed('p', "c=biws")),
      server(typed('R', be(12) + "v=2") + kLogin),
  };
  const auto events = events_of(kPgsql, dialogue).of(event::kPgsql);
  REQUIRE(events.size() == 3);
  const Fields initial = events[1].objects(ids::kRequest).at(0);
  CHECK(initial.text(ids::request::kSaslAuthenticationMechanism) == "SCRAM-SHA-256");
  CHECK(initial.text(ids::request::kSaslParam) == "n,,n=,");
  CHECK(events[2].objects(ids::kRequest).at(0).text(ids::request::kSaslResponse) == "c=biws");
  const Fields last = events[2].objects(ids::kResponse).at(0);
  CHECK(last.text(ids::response::kMessage) == "authentication_ok");
  CHECK(last.text(ids::response::kAuthenticationSaslFinal) == "v=2");
  check_splits(kPgsql, dialogue);
}

TEST_CASE("pgsql: TLS takes over where the server agrees") {
  ParserRun run(AppId::kPgsql, Transport::kTcp, 40000, 5432);
  CHECK(run.feed(raw(kSsl)) == Answer::kAccept);
  CHECK(run.feed(raw("S\x16"), false) == Answer::kHandOver);
  CHECK(run.context().last().next == AppId::kTls);
  CHECK(run.context().last().next_bytes == 1);
  CHECK(run.log().of(event::kPgsql).size() == 1);
}

TEST_CASE("pgsql: cancels a query of another connection") {
  const auto events =
      events_of(kPgsql, {client(start(80877102, be(77) + be(99)))}).of(event::kPgsql);
  REQUIRE(events.size() == 1);
  CHECK(events[0].objects(ids::kRequest).at(0).number(ids::request::kSecretKey) == 99);
}

TEST_CASE("pgsql: a response of many rows is counted, not kept") {
  std::string rows;
  for (int i = 0; i < 2000; ++i) rows += typed('D', be(1, 2) + be(1000) + std::string(1000, 'r'));
  const auto events =
      events_of(kPgsql, {client(kStartup), server(kLogin), client(typed('Q', z("select"))),
                         server(typed('T', be(1, 2)) + rows + kReady)})
          .of(event::kPgsql);
  REQUIRE(events.size() == 2);
  const Fields response = events[1].objects(ids::kResponse).at(0);
  CHECK(response.number(ids::response::kDataRows) == 2000);
  CHECK(response.number(ids::response::kDataSize) == 2'000'000);
}

TEST_CASE("pgsql: goes on after a hole") {
  ParserRun run(AppId::kPgsql, Transport::kTcp, 40000, 5432);
  for (const Said& said : {client(kStartup), server(kLogin), client(typed('Q', z("select")))}) {
    run.feed(raw(said.text), said.by_client);
  }
  CHECK(run.gap(false));
  CHECK(run.feed(raw("...the rest of a row"), false) == Answer::kAccept);
  CHECK(run.feed(raw(typed('C', z("SELECT 9")) + kReady), false) == Answer::kAccept);
  const auto events = run.log().of(event::kPgsql);
  REQUIRE(events.size() == 2);
  CHECK(events[1].objects(ids::kResponse).at(0).text(ids::response::kCommandCompleted) ==
        "SELECT 9");
}

TEST_CASE("pgsql: stops at a client that never waits") {
  std::string queries = kStartup;
  for (int i = 0; i < 300; ++i) queries += typed('Q', z("q"));
  ParserRun run(AppId::kPgsql, Transport::kTcp, 40000, 5432);
  CHECK(run.feed(raw(queries)) == Answer::kDone);
}

TEST_CASE("pgsql: is known by the start of a connection on any port") {
  ParserRun run(AppId::kPgsql, Transport::kTcp, 40000, 9999);
  CHECK(run.probe(raw(kStartup)) == Likelihood::kLikely);
  CHECK(run.probe(raw(kSsl)) == Likelihood::kLikely);
  CHECK(run.probe(raw(kReady), false) == Likelihood::kNo);
  CHECK(run.probe(raw(start(2 << 16, z("user")))) == Likelihood::kNo);
  const ParserRun on_port(AppId::kPgsql, Transport::kTcp, 40000, 5432);
  CHECK(on_port.probe(raw(kReady), false) == Likelihood::kMaybe);
}

TEST_CASE("pgsql: comes out the same however it is cut") { check_splits(kPgsql, kSession); }

TEST_CASE("pgsql: survives damage") { mangle_dialogue(kPgsql, kSession); }

}  // namespace thymus::test
