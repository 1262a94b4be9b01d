#include "base/generated/events/dns.h"

#include <random>
#include <string>

#include <doctest/doctest.h>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "dpi/dns_builder.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"

namespace thymus::test {
namespace {

namespace ids = event::dns;
namespace code = anomaly_code;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;
using Raw = std::vector<uint8_t>;

constexpr uint16_t kRequest = 0x0100;
constexpr uint16_t kResponse = 0x8180;
constexpr size_t kFirstName = 12;

enum : uint16_t {
  kA = 1,
  kNs = 2,
  kCname = 5,
  kSoa = 6,
  kNull = 10,
  kPtr = 12,
  kMx = 15,
  kTxt = 16,
  kAaaa = 28,
  kSrv = 33,
  kOpt = 41,
  kSshfp = 44,
  kCaa = 257
};

ParserRun udp(uint16_t resp_port = 53) { return {AppId::kDns, Transport::kUdp, 40000, resp_port}; }
ParserRun tcp(uint16_t resp_port = 53) { return {AppId::kDns, Transport::kTcp, 40000, resp_port}; }

Raw query(std::string_view name = "www.example.org", uint16_t type = kA) {
  return DnsBuilder(0x1234, kRequest).question(name, type).bytes();
}

// A response with one answer of `type`; its owner is a pointer to the question.
DnsBuilder answer(uint16_t type, const Raw& data) {
  DnsBuilder b(7, kResponse);
  b.question("www.example.org", type);
  b.record(DnsBuilder::kAnswers, DnsBuilder::pointer(kFirstName), type, 300, data);
  return b;
}

// The answers of the one event that a response gives.
std::vector<Fields> answers_of(const Raw& message) {
  ParserRun run = udp();
  REQUIRE(run.feed(message, false) == Answer::kAccept);
  const auto events = run.log().of(event::kDns);
  REQUIRE(events.size() == 1);
  return events[0].objects(ids::kAnswers);
}

std::vector<uint64_t> anomalies_of(const EventLog& log) {
  std::vector<uint64_t> codes;
  for (const Fields& f : log.of(event::kAnomaly)) codes.push_back(f.number(event::anomaly::kCode));
  return codes;
}

std::string rdata(uint16_t type, const Raw& data) {
  const auto answers = answers_of(answer(type, data).bytes());
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].text(ids::answers::kRrname) == "www.example.org");
  CHECK(answers[0].number(ids::answers::kRrtype) == type);
  CHECK(answers[0].number(ids::answers::kTtl) == 300);
  return answers[0].has(ids::answers::kRdata) ? answers[0].text(ids::answers::kRdata) : "(none)";
}

}  // namespace

TEST_CASE("dns: writes a request") {
  ParserRun run = udp();
  CHECK(run.probe(query()) == Likelihood::kLikely);
  CHECK(run.feed(query()) == Answer::kAccept);
  REQUIRE(run.log().events.size() == 1);
  const Fields& f = run.log().events[0].fields;
  CHECK(run.log().events[0].type == event::kDns);
  CHECK(f.text(ids::kType) == "request");
  CHECK(f.number(ids::kTxId) == 0);
  CHECK(f.number(ids::kId) == 0x1234);
  CHECK(f.number(ids::kFlags) == kRequest);
  CHECK(f.number(ids::kRd) == 1);
  CHECK(f.number(ids::kQr) == 0);
  CHECK(f.number(ids::kOpcode) == 0);
  CHECK(f.number(ids::kRcode) == 0);
  const auto queries = f.objects(ids::kQueries);
  REQUIRE(queries.size() == 1);
  CHECK(queries[0].text(ids::queries::kRrname) == "www.example.org");
  CHECK(queries[0].number(ids::queries::kRrtype) == kA);
  CHECK_FALSE(f.has(ids::kAnswers));
}

TEST_CASE("dns: numbers the messages of a flow in both directions") {
  ParserRun run = udp();
  run.feed(query(), true);
  run.feed(answer(kA, {192, 0, 2, 1}).bytes(), false);
  run.feed(query(), true);
  const auto events = run.log().of(event::kDns);
  REQUIRE(events.size() == 3);
  for (size_t i = 0; i < 3; ++i) CHECK(events[i].number(ids::kTxId) == i);
  CHECK(events[1].text(ids::kType) == "response");
  CHECK(events[1].number(ids::kFlags) == kResponse);
  CHECK(events[1].number(ids::kRa) == 1);
}

