#include "base/generated/events/rfb.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"

namespace thymus::test {
namespace {

namespace ids = event::rfb;
using dpi::AppId;

constexpr Speakers kRfb{AppId::kRfb, 5900};

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int v : values) out += static_cast<char>(v);
  return out;
}

std::string server_init() {
  return bytes({5, 0, 3, 32, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0, 0, 0, 0, 4}) +
         "desk";
}

Dialogue session() {
  return {server("RFB 003.008\n"),     client("RFB 003.007\n"),      server(bytes({2, 1, 2})),
          client(bytes({2})),          server(std::string(16, 'c')), client(std::string(16, 'r')),
          server(bytes({0, 0, 0, 0})), client(bytes({0})),           server(server_init())};
}

}  // namespace

TEST_CASE("rfb: the start of a session") {
  const auto events = events_of(kRfb, session()).of(event::kRfb);
  REQUIRE(events.size() == 1);
  const Fields version = events[0].objects(ids::kClientProtocolVersion).at(0);
  CHECK(version.text(ids::client_protocol_version::kMajor) == "003");
  CHECK(version.text(ids::client_protocol_version::kMinor) == "007");
  const Fields auth = events[0].objects(ids::kAuthentication).at(0);
  CHECK(auth.number(ids::authentication::kSecurityType) == 2);
  CHECK(auth.text(ids::authentication::kSecurityResult) == "OK");
  CHECK(auth.objects(ids::authentication::kVnc).at(0).text(ids::authentication::vnc::kResponse) ==
        std::string(16, 'r'));
  const Fields screen = events[0].objects(ids::kFramebuffer).at(0);
  CHECK(screen.number(ids::framebuffer::kWidth) == 1280);
  CHECK(screen.text(ids::framebuffer::kName) == "desk");
}

TEST_CASE("rfb: a refusal says why") {
  const auto events = events_of(kRfb, {server("RFB 003.008\n"), client("RFB 003.008\n"),
                                       server(bytes({0, 0, 0, 0, 4}) + "full")})
                          .of(event::kRfb);
  REQUIRE(events.size() == 1);
  CHECK(events[0].text(ids::kServerSecurityFailureReason) == "full");
}

TEST_CASE("rfb: version 3.3, where the server chooses") {
  const auto events =
      events_of(kRfb, {server("RFB 003.003\n"), client("RFB 003.003\n"),
                       server(bytes({0, 0, 0, 1})), client(bytes({1})), server(server_init())})
          .of(event::kRfb);
  REQUIRE(events.size() == 1);
  CHECK(events[0].objects(ids::kFramebuffer).size() == 1);
}

TEST_CASE("rfb: the same events however the stream is cut") { check_splits(kRfb, session()); }

TEST_CASE("rfb: survives damage") { mangle_dialogue(kRfb, session()); }

}  // namespace thymus::test
