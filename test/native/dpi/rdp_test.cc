#include "base/generated/events/rdp.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"
#include "support/numbers.h"

namespace thymus::test {
namespace {

namespace ids = event::rdp;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

const Speakers kRdp{AppId::kRdp, 3389};

std::string wide(const std::string& text, size_t bytes) {
  std::string out;
  for (const char c : text) out += std::string(1, c) + '\0';
  out.resize(bytes);
  return out;
}
std::string packet(const std::string& rest) {
  const size_t size = rest.size() + 4;
  return std::string("\3\0", 2) + static_cast<char>(size >> 8) + static_cast<char>(size) + rest;
}
std::string connect(char type, const std::string& rest) {
  return packet(static_cast<char>(rest.size() + 6) + std::string(1, type) + std::string(5, '\0') +
                rest);
}
std::string negotiation(char type, char flags, uint32_t value) {
  return std::string(1, type) + flags + le(8, 2) + le(value, 4);
}
std::string data(const std::string& rest) { return packet("\x02\xf0\x80" + rest); }

const std::string kRequest = connect('\xe0', "Cookie: mstshash=ann\r\n" + negotiation(1, 8, 3));
const std::string kCore = le(0x80004, 4) + le(1280, 2) + le(864, 2) + le(0xca01, 2) +
                          le(0xaa03, 2) + le(0x409, 4) + le(2600, 4) + wide("ANN-PC", 32) +
                          le(4, 4) + le(0, 4) + le(12, 4) + wide("", 64) + le(0xca01, 2) +
                          le(1, 2) + le(0, 4) + le(24, 2) + le(7, 2) + le(5, 2) +
                          wide("55274-OEM", 64) + le(6, 1) + le(0, 1) + le(0, 4);
const std::string kNet =
    le(2, 4) + std::string("rdpdr\0\0\0", 8) + le(0, 4) + std::string("cliprdr\0", 8) + le(0, 4);
std::string block(uint16_t type, const std::string& fields) {
  return le(type, 2) + le(static_cast<uint32_t>(fields.size() + 4), 2) + fields;
}
const std::string kConnectInitial =
    data("\x7f\x65\x82\x01\x94........Duca\x81\x4c" + block(0xc001, kCore) + block(0xc003, kNet));

const Dialogue kSession = {
    client(kRequest),
    server(connect('\xd0', negotiation(2, 1, 0))),
    client(kConnectInitial),
    server(data("\x7f\x66\x82\x01\x45")),
};

}  // namespace

TEST_CASE("rdp: a session with its own encryption") {
  const auto events = events_of(kRdp, kSession).of(event::kRdp);
  REQUIRE(events.size() == 4);
  CHECK(events[0].text(ids::kEventType) == "initial_request");
  CHECK(events[0].text(ids::kCookie) == "ann");
  CHECK(events[0].text(ids::kFlags) == "correlation_info_present");
  CHECK(events[1].text(ids::kEventType) == "initial_response");
  CHECK(events[1].text(ids::kServerSupports) == "extended_client_data");
  CHECK(events[1].text(ids::kProtocol) == "rdp");
  CHECK(events[3].text(ids::kEventType) == "connect_response");
  CHECK(events[3].number(ids::kTxId) == 3);

  namespace out = ids::client;
  CHECK(events[2].text(ids::kEventType) == "connect_request");
  const Fields own = events[2].objects(ids::kClient).at(0);
  CHECK(own.text(out::kVersion) == "v5");
  CHECK(own.number(out::kDesktopWidth) == 1280);
  CHECK(own.number(out::kDesktopHeight) == 864);
  CHECK(own.number(out::kColorDepth) == 24);
  CHECK(own.text(out::kKeyboardLayout) == "en-US");
  CHECK(own.text(out::kBuild) == "Windows XP");
  CHECK(own.text(out::kClientName) == "ANN-PC");
  CHECK(own.text(out::kKeyboardType) == "enhanced");
  CHECK(own.all(out::kCapabilities).size() == 2);
  CHECK(own.text(out::kId) == "55274-OEM");
  CHECK(own.text(out::kConnectionHint) == "lan");
  const auto channels = events[2].all(ids::kChannels);
  REQUIRE(channels.size() == 2);
  CHECK(std::string(channels[1].begin(), channels[1].end()) == "cliprdr");
}

TEST_CASE("rdp: TLS takes over where both agree") {
  ParserRun run(AppId::kRdp, Transport::kTcp, 40000, 3389);
  CHECK(run.feed(raw(kRequest)) == Answer::kAccept);
  CHECK(run.feed(raw(connect('\xd0', negotiation(2, 0, 2)) + "\x16"), false) == Answer::kHandOver);
  CHECK(run.context().last().next == AppId::kTls);
  CHECK(run.context().last().next_bytes == 1);
  CHECK(run.log().of(event::kRdp).at(1).text(ids::kProtocol) == "hybrid");
}

TEST_CASE("rdp: a server that refuses says why") {
  const auto events =
      events_of(kRdp, {client(kRequest), server(connect('\xd0', negotiation(3, 0, 5)))});
  const Fields refusal = events.of(event::kRdp).at(1);
  CHECK(refusal.number(ids::kErrorCode) == 5);
  CHECK(refusal.text(ids::kReason) == "hybrid required by server");
}

TEST_CASE("rdp: is known by its cookie or negotiation on any port") {
  const ParserRun run(AppId::kRdp, Transport::kTcp, 40000, 9999);
  CHECK(run.probe(raw(kRequest)) == Likelihood::kLikely);
  CHECK(run.probe(raw(connect('\xe0', negotiation(1, 0, 3)))) == Likelihood::kLikely);
  CHECK(run.probe(raw(connect('\xe0', ""))) == Likelihood::kNo);
  CHECK(run.probe(raw(connect('\xe0', "\xc1\x02\x01"))) == Likelihood::kNo);
  CHECK(run.probe(raw(data("\x32\x01"))) == Likelihood::kNo);
  const ParserRun on_port(AppId::kRdp, Transport::kTcp, 40000, 3389);
  CHECK(on_port.probe(raw(connect('\xe0', ""))) == Likelihood::kMaybe);
}

TEST_CASE("rdp: comes out the same however it is cut") { check_splits(kRdp, kSession); }

TEST_CASE("rdp: survives damage") { mangle_dialogue(kRdp, kSession); }

}  // namespace thymus::test