TEST_CASE("dns: shows the flags and codes of the header") {
  ParserRun run = udp();
  run.feed(DnsBuilder(1, 0x8000 | 5 << 11 | 0x0640 | 3).question("a", kA).bytes(), false);
  const Fields f = run.log().of(event::kDns).at(0);
  CHECK(f.number(ids::kOpcode) == 5);
  CHECK(f.number(ids::kRcode) == 3);
  CHECK(f.number(ids::kAa) == 1);
  CHECK(f.number(ids::kTc) == 1);
  CHECK(f.number(ids::kZ) == 1);
  CHECK(f.number(ids::kRd) == 0);
  CHECK(anomalies_of(run.log()) == std::vector<uint64_t>{code::kDnsZFlagSet});
}

TEST_CASE("dns: shows data as text") {
  const Raw host = DnsBuilder::name("host.example.net");
  CHECK(rdata(kA, {192, 0, 2, 1}) == "192.0.2.1");
  CHECK(rdata(kA, {255, 100, 10, 0}) == "255.100.10.0");
  CHECK(rdata(kAaaa, {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab}) ==
        "2001:0db8:0000:0000:0000:0000:0000:00ab");
  CHECK(rdata(kCname, host) == "host.example.net");
  CHECK(rdata(kNs, host) == "host.example.net");
  CHECK(rdata(kPtr, Raw{4, 'h', 'o', 's', 't'} + DnsBuilder::pointer(kFirstName + 4)) ==
        "host.example.org");
  CHECK(rdata(kMx, Raw{0, 10} + host) == "host.example.net");
  CHECK(rdata(kTxt, Raw{5, 'h', 'e', 'l', 'l', 'o'}) == "hello");
  CHECK(rdata(kNull, Raw{0, 1, 2}) == std::string("\0\1\2", 3));
  CHECK(rdata(kCaa, Raw{0, 5, 'i', 's', 's', 'u', 'e', 'x'}) == "(none)");
  CHECK(rdata(kA, {1, 2, 3}) == "(none)");
}

TEST_CASE("dns: gives each string of a TXT record an entry") {
  const auto answers = answers_of(answer(kTxt, {2, 'a', 'b', 0, 1, 'c'}).bytes());
  REQUIRE(answers.size() == 3);
  CHECK(answers[0].text(ids::answers::kRdata) == "ab");
  CHECK(answers[1].has(ids::answers::kRdata));
  CHECK(answers[1].text(ids::answers::kRdata).empty());
  CHECK(answers[2].text(ids::answers::kRdata) == "c");
}

TEST_CASE("dns: shows SOA, SRV and SSHFP as objects") {
  const Raw numbers{0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 1, 0};
  const auto soa =
      answers_of(
          answer(kSoa, DnsBuilder::name("ns.x") + DnsBuilder::name("root.x") + numbers).bytes())
          .at(0)
          .objects(ids::answers::kSoa)
          .at(0);
  CHECK(soa.text(ids::answers::soa::kMname) == "ns.x");
  CHECK(soa.text(ids::answers::soa::kRname) == "root.x");
  CHECK(soa.number(ids::answers::soa::kSerial) == 1);
  CHECK(soa.number(ids::answers::soa::kRefresh) == 2);
  CHECK(soa.number(ids::answers::soa::kRetry) == 3);
  CHECK(soa.number(ids::answers::soa::kExpire) == 4);
  CHECK(soa.number(ids::answers::soa::kMinimum) == 256);

  const auto srv =
      answers_of(answer(kSrv, Raw{0, 20, 0, 1, 19, 196} + DnsBuilder::name("sip.x")).bytes())
          .at(0)
          .objects(ids::answers::kSrv)
          .at(0);
  CHECK(srv.number(ids::answers::srv::kPriority) == 20);
  CHECK(srv.number(ids::answers::srv::kWeight) == 1);
  CHECK(srv.number(ids::answers::srv::kPort) == 5060);
  CHECK(srv.text(ids::answers::srv::kName) == "sip.x");

  const auto sshfp = answers_of(answer(kSshfp, {4, 2, 0xab, 0x01, 0xff}).bytes())
                         .at(0)
                         .objects(ids::answers::kSshfp)
                         .at(0);
  CHECK(sshfp.number(ids::answers::sshfp::kAlgo) == 4);
  CHECK(sshfp.number(ids::answers::sshfp::kType) == 2);
  CHECK(sshfp.text(ids::answers::sshfp::kFingerprint) == "ab:01:ff");
}

