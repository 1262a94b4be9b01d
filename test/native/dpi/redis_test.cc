#include "base/generated/events/redis.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"

namespace thymus::test {
namespace {

namespace ids = event::redis;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

const Speakers kRedis{AppId::kRedis, 6379};

std::string command(const std::vector<std::string>& words) {
  std::string out = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) {
    out += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  }
  return out;
}

const Dialogue kSession = {
    client(command({"auth", "ann", "secret"})),
    server("-WRONGPASS invalid username-password pair\r\n"),
    client(command({"AUTH", "secret"})),
    server("+OK\r\n"),
    client(command({"set", "key", std::string(300, 'v')}) + command({"get", "key"}) +
           command({"SET", "a", "b"})),
    server("+OK\r\n$300\r\n" + std::string(300, '-') + "\r\n*2\r\n$-1\r\n:1\r\n"),
    client("ping\r\n"),
    client(command({"config", "set", "dir", "/tmp"})),
    server("+PONG\r\n-ERR no\r\n-ERR again\r\n"),
};

}  // namespace

TEST_CASE("redis: each command once, each login always") {
  const auto events = events_of(kRedis, kSession).of(event::kRedis);
  REQUIRE(events.size() == 8);
  CHECK(events[0].text(ids::kCommand) == "AUTH");
  CHECK(events[0].text(ids::kUser) == "ann");
  CHECK(events[1].text(ids::kError) == "WRONGPASS invalid username-password pair");
  CHECK(events[2].text(ids::kCommand) == "AUTH");
  CHECK(!events[2].has(ids::kUser));
  CHECK(events[3].text(ids::kCommand) == "SET");
  CHECK(events[3].number(ids::kArguments) == 2);
  CHECK(events[4].text(ids::kCommand) == "GET");
  CHECK(events[5].text(ids::kCommand) == "PING");
  CHECK(events[6].text(ids::kCommand) == "CONFIG");
  CHECK(events[6].text(ids::kSubcommand) == "SET");
  CHECK(events[7].text(ids::kError) == "ERR no");
}

TEST_CASE("redis: is known by a command on any port") {
  const ParserRun other(AppId::kRedis, Transport::kTcp, 40000, 9999);
  CHECK(other.probe(raw(command({"GET", "x"}))) == Likelihood::kLikely);
  CHECK(other.probe(raw("*1\r\n$x")) == Likelihood::kNo);
  CHECK(other.probe(raw("PING\r\n")) == Likelihood::kNo);
  const ParserRun on_port(AppId::kRedis, Transport::kTcp, 40000, 6379);
  CHECK(on_port.probe(raw("PING\r\n")) == Likelihood::kMaybe);
  CHECK(on_port.probe(raw("+PONG\r\n"), false) == Likelihood::kLikely);
}

TEST_CASE("redis: goes on after a hole") {
  ParserRun run(AppId::kRedis, Transport::kTcp, 40000, 6379);
  run.feed(raw(command({"GET", "x"})));
  CHECK(run.gap(true));
  CHECK(run.feed(raw("rest of a value\r\n$5\r\nhello\r\n" + command({"DEL", "x"}))) ==
        Answer::kAccept);
  const auto events = run.log().of(event::kRedis);
  REQUIRE(events.size() == 2);
  CHECK(events[1].text(ids::kCommand) == "DEL");
}

TEST_CASE("redis: comes out the same however it is cut") { check_splits(kRedis, kSession); }

TEST_CASE("redis: survives damage") { mangle_dialogue(kRedis, kSession); }

}  // namespace thymus::test
