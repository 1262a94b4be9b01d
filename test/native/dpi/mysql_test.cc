#include "base/generated/events/mysql.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"
#include "support/numbers.h"

namespace thymus::test {
namespace {

namespace ids = event::mysql;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

const Speakers kMysql{AppId::kMysql, 3306};

std::string z(const std::string& text) { return text + '\0'; }
std::string packet(int number, const std::string& body) {
  return le(static_cast<uint32_t>(body.size()), 3) + le(static_cast<uint32_t>(number), 1) + body;
}

const std::string kGreeting =
    packet(0, "\x0a" + z("8.0.36") + le(77, 4) + z("12345678") + le(0xffff, 2) + "\xff" + le(2, 2) +
                  le(0xc1ff, 2) + "\x15" + std::string(10, '\0') + z("123456789012") +
                  z("caching_sha2_password"));
std::string login(uint32_t capabilities) {
  return packet(1, le(capabilities, 4) + le(1 << 24, 4) + "\xff" + std::string(23, '\0') +
                       z("ann") + "\x04" + "hash" + z("shop") + z("mysql_native_password"));
}
constexpr uint32_t kCapabilities = 1u << 3 | 1u << 9 | 1u << 15 | 1u << 19;
const std::string kOk = std::string("\x07\0\0\x02\0\0\0\2\0\0\0", 11);

Dialogue session() {
  return {server(kGreeting),
          client(login(kCapabilities)),
          server(kOk),
          client(packet(0, "\x03select 1")),
          server(packet(1, "\x01") + packet(2, "...")),
          client(packet(0, "\x16select ?")),
          server(packet(1, "\xff" + le(1064, 2) + "#42000" + "bad syntax")),
          client(packet(0, "\x01"))};
}

}  // namespace

TEST_CASE("mysql: a session logs in and counts its commands") {
  const auto events = events_of(kMysql, session()).of(event::kMysql);
  REQUIRE(events.size() == 2);
  CHECK(events[0].text(ids::kType) == "login");
  CHECK(events[0].text(ids::kServerVersion) == "8.0.36");
  CHECK(events[0].number(ids::kThreadId) == 77);
  CHECK(events[0].text(ids::kUser) == "ann");
  CHECK(events[0].text(ids::kDatabase) == "shop");
  CHECK(events[0].text(ids::kAuthPlugin) == "mysql_native_password");
  CHECK(events[0].number(ids::kSuccess) == 1);
  CHECK(events[1].text(ids::kType) == "end");
  CHECK(events[1].number(ids::kCommands) == 2);
  CHECK(events[1].number(ids::kQueries) == 1);
  CHECK(events[1].number(ids::kPrepared) == 1);
  CHECK(events[1].number(ids::kErrors) == 1);
}

TEST_CASE("mysql: a refused login says why") {
  const auto events =
      events_of(kMysql, {server(kGreeting), client(login(kCapabilities)),
                         server(packet(2, "\xff" + le(1045, 2) + "#28000" + "Access denied"))});
  const Fields event = events.of(event::kMysql).at(0);
  CHECK(event.number(ids::kSuccess) == 0);
  CHECK(event.has(ids::kSuccess));
  CHECK(event.number(ids::kErrorCode) == 1045);
  CHECK(event.text(ids::kError) == "Access denied");
}

TEST_CASE("mysql: TLS takes over where the client asks") {
  ParserRun run(AppId::kMysql, Transport::kTcp, 40000, 3306);
  CHECK(run.feed(raw(kGreeting), false) == Answer::kAccept);
  const std::string request =
      packet(1, le(kCapabilities | 1u << 11, 4) + le(1 << 24, 4) + "\xff" + std::string(23, '\0'));
  CHECK(run.feed(raw(request + "\x16\x03")) == Answer::kHandOver);
  CHECK(run.context().last().next_bytes == 2);
  CHECK(run.log().of(event::kMysql).at(0).number(ids::kTls) == 1);
}

TEST_CASE("mysql: is known by its greeting on any port") {
  const ParserRun run(AppId::kMysql, Transport::kTcp, 40000, 9999);
  CHECK(run.probe(raw(kGreeting), false) == Likelihood::kLikely);
  CHECK(run.probe(raw(packet(0, "\x0a" + z("hello") + le(1, 4)))) == Likelihood::kNo);
  CHECK(run.probe(raw(packet(1, "\x0a" + z("8.0.1") + le(1, 4)))) == Likelihood::kNo);
}

TEST_CASE("mysql: comes out the same however it is cut") { check_splits(kMysql, session()); }

TEST_CASE("mysql: survives damage") { mangle_dialogue(kMysql, session()); }

}  // namespace thymus::test
