#include "base/generated/events/tds.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"
#include "support/numbers.h"

namespace thymus::test {
namespace {

namespace ids = event::tds;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

const Speakers kTds{AppId::kTds, 1433};

std::string wide(const std::string& text) {
  std::string out;
  for (const char c : text) out += std::string(1, c) + '\0';
  return out;
}
std::string packet(char type, const std::string& body) {
  const size_t size = body.size() + 8;
  return std::string(1, type) + "\x01" + static_cast<char>(size >> 8) + static_cast<char>(size) +
         std::string("\0\0\1\0", 4) + body;
}
// Version and encryption.
std::string prelogin(char encryption) {
  return std::string("\x00\x00\x0b\x00\x06\x01\x00\x11\x00\x01\xff", 11) +
         std::string("\x0f\0\0\0\0\0", 6) + encryption;
}
std::string login() {
  const std::string texts[] = {"ANN-PC", "ann",  "secret", "report", "db.test",
                               "",       "ODBC", "",       "shop"};
  std::string head = le(0, 4) + le(0x74000004, 4) + std::string(28, '\0');
  std::string data;
  const size_t start = 36 + 9 * 4;
  for (const std::string& text : texts) {
    head += le(static_cast<uint32_t>(start + data.size()), 2) +
            le(static_cast<uint32_t>(text.size()), 2);
    data += wide(text);
  }
  std::string all = head + data;
  return packet(0x10, all.replace(0, 4, le(static_cast<uint32_t>(all.size()), 4)));
}
std::string token(char kind, const std::string& data) {
  return std::string(1, kind) + le(static_cast<uint32_t>(data.size()), 2) + data;
}
const std::string kAck =
    token('\xad', "\x01" + le(0x04000074, 4) + "\x03" + wide("SQL") + le(0, 4));
const std::string kError =
    token('\xaa', le(18456, 4) + "\x01\x0e" + le(12, 2) + wide("Login failed") + le(0, 2));

const Dialogue kSession = {client(packet(0x12, prelogin(2))), server(packet(0x04, prelogin(2))),
                           client(login()), server(packet(0x04, kAck + "\xfd"))};

}  // namespace

TEST_CASE("tds: a login that the server takes") {
  const auto events = events_of(kTds, kSession).of(event::kTds);
  REQUIRE(events.size() == 1);
  CHECK(events[0].text(ids::kEncryption) == "not_supported");
  CHECK(events[0].number(ids::kTdsVersion) == 0x74000004);
  CHECK(events[0].text(ids::kUser) == "ann");
  CHECK(events[0].text(ids::kHostname) == "ANN-PC");
  CHECK(events[0].text(ids::kApplication) == "report");
  CHECK(events[0].text(ids::kServer) == "db.test");
  CHECK(events[0].text(ids::kLibrary) == "ODBC");
  CHECK(events[0].text(ids::kDatabase) == "shop");
  CHECK(events[0].number(ids::kSuccess) == 1);
  CHECK(events[0].text(ids::kServerName) == "SQL");
}

TEST_CASE("tds: a login that fails, or has no answer") {
  const Fields failed =
      events_of(kTds, {client(login()), server(packet(0x04, kError))}).of(event::kTds).at(0);
  CHECK(failed.has(ids::kSuccess));
  CHECK(failed.number(ids::kSuccess) == 0);
  CHECK(failed.number(ids::kErrorCode) == 18456);
  CHECK(failed.text(ids::kError) == "Login failed");
  const Fields open = events_of(kTds, {client(login())}).of(event::kTds).at(0);
  CHECK(!open.has(ids::kSuccess));
}

TEST_CASE("tds: says that the login is encrypted") {
  const auto events =
      events_of(kTds, {client(packet(0x12, prelogin(1))), server(packet(0x04, prelogin(1))),
                       client(packet(0x12, "\x16\x03\x01..."))})
          .of(event::kTds);
  REQUIRE(events.size() == 1);
  CHECK(events[0].text(ids::kEncryption) == "on");
  CHECK(!events[0].has(ids::kUser));
}

TEST_CASE("tds: is known by its first packet on any port") {
  const ParserRun run(AppId::kTds, Transport::kTcp, 40000, 9999);
  CHECK(run.probe(raw(packet(0x12, prelogin(2)))) == Likelihood::kLikely);
  CHECK(run.probe(raw(login())) == Likelihood::kLikely);
  CHECK(run.probe(raw(packet(0x12, "\x16\x03\x01......"))) == Likelihood::kNo);
  CHECK(run.probe(raw(packet(0x10, le(90, 4) + le(0x74000004, 4)))) == Likelihood::kNo);
}

TEST_CASE("tds: comes out the same however it is cut") { check_splits(kTds, kSession); }

TEST_CASE("tds: survives damage") { mangle_dialogue(kTds, kSession); }

}  // namespace thymus::test
