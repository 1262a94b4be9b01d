#include "base/generated/events/tls.h"

#include <string>

#include <doctest/doctest.h>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "base/generated/events/rdp.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/tls/certificate_names.h"
#include "dpi/tls/fingerprint.h"
#include "dpi/tls/hello.h"
#include "dpi/tls/x509.h"
#include "dpi/tls_builder.h"

namespace thymus::test::tls {
namespace {

namespace ids = event::tls;
namespace code = anomaly_code;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

constexpr unsigned kHandshake = 22;
constexpr unsigned kApplicationData = 23;
constexpr unsigned kHeartbeat = 24;

const Raw kGroups = extension(10, with_length(codes({0x1a1a, 29, 23}), 2));
const Raw kFormats = extension(11, {1, 0});
const Raw kAlgorithms = extension(13, with_length(codes({0x0403}), 2));
const Raw kVersions13 = extension(43, with_length(codes({0x0a0a, 0x0304, 0x0303}), 1));
const Raw kDone = message(14, {});

ParserRun tcp(uint16_t port = 443) { return {AppId::kTls, Transport::kTcp, 40000, port}; }

HelloParts usual_hello() {
  HelloParts parts;
  parts.ciphers = {0x1a1a, 0x1301, 0xc02f};
  parts.extensions = extension(0x2a2a, {}) + server_name("www.example.org") + kGroups + kFormats +
                     alpn({"h2", "http/1.1"});
  return parts;
}

Raw client_hello(const HelloParts& parts = usual_hello()) {
  return record(kHandshake, message(1, client_hello_body(parts)), 0x0301);
}

Raw server_hello(unsigned version = 0x0303,
                 const Raw& extensions = extension(0xff01, {0}) + alpn({"h2"})) {
  return message(2, server_hello_body(version, 0xc02f, extensions));
}

// A whole first flight of a server that speaks TLS 1.2.
Raw server_flight() {
  return record(kHandshake, server_hello()) +
         record(kHandshake, certificate_message({certificate_der(), certificate_der()})) +
         record(kHandshake, message(12, Raw(300, 7)) + kDone);
}

const Raw kSmtpUtf8Mailbox = {0x2b, 6, 1, 5, 5, 7, 8, 9};

// Of an authority whose names are constrained by one of GeneralName's forms, and of a mailbox.
CertificateParts constrained_certificate(unsigned tag, const std::string& name, unsigned subtrees) {
  const Raw base = der(0x30, der(tag, raw(name)));
  CertificateParts parts;
  parts.other_names =
      der(0xa0, der(0x06, kSmtpUtf8Mailbox) + der(0xa0, der(0x0c, raw("user@example.org"))));
  parts.extensions = der(0x30, der(0x06, {0x55, 0x1d, 0x1e}) + der(0x01, {0xff}) +
                                   der(0x04, der(0x30, der(subtrees, base))));
  return parts;
}

std::vector<uint64_t> anomalies_of(const EventLog& log) {
  std::vector<uint64_t> found;
  for (const Fields& f : log.of(event::kAnomaly)) found.push_back(f.number(event::anomaly::kCode));
  return found;
}

Fields only_event(const ParserRun& run) {
  const auto events = run.log().of(event::kTls);
  REQUIRE(events.size() == 1);
  return events[0];
}

dpi::tls::ClientHello hello_of(const Raw& body) {
  dpi::tls::ClientHello hello;
  REQUIRE(dpi::tls::read_client_hello(Bytes(body), false, &hello));
  return hello;
}

std::string ja4_of(const Raw& body) {
  dpi::tls::Ja4 ja4;
  REQUIRE(dpi::tls::make_ja4(hello_of(body), dpi::tls::Ja4Transport::kTcp, &ja4));
  return std::string(ja4.view());
}

}  // namespace

TEST_CASE("tls: a handshake gives one event when the server is done") {
  ParserRun run = tcp();
  CHECK(run.probe(client_hello()) == Likelihood::kLikely);
  CHECK(run.feed(client_hello()) == Answer::kAccept);
  CHECK(run.log().events.empty());
  CHECK(run.feed(server_flight(), false) == Answer::kAccept);
  const Fields e = only_event(run);
  CHECK(e.text(ids::kSni) == "www.example.org");
  CHECK(e.text(ids::kVersion) == "TLS 1.2");
  CHECK(e.text(ids::kSubject) == "O=Example, Inc., CN=www.example.org");
  CHECK(e.text(ids::kIssuerdn) == "C=AT, CN=Test CA");
  CHECK(e.text(ids::kSerial) == "01:AB");
  CHECK(e.text(ids::kFingerprint).size() == 59);
  CHECK(e.text(ids::kNotbefore) == "2026-01-02T03:04:05");
  CHECK(e.text(ids::kNotafter) == "2051-01-02T03:04:05");
  CHECK(e.all(ids::kSubjectaltname) ==
        std::vector<Raw>{raw("www.example.org"), raw("example.org"), raw("10.0.0.1")});
  CHECK(e.all(ids::kClientAlpns) == std::vector<Raw>{raw("h2"), raw("http/1.1")});
  CHECK(e.text(ids::kServerAlpns) == "h2");
  CHECK(e.number(ids::kCipherSuite) == 0xc02f);
  CHECK(e.number(ids::kChainLength) == 2);
  CHECK(e.number(ids::kSessionResumed) == 0);
  CHECK_FALSE(e.has(ids::kFromProto));
  const Fields ja3 = e.objects(ids::kJa3).at(0);
  CHECK(ja3.text(ids::ja3::kString) == "771,4865-49199,0-10-11-16,29-23,0");
  CHECK(ja3.text(ids::ja3::kHash) == "314abbbcca48548317336aed70894d82");
  const Fields ja3s = e.objects(ids::kJa3s).at(0);
  CHECK(ja3s.text(ids::ja3s::kString) == "771,49199,65281-16");
  CHECK(ja3s.text(ids::ja3s::kHash) == "7bee5c1d424b7e5f943b06983bb11422");
  CHECK(e.text(ids::kJa4).starts_with("t12d0204h2_c1929292aa6b_"));
  run.end();
  CHECK(run.log().events.size() == 1);
  CHECK(run.context().facts.tls_version == 4);
  CHECK(run.context().facts.name_hash != 0);
  CHECK(run.context().facts.client_fingerprint != 0);
}

TEST_CASE("tls: any split gives the same event") {
  for (const size_t piece : {1, 2, 3, 5, 7, 64}) {
    ParserRun run = tcp();
    const auto feed = [&](const Raw& bytes, bool from_client) {
      for (size_t at = 0; at < bytes.size(); at += piece) {
        const size_t n = std::min(piece, bytes.size() - at);
        run.feed_span(Bytes(bytes).subspan(at, n), from_client);
      }
    };
    feed(client_hello(), true);
    feed(server_flight(), false);
    const Fields e = only_event(run);
    CHECK(e.text(ids::kSni) == "www.example.org");
    CHECK(e.text(ids::kSubject) == "O=Example, Inc., CN=www.example.org");
    CHECK(e.number(ids::kChainLength) == 2);
  }
}

TEST_CASE("tls: a hello in several records is one hello") {
  const Raw whole = message(1, client_hello_body(usual_hello()));
  Raw records;
  for (size_t at = 0; at < whole.size(); at += 10) {
    const size_t end = std::min(at + 10, whole.size());
    records = records + record(kHandshake, Raw(whole.begin() + static_cast<std::ptrdiff_t>(at),
                                               whole.begin() + static_cast<std::ptrdiff_t>(end)));
  }
  ParserRun run = tcp();
  run.feed(records);
  run.end();
  CHECK(only_event(run).text(ids::kSni) == "www.example.org");
}

TEST_CASE("tls: in 1.3 the ServerHello completes the event") {
  HelloParts parts = usual_hello();
  parts.extensions = parts.extensions + kVersions13 + kAlgorithms + extension(0xfe0d, Raw(20, 1));
  ParserRun run = tcp();
  run.feed(client_hello(parts));
  const Raw key = extension(51, Raw(36, 3));
  Raw retry = server_hello(0x0303, extension(43, {3, 4}));
  constexpr uint8_t kRandom[] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
  std::copy(std::begin(kRandom), std::end(kRandom), retry.begin() + 6);
  run.feed(record(kHandshake, retry), false);
  CHECK(run.log().events.empty());
  run.feed(client_hello(parts));
  run.feed(record(kHandshake, server_hello(0x0303, key + extension(43, {3, 4}))), false);
  const Fields e = only_event(run);
  CHECK(e.text(ids::kVersion) == "TLS 1.3");
  CHECK(e.text(ids::kJa4).starts_with("t13d0207h2_"));
  CHECK(e.number(ids::kEch) == 1);
  CHECK(e.objects(ids::kJa3s).at(0).text(ids::ja3s::kString) == "771,49199,51-43");
  CHECK(run.context().last().facts.tls_version == 5);
  const Raw data = record(kApplicationData, Raw(40, 9));
  CHECK(run.feed(data, true) == Answer::kAccept);
  CHECK(run.feed(data, false) == Answer::kDone);
}

TEST_CASE("tls: a resumed session has no certificate") {
  ParserRun run = tcp();
  run.feed(client_hello());
  run.feed(record(kHandshake, server_hello()) + record(20, {1}) + record(kHandshake, Raw(40, 0xee)),
           false);
  const Fields e = only_event(run);
  CHECK(e.number(ids::kSessionResumed) == 1);
  CHECK_FALSE(e.has(ids::kSubject));
}

TEST_CASE("tls: a certificate that is asked of the client is waited for") {
  ParserRun run = tcp();
  run.feed(client_hello());
  run.feed(record(kHandshake, server_hello() + certificate_message({certificate_der()}) +
                                  message(13, Raw(20, 1)) + kDone),
           false);
  CHECK(run.log().events.empty());
  CertificateParts client;
  client.subject = name_attribute({0x55, 4, 3}, "a client");
  run.feed(record(kHandshake, certificate_message({certificate_der(client)})));
  const Fields e = only_event(run);
  CHECK(e.objects(ids::kClient).at(0).text(ids::client::kSubject) == "CN=a client");
  CHECK(e.text(ids::kSubject) == "O=Example, Inc., CN=www.example.org");
}

TEST_CASE("tls: what was never answered is reported at the end") {
  ParserRun run = tcp();
  run.feed(client_hello());
  run.end();
  const Fields e = only_event(run);
  CHECK(e.text(ids::kVersion) == "TLS 1.2");
  CHECK_FALSE(e.has(ids::kJa3s));
}

TEST_CASE("tls: a fatal alert ends the handshake") {
  ParserRun run = tcp();
  run.feed(client_hello());
  run.feed(record(21, {2, 40}), false);
  CHECK(only_event(run).number(ids::kAlert) == 40);
}

TEST_CASE("tls: the client may be the responder, when the start was missed") {
  ParserRun run = tcp();
  run.feed(client_hello(), false);
  run.feed(server_flight(), true);
  CHECK(only_event(run).text(ids::kSubject) == "O=Example, Inc., CN=www.example.org");
}

TEST_CASE("tls: after a hand-over the event names the protocol that began") {
  ParserRun run = tcp(25);
  run.context().flow_app = AppId::kSmtp;
  run.feed(client_hello());
  run.context().flow_app = AppId::kTls;
  run.feed(server_flight(), false);
  CHECK(only_event(run).text(ids::kFromProto) == "smtp");
}

TEST_CASE("tls: in a remote desktop session the certificate is a step of that, too") {
  ParserRun run = tcp(3389);
  run.context().flow_app = AppId::kRdp;
  run.feed(client_hello());
  run.feed(server_flight(), false);
  CHECK(run.log().of(event::kTls).size() == 1);
  const Fields step = run.log().of(event::kRdp).at(0);
  CHECK(step.text(event::rdp::kEventType) == "tls_handshake");
  CHECK(step.text(event::rdp::kX509Serials) == "1ab");
}

TEST_CASE("tls: after a hole records are found again") {
  ParserRun run = tcp();
  run.feed(client_hello());
  CHECK(run.gap(false));
  CHECK(run.feed(Raw(100, 0x99), false) == Answer::kAccept);
  CHECK(run.feed(record(kHandshake, certificate_message({certificate_der()}) + kDone), false) ==
        Answer::kAccept);
  CHECK(only_event(run).text(ids::kIssuerdn) == "C=AT, CN=Test CA");
}

TEST_CASE("tls: SSL 2.0 hellos are read") {
  const Raw body = Raw{1, 3, 1} + codes({6, 0, 16}) + Raw{7, 0, 0xc0, 0, 0, 5} + Raw(16, 0x11);
  const Raw hello = codes({0x8000u | static_cast<unsigned>(body.size())}) + body;
  ParserRun run = tcp();
  CHECK(run.probe(hello) == Likelihood::kLikely);
  CHECK(run.feed(hello) == Answer::kAccept);
  SUBCASE("a server of SSL 3.x answers in records") {
    run.feed(server_flight(), false);
    CHECK(only_event(run).text(ids::kVersion) == "TLS 1.2");
  }
  SUBCASE("a server of SSL 2.0 sends its certificate") {
    const Raw certificate = certificate_der();
    const Raw answer = Raw{4, 0, 1} + codes({2, static_cast<unsigned>(certificate.size()), 3, 16}) +
                       certificate + Raw{7, 0, 0xc0} + Raw(16, 1);
    CHECK(run.feed(codes({0x8000u | static_cast<unsigned>(answer.size())}) + answer, false) ==
          Answer::kDone);
    const Fields e = only_event(run);
    CHECK(e.text(ids::kVersion) == "SSLv2");
    CHECK(e.text(ids::kIssuerdn) == "C=AT, CN=Test CA");
  }
  SUBCASE("without an answer its own version is shown") {
    run.end();
    CHECK(only_event(run).text(ids::kVersion) == "TLSv1");
  }
}

TEST_CASE("tls: anomalies are named") {
  ParserRun run = tcp();
  SUBCASE("heartbeat that asks for too much") {
    run.feed(client_hello());
    run.feed(record(kHeartbeat, {1, 0x40, 0}));
    CHECK(anomalies_of(run.log()) ==
          std::vector<uint64_t>{code::kTlsHeartbeatMessage, code::kTlsOverflowHeartbeatMessage});
  }
  SUBCASE("heartbeat that brings back more than was sent") {
    run.feed(client_hello());
    run.feed(server_flight(), false);
    run.feed(record(20, {1}));
    run.feed(record(kHeartbeat, Raw(60, 1)));
    run.feed(record(kHeartbeat, Raw(9000, 1)), false);
    CHECK(anomalies_of(run.log()) == std::vector<uint64_t>{code::kTlsDataleakHeartbeatMismatch});
  }
  SUBCASE("heartbeats of one side may grow, as those that look for the path's limit do") {
    run.feed(client_hello());
    run.feed(server_flight(), false);
    run.feed(record(20, {1}));
    for (const size_t size : {60, 500, 1400}) run.feed(record(kHeartbeat, Raw(size, 1)));
    run.feed(record(kHeartbeat, Raw(1400, 1)), false);
    run.feed(record(kHeartbeat, Raw(9000, 1)), false);
    run.feed(record(kHeartbeat, Raw(9000, 1)));
    CHECK(anomalies_of(run.log()).empty());
  }
  SUBCASE("two server names") {
    HelloParts parts;
    parts.extensions = server_name("a.example") + server_name("b.example");
    run.feed(client_hello(parts));
    CHECK(anomalies_of(run.log()) == std::vector<uint64_t>{code::kTlsMultipleSniExtensions});
  }
  SUBCASE("a record of no version") {
    run.feed(client_hello());
    CHECK(run.feed(record(kHandshake, Raw(20, 1), 0x0909)) == Answer::kReject);
    CHECK(anomalies_of(run.log()) == std::vector<uint64_t>{code::kTlsInvalidRecordVersion});
    CHECK(run.log().of(event::kTls).size() == 1);
  }
  SUBCASE("a certificate that is none") {
    run.feed(client_hello());
    run.feed(record(kHandshake, server_hello() + certificate_message({raw("nonsense")}) + kDone),
             false);
    CHECK(anomalies_of(run.log()) == std::vector<uint64_t>{code::kTlsInvalidCertificate});
    CHECK_FALSE(only_event(run).has(ids::kSubject));
  }
}

TEST_CASE("tls: what is not TLS is not taken") {
  ParserRun run = tcp(9999);
  CHECK(run.probe(raw("GET / HTTP/1.1\r\n")) == Likelihood::kNo);
  CHECK(run.probe({0x16, 3, 1, 0, 4, 9, 0, 0, 0}) == Likelihood::kNo);
  CHECK(run.probe({0x17, 3, 3, 0, 1, 9}) == Likelihood::kNo);
  CHECK(run.probe({0x80, 0x2e, 1, 3, 1, 0, 5, 0, 0, 0, 16}) == Likelihood::kNo);
  CHECK(run.probe(record(kApplicationData, Raw(40, 1))) == Likelihood::kLikely);
  CHECK(run.feed(raw("SSH-2.0-x\r\n")) == Answer::kReject);
  CHECK(run.log().events.empty());
}

// The hello and the values are the example in the specification of JA4.
TEST_CASE("tls: JA4 is that of its specification") {
  HelloParts parts;
  parts.ciphers = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9,
                   0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035};
  const Raw algorithms = codes({0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601});
  for (const unsigned type : {0x001b, 0x0033, 0x4469, 0x0017, 0x002d, 0x0005, 0x0023, 0x0012,
                              0xff01, 0x000b, 0x000a, 0x0015}) {
    parts.extensions = parts.extensions + extension(type, {});
  }
  parts.extensions = parts.extensions + server_name("example.org") + alpn({"h2"}) + kVersions13 +
                     extension(13, with_length(algorithms, 2));
  CHECK(ja4_of(client_hello_body(parts)) == "t13d1516h2_8daaf6152771_e5627efa2ab1");
}