TEST_CASE("dns: fills the sections, leaves out an OPT record without options") {
  DnsBuilder b(1, kResponse);
  b.question("x.org", kA);
  b.record(DnsBuilder::kAuthorities, DnsBuilder::name("org"), kNs, 60, DnsBuilder::name("a0.org"));
  b.record(DnsBuilder::kAdditionals, {0}, kOpt, 0, {});
  b.record(DnsBuilder::kAdditionals, {0}, kOpt, 0, {0, 10, 0, 2, 0xca, 0xfe});
  ParserRun run = udp();
  run.feed(b.bytes(), false);
  const Fields f = run.log().of(event::kDns).at(0);
  const auto authorities = f.objects(ids::kAuthorities);
  REQUIRE(authorities.size() == 1);
  CHECK(authorities[0].text(ids::authorities::kRdata) == "a0.org");
  const auto additionals = f.objects(ids::kAdditionals);
  REQUIRE(additionals.size() == 1);
  CHECK(additionals[0].has(ids::additionals::kRrname));
  CHECK(additionals[0].text(ids::additionals::kRrname).empty());
  const auto options = additionals[0].objects(ids::additionals::kOpt);
  REQUIRE(options.size() == 1);
  CHECK(options[0].number(ids::additionals::opt::kCode) == 10);
  CHECK(options[0].text(ids::additionals::opt::kData) == "\xca\xfe");
  CHECK(anomalies_of(run.log()).empty());
}

TEST_CASE("dns: keeps what was read before the damage and names it") {
  struct Case {
    const char* what;
    DnsBuilder message;
    size_t n_answers;
    uint64_t anomaly;
  };
  DnsBuilder cut_answer = answer(kA, {192, 0, 2, 1});
  cut_answer.count(DnsBuilder::kAnswers, 1).raw({0, 0, 1});
  DnsBuilder authorities = answer(kA, {192, 0, 2, 1});
  authorities.count(DnsBuilder::kAuthorities, 1).raw({0xff});
  DnsBuilder additionals = answer(kA, {192, 0, 2, 1});
  additionals.count(DnsBuilder::kAdditionals, 1);
  DnsBuilder loop = answer(kCname, DnsBuilder::pointer(kFirstName + 17 + 4 + 12));
  DnsBuilder forward = answer(kCname, DnsBuilder::pointer(0x3fff));
  const Case cases[] = {
      {"an answer is cut", cut_answer, 1, code::kDnsMalformedData},
      {"authorities", authorities, 1, code::kDnsInvalidAuthorities},
      {"additionals", additionals, 1, code::kDnsInvalidAdditionals},
      {"a pointer to itself", loop, 1, code::kDnsInfiniteLoop},
      {"a pointer forward", forward, 1, code::kDnsInfiniteLoop},
      {"a SOA without numbers", answer(kSoa, {0, 0}), 1, code::kDnsMalformedData},
      {"a TXT without string", answer(kTxt, {}), 0, code::kDnsMalformedData},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.what));
    ParserRun run = udp();
    CHECK(run.feed(c.message.bytes(), false) == Answer::kAccept);
    REQUIRE(run.log().of(event::kDns).size() == 1);
    CHECK(run.log().of(event::kDns)[0].objects(ids::kAnswers).size() == c.n_answers);
    CHECK(anomalies_of(run.log()) == std::vector<uint64_t>{c.anomaly});
  }
}

TEST_CASE("dns: does not blame the sender for what the snap length cut") {
  const Raw whole = answer(kA, {192, 0, 2, 1}).bytes();
  const Raw cut(whole.begin(), whole.end() - 6);
  ParserRun run = udp();
  CHECK(run.feed(cut, false, 6) == Answer::kAccept);
  REQUIRE(run.log().events.size() == 1);
  CHECK(run.log().events[0].truncations == 1);
  CHECK(run.log().events[0].fields.objects(ids::kQueries).size() == 1);
  CHECK_FALSE(run.log().events[0].fields.has(ids::kAnswers));
}

