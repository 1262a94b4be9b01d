#include "base/generated/events/ssh.h"

#include <string>

#include <doctest/doctest.h>

#include "base/digest.h"
#include "base/generated/events/anomaly.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/tls_builder.h"

namespace thymus::test {
namespace {

namespace ids = event::ssh;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;
using tls::Raw;
using tls::raw;
using tls::operator+;

ParserRun tcp(uint16_t port = 22) { return {AppId::kSsh, Transport::kTcp, 40000, port}; }

Raw be32(size_t n) {
  return tls::codes({static_cast<unsigned>(n >> 16), static_cast<unsigned>(n & 0xffff)});
}

Raw packet(const Raw& payload) {
  return be32(payload.size() + 1 + 6) + Raw{6} + payload + Raw(6, 0);
}

Raw kex_init(std::string_view prefix) {
  Raw payload = Raw{20} + Raw(16, 0x77);
  for (const char* list :
       {"kex", "key", "enc-cs", "enc-sc", "mac-cs", "mac-sc", "zip-cs", "zip-sc", "", ""}) {
    const std::string name = std::string(prefix) + list;
    payload = payload + be32(name.size()) + raw(name);
  }
  return packet(payload + Raw(5, 0));
}

std::string md5_hex(std::string_view text) {
  const auto digits = hex_of(Md5::of(as_bytes(text)));
  return {digits.begin(), digits.end()};
}

const Raw kClient = raw("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n");
const Raw kServer = raw("SSH-1.99-Cisco-1.25\n");

Fields only_event(const ParserRun& run) {
  const auto events = run.log().of(event::kSsh);
  REQUIRE(events.size() == 1);
  return events[0];
}

void check_whole(const ParserRun& run) {
  const Fields e = only_event(run);
  const Fields client = e.objects(ids::kClient).at(0);
  CHECK(client.text(ids::client::kProtoVersion) == "2.0");
  CHECK(client.text(ids::client::kSoftwareVersion) == "OpenSSH_9.2p1");
  const Fields hassh = client.objects(ids::client::kHassh).at(0);
  CHECK(hassh.text(ids::client::hassh::kString) == "c-kex;c-enc-cs;c-mac-cs;c-zip-cs");
  CHECK(hassh.text(ids::client::hassh::kHash) == md5_hex("c-kex;c-enc-cs;c-mac-cs;c-zip-cs"));
  const Fields server = e.objects(ids::kServer).at(0);
  CHECK(server.text(ids::server::kProtoVersion) == "1.99");
  CHECK(server.text(ids::server::kSoftwareVersion) == "Cisco-1.25");
  CHECK(server.objects(ids::server::kHassh).at(0).text(ids::server::hassh::kString) ==
        "s-kex;s-enc-sc;s-mac-sc;s-zip-sc");
}

}  // namespace

TEST_CASE("ssh: banners and offers of both sides give one event") {
  ParserRun run = tcp();
  CHECK(run.probe(kClient) == Likelihood::kLikely);
  CHECK(run.feed(kClient) == Answer::kAccept);
  CHECK(run.feed(kServer + kex_init("s-"), false) == Answer::kAccept);
  CHECK(run.log().events.empty());
  CHECK(run.feed(packet(Raw(40, 2)) + kex_init("c-")) == Answer::kDone);
  check_whole(run);
  CHECK(run.context().last().facts.client_fingerprint != 0);
}

TEST_CASE("ssh: any split gives the same event") {
  ParserRun run = tcp();
  for (const uint8_t byte : kServer + kex_init("s-")) run.feed({byte}, false);
  for (const uint8_t byte : kClient + packet(Raw(40, 2)) + kex_init("c-")) run.feed({byte});
  check_whole(run);
}

TEST_CASE("ssh: what never went on is reported at the end") {
  ParserRun run = tcp();
  run.feed(kServer, false);
  run.end();
  const Fields e = only_event(run);
  CHECK_FALSE(e.has(ids::kClient));
  CHECK(e.objects(ids::kServer).size() == 1);
}

TEST_CASE("ssh: a hole ends a direction only") {
  ParserRun run = tcp();
  run.feed(kClient + kex_init("c-"));
  run.feed(kServer, false);
  CHECK(run.gap(false));
  CHECK(run.feed(Raw(100, 9), false) == Answer::kAccept);
  run.end();
  CHECK(only_event(run).objects(ids::kClient).at(0).has(ids::client::kHassh));
}

TEST_CASE("ssh: a banner without an end is cut") {
  ParserRun run = tcp();
  CHECK(run.feed(raw("SSH-2.0-" + std::string(2000, 'x'))) == Answer::kAccept);
  run.end();
  const Fields client = only_event(run).objects(ids::kClient).at(0);
  CHECK(client.text(ids::client::kSoftwareVersion).size() == 255);
  CHECK(run.log().of(event::kAnomaly).size() == 1);
}

TEST_CASE("ssh: what is not SSH is not taken") {
  ParserRun run = tcp();
  CHECK(run.probe(raw("SSH")) == Likelihood::kNo);
  CHECK(run.probe(raw("SSH-x")) == Likelihood::kNo);
  CHECK(run.probe(raw("SIP/2.0 200")) == Likelihood::kNo);
  CHECK(run.feed(raw("220 hello")) == Answer::kReject);
  CHECK(run.log().events.empty());
}

TEST_CASE("ssh: every damaged opening is survived") {
  mangle_parser({AppId::kSsh, Transport::kTcp, 22, true, kClient + kex_init("c-")});
}

}  // namespace thymus::test