TEST_CASE("tls: JA4 of hellos at the edges") {
  HelloParts parts;
  parts.has_extensions = false;
  parts.ciphers = {};
  CHECK(ja4_of(client_hello_body(parts)) == "t12i000000_000000000000_000000000000");
  parts.has_extensions = true;
  parts.extensions = alpn({"\xab\xcd"});
  CHECK(ja4_of(client_hello_body(parts)).substr(4, 6) == "0001ad");
  parts.extensions = alpn({"x"});
  CHECK(ja4_of(client_hello_body(parts)).substr(4, 6) == "0001xx");
  for (unsigned i = 0; i < 120; ++i) parts.extensions = parts.extensions + extension(1000 + i, {});
  CHECK(ja4_of(client_hello_body(parts)).substr(4, 4) == "0099");
  parts.ciphers.assign(1000, 0xc02f);
  dpi::tls::Ja4 ja4;
  const Raw body = client_hello_body(parts);
  CHECK_FALSE(dpi::tls::make_ja4(hello_of(body), dpi::tls::Ja4Transport::kTcp, &ja4));
}

TEST_CASE("tls: a JA3 text that is too long keeps its hash") {
  HelloParts parts;
  parts.ciphers.assign(2000, 0xc02f);
  ParserRun run = tcp();
  run.feed(client_hello(parts));
  run.end();
  const Fields ja3 = only_event(run).objects(ids::kJa3).at(0);
  CHECK(ja3.text(ids::ja3::kHash).size() == 32);
  CHECK_FALSE(ja3.has(ids::ja3::kString));
  CHECK(run.log().events.at(0).truncations > 0);
}

