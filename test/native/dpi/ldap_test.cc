#include "base/generated/events/ldap.h"

#include <doctest/doctest.h>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "dpi/ber_builder.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/parser_split.h"

namespace thymus::test {
namespace {

namespace ids = event::ldap;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

ParserRun tcp() { return {AppId::kLdap, Transport::kTcp, 40000, 389}; }
ParserRun udp() { return {AppId::kLdap, Transport::kUdp, 40000, 389}; }

BerBytes text(std::string_view s) { return tlv(0x04, s); }
BerBytes message(uint8_t id, const BerBytes& operation) {
  return sequence({integer(id), operation});
}
BerBytes result(uint32_t tag, uint8_t code) {
  return group(tag, {integer(code, 0x0a), text("dc=example"), text("told")});
}

BerBytes search(uint8_t id) {
  return message(id, group(0x63, {text("dc=example"), integer(2, 0x0a), integer(0, 0x0a),
                                  integer(10), integer(20), integer(0xff, 0x01),
                                  tlv(0x87, "objectClass"), sequence({text("cn"), text("mail")})}));
}
BerBytes entry(uint8_t id) {
  return message(
      id, group(0x64,
                {text("cn=a"), sequence({sequence({text("mail"), group(0x31, {text("a@b")})})})}));
}
BerBytes search_done(uint8_t id) { return message(id, result(0x65, 0)); }
BerBytes sasl_bind(uint8_t id) {
  return message(
      id, group(0x60, {integer(3), text("cn=x"), group(0xa3, {text("GSSAPI"), text("\x01\x02")})}));
}
BerBytes modify(uint8_t id) {
  return message(
      id, group(0x66, {text("cn=a"),
                       sequence({sequence({integer(2, 0x0a),
                                           sequence({text("sn"), group(0x31, {text("B")})})})})}));
}
BerBytes start_tls(uint8_t id) {
  return message(id, group(0x77, {tlv(0x80, "1.3.6.1.4.1.1466.20037")}));
}

}  // namespace

TEST_CASE("ldap: a search is one event with all its responses") {
  ParserRun run = tcp();
  CHECK(run.probe(search(1)) == Likelihood::kLikely);
  run.feed(search(1));
  CHECK(run.log().events.empty());
  run.feed(join({entry(1), entry(1), search_done(1)}), false);
  const auto events = run.log().of(event::kLdap);
  REQUIRE(events.size() == 1);
  CHECK(run.log().events[0].side == Side::kOriginator);
  const Fields request = events[0].objects(ids::kRequest).at(0);
  CHECK(request.number(ids::request::kMessageId) == 1);
  CHECK(request.text(ids::request::kOperation) == "search_request");
  const Fields query = request.objects(ids::request::kSearchRequest).at(0);
  CHECK(query.text(ids::request::search_request::kBaseObject) == "dc=example");
  CHECK(query.number(ids::request::search_request::kScope) == 2);
  CHECK(query.number(ids::request::search_request::kSizeLimit) == 10);
  CHECK(query.number(ids::request::search_request::kTypesOnly) == 1);
  CHECK(query.all(ids::request::search_request::kAttributes).size() == 2);
  const auto responses = events[0].objects(ids::kResponses);
  REQUIRE(responses.size() == 3);
  CHECK(responses[0].text(ids::responses::kOperation) == "search_result_entry");
  CHECK_FALSE(responses[0].has(ids::responses::kMessageId));
  const Fields done = responses[2].objects(ids::responses::kSearchResultDone).at(0);
  CHECK(done.text(ids::responses::search_result_done::kResultCode) == "success");
  CHECK(done.text(ids::responses::search_result_done::kMatchedDn) == "dc=example");
}

TEST_CASE("ldap: answers find their requests in any order") {
  ParserRun run = tcp();
  run.feed(join({search(1), modify(2), sasl_bind(3)}));
  run.feed(message(3, result(0x61, 14)), false);
  run.feed(message(2, result(0x67, 50)), false);
  run.feed(search_done(1), false);
  const auto events = run.log().of(event::kLdap);
  REQUIRE(events.size() == 3);
  const uint64_t order[] = {3, 2, 1};
  for (size_t i = 0; i < 3; ++i) {
    const Fields request = events[i].objects(ids::kRequest).at(0);
    CHECK(request.number(ids::request::kMessageId) == order[i]);
    CHECK(events[i].objects(ids::kResponses).size() == 1);
  }
  const Fields modified =
      events[1].objects(ids::kResponses)[0].objects(ids::responses::kModifyResponse)[0];
  CHECK(modified.text(ids::responses::modify_response::kResultCode) ==
        "insufficient_access_rights");
}

TEST_CASE("ldap: requests without a response are written at the end") {
  ParserRun run = tcp();
  run.feed(join({message(4, tlv(0x50, BerBytes{3})), search(5)}));
  CHECK(run.log().of(event::kLdap).size() == 1);
  run.end();
  CHECK(run.log().of(event::kLdap).size() == 2);
}

TEST_CASE("ldap: a response without its request tells its number") {
  ParserRun run = tcp();
  run.feed(search_done(9), false);
  const auto events = run.log().of(event::kLdap);
  REQUIRE(events.size() == 1);
  CHECK(run.log().events[0].side == Side::kOriginator);
  CHECK(events[0].objects(ids::kResponses).at(0).number(ids::responses::kMessageId) == 9);
}

TEST_CASE("ldap: STARTTLS hands the flow over") {
  ParserRun run = tcp();
  CHECK(run.feed(start_tls(1)) == Answer::kAccept);
  CHECK(run.feed(message(1, result(0x78, 0)), false) == Answer::kHandOver);
  CHECK(run.context().last().next == AppId::kTls);
  CHECK(run.log().of(event::kLdap).size() == 1);
}

TEST_CASE("ldap: what is sealed after a bind is no anomaly") {
  ParserRun run = tcp();
  run.feed(sasl_bind(1));
  run.feed(message(1, result(0x61, 0)), false);
  CHECK(run.feed({0, 0, 0, 4, 1, 2, 3, 4}) == Answer::kDone);
  CHECK(run.log().of(event::kAnomaly).empty());
}

TEST_CASE("ldap: a datagram holds several messages") {
  ParserRun run = udp();
  run.feed(search(1));
  run.feed(join({entry(1), search_done(1)}), false);
  const auto events = run.log().of(event::kLdap);
  REQUIRE(events.size() == 1);
  CHECK(events[0].objects(ids::kResponses).size() == 2);
}

TEST_CASE("ldap: more open requests than are kept are written early") {
  ParserRun run = tcp();
  for (int i = 0; i < 257; ++i) run.feed(search(static_cast<uint8_t>(i % 100)));
  CHECK(run.log().of(event::kLdap).size() == 256);
  REQUIRE(run.log().of(event::kAnomaly).size() == 1);
  CHECK(run.log().of(event::kAnomaly)[0].number(event::anomaly::kCode) ==
        anomaly_code::kLdapTooManyTransactions);
}

TEST_CASE("ldap: a message longer than a buffer is skipped") {
  ParserRun run = tcp();
  run.feed(search(1));
  BerBytes head{0x30, 0x83, 0x02, 0x00, 0x00, 0x02, 0x01, 0x01, 0x64};
  BerBytes body(0x20000 - 4, 0x41);
  run.feed(join({head, body}), false);
  run.feed(search_done(1), false);
  const auto events = run.log().of(event::kLdap);
  REQUIRE(events.size() == 1);
  CHECK(events[0].objects(ids::kResponses).size() == 1);
}

TEST_CASE("ldap: reads a stream in any pieces, and goes on after a hole") {
  check_split(AppId::kLdap, 389,
              {{true, join({sasl_bind(1), search(2)})},
               {false, join({message(1, result(0x61, 0)), entry(2), search_done(2)})},
               {true, modify(3)}});
  ParserRun run = tcp();
  run.feed(search(1));
  CHECK(run.gap(true));
  CHECK(run.feed({1, 2, 3}) == Answer::kAccept);
  CHECK(run.feed(modify(2)) == Answer::kAccept);
  run.end();
  CHECK(run.log().of(event::kLdap).size() == 2);
}

TEST_CASE("ldap: takes no other protocol of the same encoding") {
  const BerBytes snmp = sequence({integer(1), text("public"), group(0xa0, {integer(1)})});
  CHECK(udp().probe(snmp) == Likelihood::kNo);
  CHECK(udp().feed(snmp) == Answer::kReject);
  CHECK(tcp().feed(snmp) == Answer::kReject);
}

TEST_CASE("ldap: survives damage") {
  for (const BerBytes& m :
       {search(1), entry(1), search_done(1), sasl_bind(1), modify(1), start_tls(1)}) {
    mangle_parser({AppId::kLdap, Transport::kTcp, 389, true, m});
    mangle_parser({AppId::kLdap, Transport::kUdp, 389, true, m});
  }
}

}  // namespace thymus::test
