#include "base/generated/events/dhcpv6.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"
#include "dpi/parser_mangle.h"
#include "support/numbers.h"

namespace thymus::test {
namespace {

namespace ids = event::dhcpv6;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

std::string option(uint16_t code, const std::string& data) {
  return be(code, 2) + be(static_cast<uint32_t>(data.size()), 2) + data;
}

const std::string kAddress = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x07";
const std::string kReply =
    "\x07" + be(0xabcdef, 3) +
    option(1, be(1, 2) + be(1, 2) + be(9, 4) + std::string("\x02\0\0\0\0\x01", 6)) +
    option(2, be(3, 2) + be(1, 2) + std::string("\x02\0\0\0\0\x02", 6)) +
    option(3, be(1, 4) + be(0, 8) + option(5, kAddress + be(300, 4) + be(600, 4))) +
    option(25, be(1, 4) + be(0, 8) + option(26, be(10, 4) + be(20, 4) + "\x38" + kAddress)) +
    option(6, be(23, 2) + be(24, 2)) + option(23, kAddress) +
    option(24, std::string("\x06office\x04test\0", 13)) +
    option(39, std::string("\x00\x04", 2) + "desk" + std::string(1, '\0')) +
    option(13, be(2, 2) + "none left");
const std::string kRelayed = std::string("\x0c\x01", 2) + kAddress + kAddress + option(9, kReply);

ParserRun dhcpv6() { return {AppId::kDhcpv6, Transport::kUdp, 546, 547}; }

}  // namespace

TEST_CASE("dhcpv6: a reply with an address and a prefix") {
  ParserRun run = dhcpv6();
  CHECK(run.probe(raw(kReply)) == Likelihood::kLikely);
  CHECK(run.feed(raw(kReply)) == Answer::kAccept);
  const Fields event = run.log().of(event::kDhcpv6).at(0);
  CHECK(event.text(ids::kType) == "reply");
  CHECK(event.number(ids::kId) == 0xabcdef);
  CHECK(event.all(ids::kClientMac).at(0)[5] == 1);
  CHECK(event.all(ids::kServerId).at(0).size() == 10);
  CHECK(event.text(ids::kHostname) == "desk");
  CHECK(event.all(ids::kRequestedOptions).size() == 2);
  CHECK(event.all(ids::kAddresses).at(0)[15] == 7);
  CHECK(event.text(ids::kPrefixes) == "2001:db8:0:0:0:0:0:7/56");
  CHECK(event.number(ids::kPreferredLifetime) == 10);
  CHECK(event.all(ids::kDnsServers).size() == 1);
  CHECK(event.text(ids::kDomains) == "office.test");
  CHECK(event.number(ids::kStatusCode) == 2);
  CHECK(event.text(ids::kStatusMessage) == "none left");
}

TEST_CASE("dhcpv6: a message inside those of relays") {
  ParserRun run = dhcpv6();
  const std::string twice = std::string("\x0c\x02", 2) + kAddress + kAddress + option(9, kRelayed);
  CHECK(run.feed(raw(twice)) == Answer::kAccept);
  const Fields event = run.log().of(event::kDhcpv6).at(0);
  CHECK(event.text(ids::kType) == "reply");
  CHECK(event.number(ids::kRelays) == 2);
  CHECK(event.has(ids::kRelayPeer));
}

TEST_CASE("dhcpv6: relays without end are not followed") {
  std::string nested = kReply;
  for (int i = 0; i < 9; ++i)
    nested = std::string("\x0c\0", 2) + kAddress + kAddress + option(9, nested);
  CHECK(dhcpv6().feed(raw(nested)) == Answer::kReject);
  CHECK(dhcpv6().probe(raw("\x01" + be(1, 3) + be(1, 2) + be(99, 2))) == Likelihood::kNo);
}

TEST_CASE("dhcpv6: survives damage") {
  mangle_parser({AppId::kDhcpv6, Transport::kUdp, 547, true, raw(kReply)});
  mangle_parser({AppId::kDhcpv6, Transport::kUdp, 547, true, raw(kRelayed)});
}

}  // namespace thymus::test
