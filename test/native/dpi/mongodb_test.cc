#include "base/generated/events/mongodb.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"
#include "support/numbers.h"

namespace thymus::test {
namespace {

namespace ids = event::mongodb;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

const Speakers kMongodb{AppId::kMongodb, 27017};

std::string z(const std::string& text) { return text + '\0'; }
std::string text(const std::string& name, const std::string& value) {
  return "\x02" + z(name) + le(static_cast<uint32_t>(value.size()) + 1) + z(value);
}
std::string number(const std::string& name, uint32_t value) { return "\x10" + z(name) + le(value); }
std::string document(const std::string& elements) {
  return le(static_cast<uint32_t>(elements.size()) + 5) + elements + '\0';
}
std::string nested(const std::string& name, const std::string& elements) {
  return "\x03" + z(name) + document(elements);
}
std::string message(uint32_t opcode, uint32_t response_to, const std::string& body) {
  return le(static_cast<uint32_t>(body.size()) + 16) + le(1) + le(response_to) + le(opcode) + body;
}
std::string request(const std::string& elements) {
  return message(2013, 0, le(0) + '\0' + document(elements));
}
std::string response(const std::string& elements) {
  return message(2013, 1, le(0) + '\0' + document(elements));
}

const Dialogue kSession = {
    client(
        message(2004, 0,
                le(0) + z("admin.$cmd") + le(0) + le(1) +
                    document(number("isMaster", 1) +
                             nested("client", nested("driver", text("name", "d")) +
                                                  nested("application", text("name", "shop")))))),
    server(message(1, 1, le(8) + le(0) + le(0) + le(0) + le(1) + document(number("ok", 1)))),
    client(request(number("saslStart", 1) + text("mechanism", "SCRAM-SHA-256") +
                   text("$db", "admin"))),
    server(
        response(number("ok", 0) + text("errmsg", "Authentication failed.") + number("code", 18))),
    client(request(text("find", "orders") + text("$db", "shop"))),
    client(request(text("find", "goods") + text("$db", "shop"))),
    server(response(number("ok", 1))),
    client(message(2012, 0, std::string(20, 'c'))),
};

}  // namespace

TEST_CASE("mongodb: each command once, with its database") {
  const auto events = events_of(kMongodb, kSession).of(event::kMongodb);
  REQUIRE(events.size() == 4);
  CHECK(events[0].text(ids::kCommand) == "isMaster");
  CHECK(events[0].text(ids::kDatabase) == "admin");
  CHECK(events[0].text(ids::kApplication) == "shop");
  CHECK(events[1].text(ids::kCommand) == "saslStart");
  CHECK(events[1].text(ids::kMechanism) == "SCRAM-SHA-256");
  CHECK(events[2].number(ids::kErrorCode) == 18);
  CHECK(events[2].text(ids::kError) == "Authentication failed.");
  CHECK(events[3].text(ids::kCommand) == "find");
  CHECK(events[3].text(ids::kCollection) == "orders");
  CHECK(events[3].text(ids::kDatabase) == "shop");
}

TEST_CASE("mongodb: is known by a whole message on any port") {
  const ParserRun run(AppId::kMongodb, Transport::kTcp, 40000, 9999);
  CHECK(run.probe(raw(request(number("ping", 1)))) == Likelihood::kLikely);
  CHECK(run.probe(raw(request(number("ping", 1)) + "x")) == Likelihood::kNo);
  CHECK(run.probe(raw(message(2014, 0, "...."))) == Likelihood::kNo);
  CHECK(run.probe(raw(message(1, 0, "...."))) == Likelihood::kNo);
}

TEST_CASE("mongodb: a long message is skipped") {
  const std::string insert =
      message(2013, 0,
              le(0) + '\0' + document(text("insert", "t") + text("$db", "shop")) +
                  std::string(100'000, 'x'));
  const auto events =
      events_of(kMongodb, {client(insert + request(text("drop", "t")))}).of(event::kMongodb);
  REQUIRE(events.size() == 2);
  CHECK(events[0].text(ids::kCommand) == "insert");
  CHECK(events[1].text(ids::kCommand) == "drop");
}

TEST_CASE("mongodb: comes out the same however it is cut") { check_splits(kMongodb, kSession); }

TEST_CASE("mongodb: survives damage") { mangle_dialogue(kMongodb, kSession); }

}  // namespace thymus::test
