#include "base/generated/events/krb5.h"

#include <doctest/doctest.h>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "dpi/ber_builder.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/parser_split.h"

namespace thymus::test {
namespace {

namespace ids = event::krb5;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

ParserRun udp() { return {AppId::kKrb5, Transport::kUdp, 40000, 88}; }
ParserRun tcp() { return {AppId::kKrb5, Transport::kTcp, 40000, 88}; }

BerBytes tagged(uint32_t n, const BerBytes& content) { return tlv(0xa0 | n, content); }

BerBytes principal(const std::vector<std::string_view>& parts) {
  std::vector<BerBytes> strings;
  for (const auto part : parts) strings.push_back(tlv(0x1b, part));
  return sequence({tagged(0, integer(1)), tagged(1, sequence(strings))});
}

BerBytes request(uint8_t type) {
  return tlv(0x60u | type,
             sequence({tagged(1, integer(5)), tagged(2, integer(type)),
                       tagged(4, sequence({tagged(0, tlv(0x03, BerBytes{0, 0, 0, 0, 0})),
                                           tagged(1, principal({"alice"})),
                                           tagged(2, tlv(0x1b, "EXAMPLE.ORG")),
                                           tagged(3, principal({"krbtgt", "EXAMPLE.ORG"}))}))}));
}

BerBytes encrypted(uint8_t etype) {
  return sequence({tagged(0, integer(etype)), tagged(2, tlv(0x04, "secret"))});
}

BerBytes response(uint8_t type, uint8_t etype) {
  const BerBytes ticket = tlv(
      0x61, sequence({tagged(0, integer(5)), tagged(1, tlv(0x1b, "EXAMPLE.ORG")),
                      tagged(2, principal({"krbtgt", "EXAMPLE.ORG"})), tagged(3, encrypted(18))}));
  return tlv(0x60u | type,
             sequence({tagged(0, integer(5)), tagged(1, integer(type)),
                       tagged(3, tlv(0x1b, "EXAMPLE.ORG")), tagged(4, principal({"alice"})),
                       tagged(5, ticket), tagged(6, encrypted(etype))}));
}

BerBytes error(uint8_t code) {
  return tlv(0x7e, sequence({tagged(0, integer(5)), tagged(1, integer(30)),
                             tagged(4, tlv(0x18, "20260101000000Z")), tagged(5, integer(1)),
                             tagged(6, integer(code)), tagged(9, tlv(0x1b, "EXAMPLE.ORG")),
                             tagged(10, principal({"krbtgt", "EXAMPLE.ORG"}))}));
}

BerBytes framed(const BerBytes& message) {
  return join(
      {{0, 0, static_cast<uint8_t>(message.size() >> 8), static_cast<uint8_t>(message.size())},
       message});
}

}  // namespace

TEST_CASE("krb5: writes a request") {
  ParserRun run = udp();
  CHECK(run.probe(request(10)) == Likelihood::kLikely);
  CHECK(run.feed(request(10)) == Answer::kAccept);
  const auto events = run.log().of(event::kKrb5);
  REQUIRE(events.size() == 1);
  CHECK(events[0].text(ids::kMsgType) == "KRB_AS_REQ");
  CHECK(events[0].text(ids::kCname) == "alice");
  CHECK(events[0].text(ids::kRealm) == "EXAMPLE.ORG");
  CHECK(events[0].text(ids::kSname) == "krbtgt/EXAMPLE.ORG");
  CHECK(events[0].text(ids::kEncryption) == "<none>");
  CHECK(events[0].number(ids::kWeakEncryption) == 0);
}

TEST_CASE("krb5: writes the ciphers of a response, and names weak ones") {
  ParserRun run = udp();
  run.feed(response(13, 23), false);
  const auto events = run.log().of(event::kKrb5);
  REQUIRE(events.size() == 1);
  CHECK(events[0].text(ids::kMsgType) == "KRB_TGS_REP");
  CHECK(events[0].text(ids::kEncryption) == "RC4_HMAC");
  CHECK(events[0].number(ids::kWeakEncryption) == 1);
  CHECK(events[0].text(ids::kTicketEncryption) == "AES256_CTS_HMAC_SHA1_96");
  CHECK(events[0].number(ids::kTicketWeakEncryption) == 0);
  const auto anomalies = run.log().of(event::kAnomaly);
  REQUIRE(anomalies.size() == 1);
  CHECK(anomalies[0].number(event::anomaly::kCode) == anomaly_code::kKrb5WeakEncryption);
}

TEST_CASE("krb5: an error names the request that failed") {
  ParserRun run = udp();
  run.feed(request(10), true);
  run.feed(error(25), false);
  run.feed(error(200), false);
  const auto events = run.log().of(event::kKrb5);
  REQUIRE(events.size() == 3);
  CHECK(events[1].text(ids::kFailedRequest) == "KRB_AS_REQ");
  CHECK(events[1].text(ids::kErrorCode) == "KDC_ERR_PREAUTH_REQUIRED");
  CHECK(events[1].text(ids::kCname) == "<empty>");
  CHECK(events[2].text(ids::kFailedRequest) == "UNKNOWN");
}

TEST_CASE("krb5: reads records of a stream in any pieces") {
  check_split(AppId::kKrb5, 88,
              {{true, join({framed(request(10)), framed(request(12))})},
               {false, join({framed(error(25)), framed(response(13, 18))})}});
}

TEST_CASE("krb5: finds the next record after a hole") {
  ParserRun run = tcp();
  CHECK(run.feed(framed(request(10))) == Answer::kAccept);
  CHECK(run.gap(true));
  CHECK(run.feed({1, 2, 3, 4, 5, 6}) == Answer::kAccept);
  CHECK(run.feed(framed(request(12))) == Answer::kAccept);
  CHECK(run.log().of(event::kKrb5).size() == 2);
}

TEST_CASE("krb5: takes no other protocol") {
  CHECK(udp().probe({0x6a, 0x03, 0x30, 0x01, 0x00}) == Likelihood::kNo);
  CHECK(udp().feed({0x6a, 0x03, 0x30, 0x01, 0x00}) == Answer::kReject);
  CHECK(tcp().probe({0, 1, 0, 0, 0x6a, 3}) == Likelihood::kNo);
}

TEST_CASE("krb5: survives damage") {
  for (const BerBytes& message : {request(10), response(11, 18), error(25)}) {
    mangle_parser({AppId::kKrb5, Transport::kUdp, 88, true, message});
    mangle_parser({AppId::kKrb5, Transport::kTcp, 88, true, framed(message)});
  }
}

}  // namespace thymus::test
