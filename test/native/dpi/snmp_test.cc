#include "base/generated/events/snmp.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"
#include "dpi/parser_mangle.h"

namespace thymus::test {
namespace {

namespace ids = event::snmp;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

std::string ber(int tag, const std::string& content) {
  return std::string(1, static_cast<char>(tag)) + static_cast<char>(content.size()) + content;
}
std::string integer(int value) { return ber(2, std::string(1, static_cast<char>(value))); }

// 1.3.6.1.2.1.1.5.0 and 2.999.3.
const std::string kVariables =
    ber(0x30, ber(0x30, ber(6, std::string("\x2b\x06\x01\x02\x01\x01\x05\x00", 8)) + ber(5, "")) +
                  ber(0x30, ber(6, "\x88\x37\x03") + integer(1)));
std::string pdu(int tag, int error) {
  return ber(tag, integer(7) + integer(error) + integer(0) + kVariables);
}
std::string message(int version, const std::string& rest) {
  return ber(0x30, integer(version) + ber(4, "public") + rest);
}
std::string v3(char flags, const std::string& scoped) {
  const std::string header =
      ber(0x30, integer(9) + integer(100) + ber(4, std::string(1, flags)) + integer(3));
  const std::string usm = ber(4, ber(0x30, ber(4, "engine") + integer(1) + integer(2) +
                                               ber(4, "ann") + ber(4, "") + ber(4, "")));
  return ber(0x30, integer(3) + header + usm + scoped);
}

ParserRun snmp(uint16_t port = 161) { return {AppId::kSnmp, Transport::kUdp, 40000, port}; }

Fields event_of(const std::string& bytes) {
  ParserRun run = snmp();
  CHECK(run.probe(raw(bytes)) == Likelihood::kLikely);
  CHECK(run.feed(raw(bytes)) == Answer::kAccept);
  return run.log().of(event::kSnmp).at(0);
}

}  // namespace

TEST_CASE("snmp: a request names its variables") {
  const Fields event = event_of(message(1, pdu(0xa0, 0)));
  CHECK(event.number(ids::kVersion) == 2);
  CHECK(event.text(ids::kPduType) == "get_request");
  CHECK(event.text(ids::kCommunity) == "public");
  const auto vars = event.all(ids::kVars);
  REQUIRE(vars.size() == 2);
  CHECK(std::string(vars[0].begin(), vars[0].end()) == "1.3.6.1.2.1.1.5.0");
  CHECK(std::string(vars[1].begin(), vars[1].end()) == "2.999.3");
  CHECK(!event.has(ids::kError));
}

TEST_CASE("snmp: an error has its name") {
  const Fields event = event_of(message(0, pdu(0xa2, 2)));
  CHECK(event.number(ids::kVersion) == 1);
  CHECK(event.text(ids::kPduType) == "response");
  CHECK(event.text(ids::kError) == "NoSuchName");
}

TEST_CASE("snmp: a trap of version 1") {
  const Fields event =
      event_of(message(0, ber(0xa4, ber(6, "\x2b\x06\x01\x04\x01") + ber(0x40, "\x0a\x01\x02\x03") +
                                        integer(3) + integer(0) + ber(0x43, "\x05") + kVariables)));
  CHECK(event.text(ids::kPduType) == "trap_v1");
  CHECK(event.text(ids::kTrapType) == "LinkUp");
  CHECK(event.text(ids::kTrapOid) == "1.3.6.1.4.1");
  CHECK(event.all(ids::kTrapAddress).at(0)[15] == 3);
  CHECK(event.all(ids::kVars).size() == 2);
}

TEST_CASE("snmp: version 3 shows the user, and what is not encrypted") {
  const Fields plain = event_of(v3(0, ber(0x30, ber(4, "engine") + ber(4, "") + pdu(0xa8, 0))));
  CHECK(plain.number(ids::kVersion) == 3);
  CHECK(plain.text(ids::kPduType) == "report");
  CHECK(plain.text(ids::kUsm) == "ann");
  const Fields encrypted = event_of(v3(3, ber(4, "......")));
  CHECK(encrypted.text(ids::kPduType) == "encrypted");
  CHECK(!encrypted.has(ids::kVars));
}

TEST_CASE("snmp: other messages in BER are not taken") {
  CHECK(snmp().probe(raw(message(2, pdu(0xa0, 0)))) == Likelihood::kNo);
  CHECK(snmp().probe(raw(message(1, ber(0x60, "")))) == Likelihood::kNo);
  CHECK(snmp().feed(raw(ber(0x30, integer(1)))) == Answer::kReject);
}

TEST_CASE("snmp: survives damage") {
  for (const std::string& sample :
       {message(1, pdu(0xa0, 0)), v3(0, ber(0x30, ber(4, "") + ber(4, "") + pdu(0xa8, 0)))}) {
    mangle_parser({AppId::kSnmp, Transport::kUdp, 161, true, raw(sample)});
  }
}

}  // namespace thymus::test