TEST_CASE("x509: times") {
  std::array<char, 19> room;
  const auto text = [&](std::string_view t, bool has_century) {
    return std::string(dpi::tls::time_text(as_bytes(t), has_century, &room));
  };
  CHECK(text("690102030405Z", false) == "1969-01-02T03:04:05");
  CHECK(text("490102030405Z", false) == "2049-01-02T03:04:05");
  CHECK(text("4901020304Z", false) == "2049-01-02T03:04:00");
  CHECK(text("20510102030405Z", true) == "2051-01-02T03:04:05");
  CHECK(text("20510102030405", true).empty());
  CHECK(text("2051", true).empty());
  CHECK(text("", false).empty());
}

TEST_CASE("x509: names") {
  char room[64];
  const auto text = [&](const Raw& name) {
    return std::string(dpi::tls::name_text(Bytes(name), room));
  };
  CHECK(text(name_attribute({0x2a, 0x03, 0x84, 0x01}, "x")) == "1.2.3.513=x");
  CHECK(text(name_attribute({0x55, 4, 3}, std::string_view("\0a\1\x7e", 4), 0x1e)) == "CN=až");
  CHECK(text(name_attribute({0x55, 4, 3}, std::string(100, 'y'))).size() == 64);
  CHECK(text(der(0x31, der(0x30, der(0x06, {0x55, 4, 3}) + der(0x0c, raw("a"))) +
                           der(0x30, der(0x06, {0x55, 4, 11}) + der(0x0c, raw("b"))))) ==
        "CN=a + OU=b");
}