TEST_CASE("dns: names directions that do not fit") {
  ParserRun run = udp();
  run.feed(answer(kA, {192, 0, 2, 1}).bytes(), true);
  run.feed(query(), false);
  CHECK(anomalies_of(run.log()) ==
        std::vector<uint64_t>{code::kDnsNotRequest, code::kDnsNotResponse});
}

TEST_CASE("dns: cuts a name that is too long, and a chain that is too deep") {
  std::string name;
  for (int i = 0; i < 20; ++i) name += std::string(60, 'x') + '.';
  name.pop_back();
  ParserRun run = udp();
  run.feed(query(name));
  CHECK(run.log().of(event::kDns).at(0).objects(ids::kQueries).at(0).text(ids::queries::kRrname) ==
        name.substr(0, 1025));
  CHECK(anomalies_of(run.log()) == std::vector<uint64_t>{code::kDnsNameTooLong});

  // 300 pointers, each to the one before it.
  DnsBuilder b(1, kResponse);
  b.question("x", kA);
  Raw chain = DnsBuilder::pointer(kFirstName);
  const size_t start = b.size() + 11;
  for (size_t i = 0; i < 300; ++i) chain = chain + DnsBuilder::pointer(start + 2 * i);
  b.record(DnsBuilder::kAnswers, {0}, kNull, 0, chain);
  b.record(DnsBuilder::kAnswers, DnsBuilder::pointer(start + 600), kA, 0, {1, 2, 3, 4});
  ParserRun deep = udp();
  deep.feed(b.bytes(), false);
  CHECK(deep.log().of(event::kDns).at(0).objects(ids::kAnswers).size() == 2);
  CHECK(anomalies_of(deep.log()) == std::vector<uint64_t>{code::kDnsTooManyLabels});
}

TEST_CASE("dns: bounds the event of a message that unpacks to much") {
  DnsBuilder b(1, kResponse);
  std::string name;
  for (int i = 0; i < 16; ++i) name += std::string(60, 'a' + static_cast<char>(i)) + '.';
  b.question(name, kA);
  for (int i = 0; i < 4000; ++i) {
    b.record(DnsBuilder::kAnswers, DnsBuilder::pointer(kFirstName), kA, 0, {1, 2, 3, 4});
  }
  ParserRun run = tcp();
  CHECK(run.feed(b.framed(), false) == Answer::kAccept);
  REQUIRE(run.log().events.size() == 1);
  const Event& e = run.log().events[0];
  CHECK(e.truncations > 0);
  CHECK(e.fields.well_formed());
  const auto answers = e.fields.objects(ids::kAnswers);
  CHECK(answers.size() > 20);
  for (const Fields& f : answers) CHECK(f.text(ids::answers::kRdata) == "1.2.3.4");
}

// A response with one record of every kind that is read, and names that point at each other.
DnsBuilder rich_response() {
  const Raw owner = DnsBuilder::pointer(kFirstName);
  DnsBuilder b(9, kResponse);
  b.question("www.example.org", kA);
  b.record(DnsBuilder::kAnswers, owner, kCname, 1, Raw{1, 'a'} + DnsBuilder::pointer(16));
  b.record(DnsBuilder::kAnswers, owner, kA, 1, {192, 0, 2, 1});
  b.record(DnsBuilder::kAnswers, owner, kAaaa, 1, Raw(16, 1));
  b.record(DnsBuilder::kAnswers, owner, kMx, 1, Raw{0, 1} + owner);
  b.record(DnsBuilder::kAnswers, owner, kTxt, 1, {1, 'a', 2, 'b', 'c'});
  b.record(DnsBuilder::kAnswers, owner, kSrv, 1, Raw(6, 1) + owner);
  b.record(DnsBuilder::kAnswers, owner, kSshfp, 1, {1, 1, 2, 3});
  b.record(DnsBuilder::kAnswers, owner, kNull, 1, {1, 2, 3});
  b.record(DnsBuilder::kAuthorities, owner, kSoa, 1, owner + owner + Raw(20, 1));
  b.record(DnsBuilder::kAdditionals, {0}, kOpt, 1, {0, 10, 0, 2, 1, 2});
  return b;
}

