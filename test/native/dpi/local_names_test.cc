// Names on the local link: multicast DNS, LLMNR and NetBIOS.
#include <doctest/doctest.h>

#include "base/generated/events/llmnr.h"
#include "base/generated/events/mdns.h"
#include "base/generated/events/nbns.h"
#include "dpi/dialogue.h"
#include "dpi/parser_mangle.h"
#include "support/numbers.h"

namespace thymus::test {
namespace {

using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

std::string header(uint16_t flags, uint16_t n_questions, uint16_t n_answers,
                   uint16_t n_additionals = 0) {
  return be(0x1234, 2) + be(flags, 2) + be(n_questions, 2) + be(n_answers, 2) + be(0, 2) +
         be(n_additionals, 2);
}
std::string label(const std::string& text) {
  return std::string(1, static_cast<char>(text.size())) + text;
}
const std::string kRoot(1, '\0');
std::string question(const std::string& name, uint16_t type) {
  return name + be(type, 2) + be(1, 2);
}
std::string record(const std::string& name, uint16_t type, const std::string& data) {
  return name + be(type, 2) + be(1, 2) + be(120, 4) + be(static_cast<uint32_t>(data.size()), 2) +
         data;
}

const std::string kHost = label("desk") + label("local") + kRoot;
const std::string kMdnsQuery =
    header(0, 2, 0) + question(label("_ipp") + label("_tcp") + label("local") + kRoot, 12) +
    question(kHost, 28);
const std::string kMdnsResponse = header(0x8400, 0, 4) + record(kHost, 1, "\x0a\x01\x02\x03") +
                                  record(kHost, 16, label("model=x") + label("v=2")) +
                                  record(kHost, 33, be(1, 2) + be(2, 2) + be(631, 2) + kHost) +
                                  record(kHost, 47, "....");

// The name as the sixteen bytes of NetBIOS, in letters.
std::string netbios_name(const std::string& text, uint8_t suffix) {
  std::string bytes = text;
  bytes.resize(15, ' ');
  bytes.push_back(static_cast<char>(suffix));
  std::string letters;
  for (const char c : bytes) {
    letters.push_back(static_cast<char>('A' + (static_cast<uint8_t>(c) >> 4)));
    letters.push_back(static_cast<char>('A' + (c & 15)));
  }
  return label(letters) + kRoot;
}
const std::string kNbnsQuery = header(0x0110, 1, 0) + question(netbios_name("FILES", 0x20), 0x20);
const std::string kNbnsResponse =
    header(0x8500, 0, 1) + record(netbios_name("FILES", 0x20), 0x20, be(0, 2) + "\x0a\x01\x02\x03");

Fields event_of(AppId app, uint16_t port, uint16_t type, const std::string& bytes) {
  ParserRun run(app, Transport::kUdp, 40000, port);
  CHECK(run.probe(raw(bytes)) == Likelihood::kLikely);
  CHECK(run.feed(raw(bytes)) == Answer::kAccept);
  return run.log().of(type).at(0);
}

}  // namespace

TEST_CASE("mdns: questions by name and type") {
  namespace ids = event::mdns;
  const Fields event = event_of(AppId::kMdns, 5353, event::kMdns, kMdnsQuery);
  CHECK(event.text(ids::kType) == "request");
  const auto queries = event.objects(ids::kQueries);
  REQUIRE(queries.size() == 2);
  CHECK(queries[0].text(ids::queries::kRrname) == "_ipp._tcp.local");
  CHECK(queries[0].text(ids::queries::kRrtype) == "ptr");
  CHECK(queries[1].text(ids::queries::kRrtype) == "aaaa");
}

TEST_CASE("mdns: records with their data") {
  namespace ids = event::mdns;
  namespace out = ids::answers;
  const Fields event = event_of(AppId::kMdns, 5353, event::kMdns, kMdnsResponse);
  CHECK(event.text(ids::kType) == "response");
  CHECK(event.text(ids::kFlags) == "aa");
  const auto answers = event.objects(ids::kAnswers);
  REQUIRE(answers.size() == 4);
  CHECK(answers[0].text(out::kRrname) == "desk.local");
  CHECK(answers[0].all(out::kA).at(0)[15] == 3);
  CHECK(answers[1].all(out::kTxt).size() == 2);
  CHECK(answers[2].objects(out::kSrv).at(0).number(out::srv::kPort) == 631);
  CHECK(answers[2].objects(out::kSrv).at(0).text(out::srv::kName) == "desk.local");
  CHECK(answers[3].text(out::kRrtype) == "nsec");
}

TEST_CASE("mdns: only on its port, and only with a name") {
  CHECK(ParserRun(AppId::kMdns, Transport::kUdp, 40000, 9999).probe(raw(kMdnsQuery)) ==
        Likelihood::kNo);
  CHECK(
      ParserRun(AppId::kMdns, Transport::kUdp, 40000, 5353).probe(raw(header(0, 1, 0) + "\xff")) ==
      Likelihood::kNo);
}

TEST_CASE("llmnr: a question") {
  namespace ids = event::llmnr;
  const Fields event =
      event_of(AppId::kLlmnr, 5355, event::kLlmnr, header(0, 1, 0) + question(kHost, 1));
  CHECK(event.objects(ids::kQueries).at(0).text(ids::queries::kRrname) == "desk.local");
}

TEST_CASE("nbns: a query and its answer") {
  namespace ids = event::nbns;
  const Fields query = event_of(AppId::kNetbios, 137, event::kNbns, kNbnsQuery);
  CHECK(query.text(ids::kType) == "request");
  CHECK(query.text(ids::kOpcode) == "query");
  CHECK(query.text(ids::kName) == "FILES");
  CHECK(query.number(ids::kSuffix) == 0x20);
  CHECK(query.number(ids::kBroadcast) == 1);
  const Fields answer = event_of(AppId::kNetbios, 137, event::kNbns, kNbnsResponse);
  CHECK(answer.text(ids::kType) == "response");
  CHECK(answer.text(ids::kRrtype) == "nb");
  CHECK(answer.all(ids::kAddresses).at(0)[15] == 3);
}

TEST_CASE("nbns: a host tells its names") {
  namespace ids = event::nbns;
  std::string one = "DESK           ";
  one.push_back('\0');
  std::string two = "OFFICE         ";
  two.push_back('\x1c');
  const std::string data =
      "\x02" + one + be(0x0400, 2) + two + be(0x8400, 2) + std::string("\x02\0\0\0\0\x09", 6);
  const Fields event = event_of(AppId::kNetbios, 137, event::kNbns,
                                header(0x8400, 0, 1) + record(netbios_name("*", 0), 0x21, data));
  CHECK(event.text(ids::kRrtype) == "nbstat");
  const auto names = event.objects(ids::kNames);
  REQUIRE(names.size() == 2);
  CHECK(names[0].text(ids::names::kName) == "DESK");
  CHECK(names[1].number(ids::names::kGroup) == 1);
  CHECK(names[1].number(ids::names::kSuffix) == 0x1c);
  CHECK(event.all(ids::kUnitId).at(0).size() == 6);
}

TEST_CASE("local names: survive damage") {
  for (const std::string& sample : {kMdnsQuery, kMdnsResponse}) {
    mangle_parser({AppId::kMdns, Transport::kUdp, 5353, true, raw(sample)});
    mangle_parser({AppId::kLlmnr, Transport::kUdp, 5355, true, raw(sample)});
  }
  for (const std::string& sample : {kNbnsQuery, kNbnsResponse}) {
    mangle_parser({AppId::kNetbios, Transport::kUdp, 137, true, raw(sample)});
  }
}

}  // namespace thymus::test