TEST_CASE("x509: names in Punycode that are longer than names are") {
  const std::string label = "xn--" + std::string(60, 'a');
  const std::string within = label.substr(0, 63);
  std::string many;
  while (many.size() <= 253) many += "xn--a.";
  const auto is_overlong = [](const CertificateParts& parts) {
    return dpi::tls::has_overlong_punycode(Bytes(certificate_der(parts)));
  };
  const auto constrained = [&](unsigned tag, const std::string& name, unsigned subtrees = 0xa0) {
    return is_overlong(constrained_certificate(tag, name, subtrees));
  };
  const auto other = [&](const Raw& oid, const std::string& mailbox) {
    CertificateParts parts;
    parts.other_names = der(0xa0, der(0x06, oid) + der(0xa0, der(0x0c, raw(mailbox))));
    return is_overlong(parts);
  };
  CHECK(constrained(0x81, label));
  CHECK(constrained(0x81, "user@" + label + ".example"));
  CHECK(constrained(0x82, "." + label, 0xa1));
  CHECK(constrained(0x82, "XN--" + std::string(600, 'b')));
  CHECK(constrained(0x81, many));
  CHECK(constrained(0x81, label + "a@example.org"));
  CHECK(constrained(0x81, many + "@example.org"));
  CHECK(other(kSmtpUtf8Mailbox, "user@" + label));
  CertificateParts owner;
  owner.names = {"example.org", label + ".example.org"};
  CHECK(is_overlong(owner));

  CHECK_FALSE(is_overlong({}));
  CHECK_FALSE(constrained(0x81, "example", 0xa1));
  CHECK_FALSE(constrained(0x81, within + "." + within + ".example"));
  CHECK_FALSE(constrained(0x82, std::string(64, 'a') + ".example"));
  CHECK_FALSE(constrained(0x82, std::string(300, 'a')));
  CHECK_FALSE(constrained(0x86, label));
  CHECK_FALSE(constrained(0x81, label + "@example.org"));
  CHECK_FALSE(constrained(0x81, "user@" + within + ".example"));
  CHECK_FALSE(other(kSmtpUtf8Mailbox, "user@example.org"));
  CHECK_FALSE(other({0x2a, 3}, "user@" + label));
}