TEST_CASE("dns: survives every truncation and every changed byte") {
  const Raw message = rich_response().bytes();
  CHECK(answers_of(message).size() == 9);
  mangle_parser({AppId::kDns, Transport::kUdp, 53, false, message});
  mangle_parser({AppId::kDns, Transport::kUdp, 9999, false, message});
  mangle_parser({AppId::kDns, Transport::kTcp, 53, false, rich_response().framed()});
}

TEST_CASE("dns: rejects what is not DNS") {
  std::mt19937 random(1);
  int likely = 0;
  for (int i = 0; i < 200000; ++i) {
    Raw noise(12 + random() % 80);
    for (uint8_t& byte : noise) byte = static_cast<uint8_t>(random());
    likely += udp().probe(noise) != Likelihood::kNo;
    likely += udp(9999).probe(noise) != Likelihood::kNo;
  }
  CHECK(likely == 0);
  CHECK(udp().probe(Raw(64, 0)) == Likelihood::kNo);
  CHECK(udp().probe(Raw(11, 1)) == Likelihood::kNo);
  CHECK(udp().feed(Raw(64, 0xff)) == Answer::kReject);
  CHECK(tcp().probe({'G', 'E', 'T', ' ', '/', ' ', 'H', 'T', 'T', 'P'}) != Likelihood::kLikely);
  CHECK(tcp().feed(Raw(4000, 'x')) == Answer::kReject);
}

TEST_CASE("dns: is found on other ports only when every byte makes sense") {
  CHECK(udp(9999).probe(query()) == Likelihood::kLikely);
  CHECK(udp(9999).probe(answer(kA, {192, 0, 2, 1}).bytes(), false) == Likelihood::kLikely);
  CHECK(udp(9999).probe(query() + Raw{0}) == Likelihood::kNo);
  CHECK(udp(9999).probe(query("with space.org")) == Likelihood::kNo);
  CHECK(udp(9999).probe(query("www.example.org", 12345)) == Likelihood::kNo);
  CHECK(tcp(9999).probe(DnsBuilder(1, kRequest).question("a.b", kA).framed()) ==
        Likelihood::kLikely);
}

TEST_CASE("dns: leaves multicast DNS, LLMNR and NetBIOS names to others") {
  for (const uint16_t port : {137, 5353, 5355}) CHECK(udp(port).probe(query()) == Likelihood::kNo);
}

TEST_CASE("dns: knows records without a question on its port, when they are whole") {
  DnsBuilder inverse(1, 1 << 11);
  inverse.record(DnsBuilder::kAnswers, {0}, kA, 0, {192, 0, 2, 1});
  CHECK(udp().probe(inverse.bytes()) == Likelihood::kLikely);
  CHECK(udp().probe(inverse.bytes() + Raw{0}) == Likelihood::kNo);
  CHECK(udp(9999).probe(inverse.bytes()) == Likelihood::kNo);
}

TEST_CASE("dns: the record of an inverse query is what it asks for") {
  const auto inverse = [](uint16_t flags, const Raw& name) {
    DnsBuilder message(1, flags);
    message.record(DnsBuilder::kAnswers, name, kA, 0, {});
    ParserRun run = udp();
    run.feed(message.bytes(), (flags & 0x8000) == 0);
    return run.log().of(event::kDns).at(0).objects(ids::kQueries);
  };
  const auto queries = inverse(1 << 11, DnsBuilder::name("192.0.2.1"));
  REQUIRE(queries.size() == 1);
  CHECK(queries[0].text(ids::queries::kRrname) == "192.0.2.1");
  CHECK(queries[0].number(ids::queries::kRrtype) == kA);
  CHECK(inverse(1 << 11, {0}).empty());
  CHECK(inverse(0x8000 | 1 << 11, DnsBuilder::name("192.0.2.1")).empty());
}

TEST_CASE("dns: knows a bare error on its port") {
  CHECK(udp().probe(DnsBuilder(1, 0x8181).bytes(), false) == Likelihood::kLikely);
  CHECK(udp().probe(DnsBuilder(1, 0x8180).bytes(), false) == Likelihood::kNo);
}