TEST_CASE("tls: a chain with an overlong name in Punycode is told once, of whoever sent it") {
  const Raw bad =
      certificate_der(constrained_certificate(0x81, "xn--" + std::string(600, 'a'), 0xa0));
  const Raw chain = certificate_message({certificate_der(), bad});
  const std::vector<uint64_t> told{code::kTlsOverlongPunycode};
  ParserRun run = tcp();
  run.feed(client_hello());
  SUBCASE("by the server") {
    run.feed(record(kHandshake, server_hello() + chain + chain + kDone), false);
    CHECK(anomalies_of(run.log()) == told);
    CHECK(only_event(run).number(ids::kChainLength) == 2);
  }
  SUBCASE("by the client") {
    run.feed(record(kHandshake, server_hello() + certificate_message({certificate_der()}) +
                                    message(13, {0, 0, 0, 0}) + kDone),
             false);
    run.feed(record(kHandshake, chain));
    CHECK(anomalies_of(run.log()) == told);
  }
}

TEST_CASE("x509: every damaged certificate is survived") {
  const Raw sample = certificate_der(constrained_certificate(0x81, "xn--a.example", 0xa0));
  mangle(Bytes(sample), [](Bytes bytes) {
    dpi::tls::has_overlong_punycode(bytes);
    dpi::tls::Certificate certificate;
    dpi::tls::read_certificate(bytes, &certificate);
    char room[32];
    dpi::tls::name_text(certificate.subject, room);
  });
}

TEST_CASE("tls: every damaged hello is survived") {
  mangle_parser({AppId::kTls, Transport::kTcp, 443, true, client_hello()});
  CertificateParts small;
  small.names.clear();
  mangle_parser(
      {AppId::kTls, Transport::kTcp, 443, false,
       record(kHandshake, server_hello() + certificate_message({certificate_der(small)}) + kDone)});
  const Raw body = Raw{1, 0, 2} + codes({3, 0, 16}) + Raw{7, 0, 0xc0} + Raw(16, 0x11);
  mangle_parser({AppId::kTls, Transport::kTcp, 443, true,
                 codes({0x8000u | static_cast<unsigned>(body.size())}) + body});
}

}  // namespace thymus::test::tls