TEST_CASE("dns over TCP: reads messages however segments cut them") {
  Raw stream;
  for (uint16_t i = 0; i < 5; ++i) {
    stream = stream + DnsBuilder(i, kRequest).question("host.example.org", kA).framed();
  }
  for (size_t step = 1; step <= stream.size(); ++step) {
    CAPTURE(step);
    ParserRun run = tcp();
    Answer last = Answer::kReject;
    for (size_t at = 0; at < stream.size(); at += step) {
      last = run.feed(Raw(stream.begin() + static_cast<long>(at),
                          stream.begin() + static_cast<long>(std::min(at + step, stream.size()))));
    }
    CHECK(last == Answer::kAccept);
    const auto events = run.log().of(event::kDns);
    REQUIRE(events.size() == 5);
    for (uint16_t i = 0; i < 5; ++i) CHECK(events[i].number(ids::kId) == i);
  }
}

TEST_CASE("dns over TCP: keeps the directions apart") {
  const Raw request = DnsBuilder(1, kRequest).question("a.org", kA).framed();
  const Raw response = answer(kA, {192, 0, 2, 1}).framed();
  ParserRun run = tcp();
  CHECK(run.feed(Raw(request.begin(), request.begin() + 5), true) == Answer::kNeedMore);
  CHECK(run.feed(Raw(response.begin(), response.begin() + 30), false) == Answer::kNeedMore);
  CHECK(run.feed(Raw(request.begin() + 5, request.end()), true) == Answer::kAccept);
  CHECK(run.feed(Raw(response.begin() + 30, response.end()), false) == Answer::kAccept);
  const auto events = run.log().of(event::kDns);
  REQUIRE(events.size() == 2);
  CHECK(events[0].text(ids::kType) == "request");
  CHECK(events[1].objects(ids::kAnswers).at(0).text(ids::answers::kRdata) == "192.0.2.1");
}

TEST_CASE("dns over TCP: reads the start of a cut message that is larger than its buffer") {
  DnsBuilder large(1, kResponse);
  large.question("x.org", kTxt);
  for (int i = 0; i < 300; ++i) {
    large.record(DnsBuilder::kAnswers, DnsBuilder::pointer(kFirstName), kA, 1, {1, 2, 3, 4});
  }
  const Raw stream = large.framed() + DnsBuilder(2, kResponse).question("y.org", kA).framed();
  ParserRun run = tcp();
  for (size_t at = 0; at < stream.size(); at += 1000) {
    run.feed(Raw(stream.begin() + static_cast<long>(at),
                 stream.begin() + static_cast<long>(std::min(at + 1000, stream.size()))),
             false);
  }
  const auto events = run.log().of(event::kDns);
  REQUIRE(events.size() == 2);
  CHECK(events[0].objects(ids::kAnswers).size() > 100);
  CHECK(run.log().events[0].truncations > 0);
  CHECK(events[1].number(ids::kId) == 2);
  CHECK(anomalies_of(run.log()).empty());
}

TEST_CASE("dns over TCP: finds its messages again after a hole") {
  const Raw request = DnsBuilder(1, kRequest).question("a.org", kA).framed();
  ParserRun run = tcp();
  CHECK(run.feed(request + Raw(request.begin(), request.begin() + 9)) == Answer::kAccept);
  CHECK(run.gap(true));
  CHECK(run.feed(Raw(50, 0xee)) == Answer::kAccept);
  CHECK(run.feed(Raw(request.begin() + 9, request.end())) == Answer::kAccept);
  CHECK(run.log().of(event::kDns).size() == 1);
  CHECK(run.feed(request + request) == Answer::kAccept);
  CHECK(run.log().of(event::kDns).size() == 3);
  CHECK(anomalies_of(run.log()).empty());
}

TEST_CASE("dns over TCP: lets go when the framing is lost") {
  ParserRun run = tcp();
  CHECK(run.feed(DnsBuilder(1, kRequest).question("a.org", kA).framed()) == Answer::kAccept);
  CHECK(run.feed(Raw(100, 0xee)) == Answer::kAccept);
  CHECK(run.feed(Raw(4000, 0xee)) == Answer::kReject);
  CHECK(anomalies_of(run.log()) == std::vector<uint64_t>{code::kDnsMalformedData});
}

}  // namespace thymus::test
