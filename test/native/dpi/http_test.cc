#include "base/generated/events/http.h"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <zlib.h>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "base/generated/events/fileinfo.h"
#include "dpi/http/head.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"

namespace thymus::test {
namespace {

namespace ids = event::http;
namespace info = event::fileinfo;
namespace code = anomaly_code;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;
using Raw = std::vector<uint8_t>;

Raw raw(std::string_view text) { return {text.begin(), text.end()}; }
ParserRun http(uint16_t port = 80) { return {AppId::kHttp, Transport::kTcp, 40000, port}; }

const std::string kGet =
    "GET /a/b?c=d HTTP/1.1\r\nHost: WWW.Example.org:8080\r\nUser-Agent: x\r\n\r\n";

struct Said {
  bool by_client;
  std::string text;
};

// What a dialogue gives, cut into pieces of `step` bytes.
EventLog talk(const std::vector<Said>& dialogue, size_t step = ~size_t{0}) {
  ParserRun run = http();
  for (const Said& said : dialogue) {
    for (size_t at = 0; at < said.text.size(); at += std::min(step, said.text.size() - at)) {
      run.feed(raw(std::string_view(said.text).substr(at, step)), said.by_client);
    }
  }
  run.end();
  return run.log();
}

// The one file of a response with these fields and body.
Fields file_of(const std::string& fields, const std::string& body, size_t step = ~size_t{0}) {
  const EventLog log =
      talk({{true, kGet}, {false, "HTTP/1.1 200 OK\r\n" + fields + "\r\n" + body}}, step);
  const auto files = log.of(event::kFileinfo);
  REQUIRE(files.size() == 1);
  CHECK(log.of(event::kHttp).size() == 1);
  return files[0];
}

std::string compressed(std::string_view text, int bits) {
  z_stream z{};
  REQUIRE(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

std::string gzip(std::string_view text) { return compressed(text, 15 + 16); }

std::string counted(const std::string& fields, const std::string& body) {
  return fields + "Content-Length: " + std::to_string(body.size()) + "\r\n";
}

std::vector<uint64_t> anomalies_of(const EventLog& log) {
  std::vector<uint64_t> codes;
  for (const Fields& f : log.of(event::kAnomaly)) codes.push_back(f.number(event::anomaly::kCode));
  return codes;
}

TEST_CASE("http: a request and its response are one transaction of the client") {
  for (const size_t step : {size_t{1}, size_t{7}, ~size_t{0}}) {
    const EventLog log =
        talk({{true, kGet},
              {false,
               "HTTP/1.1 302 Found\r\nContent-Type: text/html; charset=x\r\nLocation: /z\r\n"
               "Content-Length: 5\r\n\r\nhello"}},
             step);
    REQUIRE(log.of(event::kHttp).size() == 1);
    const Fields f = log.of(event::kHttp)[0];
    CHECK(f.text(ids::kHostname) == "www.example.org");
    CHECK(f.number(ids::kHttpPort) == 8080);
    CHECK(f.text(ids::kUrl) == "/a/b?c=d");
    CHECK(f.text(ids::kHttpUserAgent) == "x");
    CHECK(f.text(ids::kHttpMethod) == "GET");
    CHECK(f.text(ids::kProtocol) == "HTTP/1.1");
    CHECK(f.number(ids::kStatus) == 302);
    CHECK(f.text(ids::kHttpContentType) == "text/html");
    CHECK(f.text(ids::kRedirect) == "/z");
    CHECK(f.number(ids::kLength) == 5);
    CHECK(f.number(ids::kTxId) == 0);
    REQUIRE(log.of(event::kFileinfo).size() == 1);
    const Fields file = log.of(event::kFileinfo)[0];
    CHECK(file.text(info::kFilename) == "/a/b");
    CHECK(file.number(info::kSize) == 5);
    CHECK(file.text(info::kState) == "CLOSED");
    CHECK(file.text(info::kAppProto) == "http");
    CHECK(file.objects(info::kHttp)[0].text(ids::kHostname) == "www.example.org");
    for (const Event& e : log.events) {
      CHECK(e.side == (e.type == event::kHttp ? Side::kOriginator : Side::kResponder));
    }
  }
}

TEST_CASE("http: a call of a service of a 5G core says whom it is about, as a hash") {
  const std::string path = "/nudm-sdm/v2/imsi-999700000000001/am-data?plmn-id=1";
  const EventLog log = talk({{true, "GET " + path + " HTTP/1.1\r\nHost: udm\r\n\r\n"},
                             {false, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"}});
  REQUIRE(log.of(event::kHttp).size() == 1);
  const Fields f = log.of(event::kHttp)[0];
  REQUIRE(f.objects(ids::kSbi).size() == 1);
  const Fields sbi = f.objects(ids::kSbi)[0];
  CHECK(sbi.text(ids::sbi::kService) == "nudm-sdm");
  CHECK(sbi.text(ids::sbi::kVersion) == "v2");
  CHECK(sbi.text(ids::sbi::kImsi).starts_with("hash:"));
  CHECK(sbi.text(ids::sbi::kResource) ==
        "imsi-" + sbi.text(ids::sbi::kImsi) + "/am-data?plmn-id=1");
  CHECK(f.text(ids::kUrl) == "/nudm-sdm/v2/" + sbi.text(ids::sbi::kResource));
  REQUIRE(log.of(event::kFileinfo).size() == 1);
  const std::string name = log.of(event::kFileinfo)[0].text(info::kFilename);
  CHECK(name == "/nudm-sdm/v2/imsi-" + sbi.text(ids::sbi::kImsi) + "/am-data");
}

TEST_CASE("http: other paths that begin alike are no calls of services") {
  const EventLog log = talk({{true, "GET /news-today/v2/imsi-1 HTTP/1.1\r\nHost: a\r\n\r\n"}});
  REQUIRE(log.of(event::kHttp).size() == 1);
  CHECK_FALSE(log.of(event::kHttp)[0].has(ids::kSbi));
  CHECK(log.of(event::kHttp)[0].text(ids::kUrl) == "/news-today/v2/imsi-1");
}

TEST_CASE("http: pipelined requests meet their responses in order") {
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  for (const size_t step : {size_t{1}, ~size_t{0}}) {
    const EventLog log =
        talk({{true,
               "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n"
               "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"},
              {false, ok + "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n" +
                          "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"}},
             step);
    const auto events = log.of(event::kHttp);
    REQUIRE(events.size() == 3);
    CHECK(events[1].text(ids::kUrl) == "/2");
    CHECK(events[1].number(ids::kTxId) == 1);
    CHECK(events[2].text(ids::kUrl) == "/3");
    CHECK(events[2].number(ids::kStatus) == 404);
  }
}

TEST_CASE("http: what is open at the end is written") {
  const EventLog log = talk({{true, kGet + "GET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /part"},
                             {false, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"}});
  const auto events = log.of(event::kHttp);
  REQUIRE(events.size() == 3);
  CHECK(events[0].number(ids::kStatus) == 200);
  CHECK_FALSE(events[1].has(ids::kStatus));
  CHECK(events[2].text(ids::kUrl) == "/part");
  const auto files = log.of(event::kFileinfo);
  REQUIRE(files.size() == 1);
  CHECK(files[0].text(info::kState) == "TRUNCATED");
}

TEST_CASE("http: a provisional response is none") {
  const EventLog log = talk({{true, "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"},
                             {false, "HTTP/1.1 100 Continue\r\n\r\n"},
                             {true, "abc"},
                             {false, "HTTP/1.1 201 OK\r\nContent-Length: 0\r\n\r\n"}});
  REQUIRE(log.of(event::kHttp).size() == 1);
  CHECK(log.of(event::kHttp)[0].number(ids::kStatus) == 201);
  REQUIRE(log.of(event::kFileinfo).size() == 1);
  CHECK(log.of(event::kFileinfo)[0].text(info::kFilename) == "/up");
}

TEST_CASE("http: an early response waits for its request") {
  const EventLog log = talk({{true, "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc"},
                             {false, "HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno"},
                             {true, "def"}});
  REQUIRE(log.of(event::kHttp).size() == 1);
  CHECK(log.of(event::kHttp)[0].number(ids::kStatus) == 413);
  CHECK(log.of(event::kHttp)[0].number(ids::kLength) == 2);
  CHECK(log.of(event::kFileinfo).size() == 2);
}

TEST_CASE("http: names files by their disposition") {
  CHECK(file_of("Content-Disposition: attachment; filename=\"a;b.txt\"\r\n", "x")
            .text(info::kFilename) == "a;b.txt");
  CHECK(file_of("Content-Disposition: attachment; filename=c.txt ; x=y\r\n", "x")
            .text(info::kFilename) == "c.txt");
  CHECK(file_of("Content-Disposition: attachment\rX: y\r\n", "x").text(info::kFilename) == "/a/b");
}

TEST_CASE("http: reads chunks as leniently as browsers") {
  const std::string fields = "Transfer-Encoding:\r\n chunked\r\n";
  for (const size_t step : {size_t{1}, ~size_t{0}}) {
    for (const char* body :
         {"5\r\nhello\r\n0\r\n\r\n", "5\nhello\n0\n\n", "0005;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
          " 5 \r\nhello\r\n0\r\n\r\n", "\r\n5x\r\nhello\r\n00\r\n\r\n"}) {
      const Fields file = file_of(fields, body, step);
      CHECK(file.number(info::kSize) == 5);
      CHECK(file.text(info::kState) == "CLOSED");
    }
    CHECK(file_of(fields, "5\r\nhello\r\n", step).text(info::kState) == "TRUNCATED");
  }
  CHECK(file_of(fields, "no chunk").number(info::kSize) == 8);
  CHECK(file_of(fields, "ffffffffffffffffff\r\n").number(info::kSize) == 20);
}

TEST_CASE("http: takes what follows a body for a part of it") {
  CHECK(file_of("Content-Length: 5\r\n", "hello\r\n").number(info::kSize) == 7);
  CHECK(file_of("Content-Length: 5 9\r\n", "hello").number(info::kSize) == 5);
}

TEST_CASE("http: undoes compression") {
  const std::string text(3000, 'a');
  const std::string zlib = compressed(text, 15);
  const std::string bare = compressed(text, -15);
  const std::string two = gzip(bare);
  const std::string members = gzip(text) + gzip(text);
  for (const size_t step : {size_t{1}, ~size_t{0}}) {
    const auto size = [step](const std::string& coding, const std::string& body) {
      return file_of(counted("Content-Encoding: " + coding + "\r\n", body), body, step)
          .number(info::kSize);
    };
    CHECK(size("gzip", gzip(text)) == 3000);
    CHECK(size("x-gzip", members) == 6000);
    CHECK(size("deflate", zlib) == 3000);
    CHECK(size("deflate", bare) == 3000);
    CHECK(size("deflate, gzip", two) == 3000);
    CHECK(size("deflate\r\nContent-Encoding: gzip", two) == 3000);
    CHECK(size("identity", text) == 3000);
    CHECK(size("gzip", text) == 3000);
    CHECK(size("gzip, gzip, gzip", two) == two.size());
  }
}

TEST_CASE("http: undoes thousands of compressed members in one segment") {
  std::string members;
  for (int i = 0; i < 3000; ++i) members += gzip("a");
  CHECK(file_of("Content-Encoding: gzip\r\n", members).number(info::kSize) == 3000);
}

TEST_CASE("http: the length of a transaction is that of what was sent") {
  const std::string body = gzip(std::string(3000, 'a'));
  const EventLog log =
      talk({{true, kGet},
            {false, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " +
                        std::to_string(body.size()) + "\r\n\r\n" + body}});
  CHECK(log.of(event::kHttp)[0].number(ids::kLength) == body.size());
}

TEST_CASE("http: stops at a compression bomb") {
  const std::string bomb = gzip(gzip(std::string(64 << 20, '\0')));
  const EventLog log = talk(
      {{true, kGet}, {false, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n\r\n" + bomb}});
  const std::vector<uint64_t> want{code::kHttpCompressionBomb};
  CHECK(anomalies_of(log) == want);
  CHECK(log.of(event::kFileinfo)[0].number(info::kSize) < 2 << 20);
}

TEST_CASE("http: counts a hole in a body and goes on behind it") {
  ParserRun run = http();
  run.feed(raw(kGet));
  run.feed(raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), false);
  CHECK(run.gap(false));
  run.feed_at(raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), false, 42 + 7);
  run.end();
  const auto files = run.log().of(event::kFileinfo);
  REQUIRE(files.size() == 2);
  CHECK(files[0].number(info::kSize) == 10);
  CHECK(files[0].number(info::kGaps) == 1);
  CHECK(files[0].text(info::kState) == "TRUNCATED");
  CHECK(run.log().of(event::kHttp).size() == 2);
}

TEST_CASE("http: finds the next message behind a hole in a head") {
  ParserRun run = http();
  run.feed(raw("GET /1 HTTP/1.1\r\nHo"));
  CHECK(run.gap(true));
  run.feed_at(raw("rest of something\r\n\r\n"), true, 100);
  CHECK(run.feed_at(raw("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"), true, 121) == Answer::kAccept);
  run.end();
  const auto events = run.log().of(event::kHttp);
  REQUIRE(events.size() == 1);
  CHECK(events[0].text(ids::kUrl) == "/2");
}

TEST_CASE("http: knows client and server by what they say") {
  ParserRun run = http(9999);
  CHECK(run.feed(raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), true) == Answer::kAccept);
  run.feed(raw(kGet), false);
  run.feed(raw("HTTP/1.1 204 OK\r\n\r\n"), true);
  run.end();
  const auto events = run.log().of(event::kHttp);
  REQUIRE(events.size() == 2);
  CHECK(events[0].text(ids::kUrl) == "/libhtp::request_uri_not_seen");
  CHECK(events[1].number(ids::kStatus) == 204);
  CHECK(anomalies_of(run.log()).size() == 1);
  CHECK(run.log().events.back().side == Side::kResponder);
}

TEST_CASE("http: hands the flow over after CONNECT and Upgrade") {
  ParserRun tunnel = http();
  tunnel.feed(raw("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"));
  CHECK(tunnel.feed(raw("HTTP/1.1 200 Established\r\n\r\nrest"), false) == Answer::kHandOver);
  CHECK(tunnel.context().last().next == AppId::kUnknown);
  CHECK(tunnel.context().last().next_bytes == 4);
  CHECK(tunnel.log().of(event::kHttp)[0].text(ids::kHostname) == "a.example");
  CHECK(tunnel.log().of(event::kHttp)[0].number(ids::kHttpPort) == 443);

  ParserRun upgrade = http();
  upgrade.feed(raw("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"));
  CHECK(upgrade.feed(raw("HTTP/1.1 101 Yes\r\nUpgrade: WebSocket\r\n\r\n"), false) ==
        Answer::kHandOver);
  CHECK(upgrade.context().last().next == AppId::kWebsocket);
}

TEST_CASE("http: a body without a head, and lines before a head") {
  const EventLog bare = talk({{true, kGet}, {false, "just text"}});
  CHECK(bare.of(event::kFileinfo)[0].number(info::kSize) == 9);
  CHECK_FALSE(bare.of(event::kHttp)[0].has(ids::kStatus));
  const EventLog junk =
      talk({{true, kGet}, {false, "junk\r\nHTTP/1.0 200 OK\nContent-Length: 0\n\n"}});
  CHECK(junk.of(event::kHttp)[0].number(ids::kStatus) == 200);
}

TEST_CASE("http: names what is wrong in a head") {
  const auto faults = [](const std::string& fields) {
    return anomalies_of(talk({{true, "GET / HTTP/1.1\r\n" + fields + "\r\n"}}));
  };
  const auto one = [](uint16_t code) { return std::vector<uint64_t>{code}; };
  CHECK(faults("Host: a\r\n").empty());
  CHECK(faults("") == one(code::kHttpMissingHostHeader));
  CHECK(faults("Host: a\r\nHost: b\r\n") == one(code::kHttpHostHeaderAmbiguous));
  CHECK(faults("Host: a:x\r\n") == one(code::kHttpInvalidServerPortInRequest));
  CHECK(faults("Host: a\r\njunk\r\n") == one(code::kHttpRequestFieldMissingColon));
  CHECK(faults(" x: y\r\nHost: a\r\n") == one(code::kHttpInvalidRequestFieldFolding));
  CHECK(faults("Host: a\r\nContent-Length: x\r\n") ==
        one(code::kHttpInvalidContentLengthFieldInRequest));
  CHECK(faults("Host: a\r\nTransfer-Encoding: x\r\n") ==
        one(code::kHttpInvalidTransferEncodingValueInRequest));
  CHECK(anomalies_of(talk({{true, kGet + "GET /" + std::string(70000, 'a')}})) ==
        one(code::kHttpRequestFieldTooLong));
  CHECK(anomalies_of(talk({{true, "GET /\n \n"}})) == one(code::kHttpRequestLineMissingProtocol));
  CHECK(anomalies_of(talk({{true, "GET /\n\n"}})).empty());
  const std::string begun = "GET / HTTP/1.1\r\nHost: a\r\n";
  CHECK(anomalies_of(talk({{true, begun}, {true, "X-a: b\r\n"}})) ==
        one(code::kHttpRequestUnfinished));
  CHECK(anomalies_of(talk({{true, begun}})).empty());
  CHECK(anomalies_of(talk({{true, begun}, {true, "\r\n"}})).empty());
}

TEST_CASE("http: reads absolute targets, ranges and addresses") {
  const EventLog log = talk(
      {{true, "GET http://u@[::1]:81/x?y HTTP/1.1\r\nHost: other\r\n\r\n"},
       {false,
        "HTTP/1.1 206 Part\r\nContent-Range: bytes 2-5/100\r\nContent-Length: 4\r\n\r\nabcd"}});
  const Fields f = log.of(event::kHttp)[0];
  CHECK(f.text(ids::kHostname) == "[::1]");
  CHECK(f.number(ids::kHttpPort) == 81);
  const auto range = f.objects(ids::kContentRange);
  REQUIRE(range.size() == 1);
  CHECK(range[0].number(ids::content_range::kEnd) == 5);
  CHECK(range[0].number(ids::content_range::kSize) == 100);
  const Fields file = log.of(event::kFileinfo)[0];
  CHECK(file.text(info::kFilename) == "/x");
  CHECK(file.number(info::kStart) == 2);
  CHECK(file.number(info::kEnd) == 5);
}

TEST_CASE("http: probe takes requests and responses, not their likes") {
  const auto probe = [](std::string_view text, uint16_t port = 9999) {
    return http(port).probe(raw(text));
  };
  CHECK(probe("GET /x HTTP/1.1\r\n") == Likelihood::kLikely);
  CHECK(probe("FOO /x HTTP/1.1\r\n") == Likelihood::kLikely);
  CHECK(probe("GET /x") == Likelihood::kLikely);
  CHECK(probe("HTTP/1.1 200") == Likelihood::kLikely);
  CHECK(probe("G") == Likelihood::kMaybe);
  CHECK(probe("GET /x\r\n", 80) == Likelihood::kMaybe);
  CHECK(probe("GET /x\r\n") == Likelihood::kNo);
  CHECK(probe("OPTIONS rtsp://a RTSP/1.0\r\n") == Likelihood::kNo);
  CHECK(probe("OPTIONS sip:a SIP/2.0\r\n", 80) == Likelihood::kNo);
  CHECK(probe("PRI * HTTP/2.0\r\n\r\n") == Likelihood::kNo);
  CHECK(probe("HELO there\r\n") == Likelihood::kNo);
  CHECK(probe("") == Likelihood::kNo);
}

TEST_CASE("http: keeps at most 256 requests open and 20,000 events") {
  std::string many;
  for (int i = 0; i < 400; ++i) many += "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  CHECK(talk({{true, many}}).of(event::kHttp).size() == 256);
  ParserRun run = http();
  Answer answer = Answer::kAccept;
  for (int i = 0; i < 30'000 && answer == Answer::kAccept; ++i) {
    run.feed(raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    answer = run.feed(raw("HTTP/1.1 204 OK\r\n\r\n"), false);
  }
  CHECK(answer == Answer::kDone);
  CHECK(run.log().events.size() == 20'000);
}

TEST_CASE("http: survives every damage to its samples") {
  const auto mangled = [](const std::string& text, bool by_client) {
    mangle_parser({AppId::kHttp, Transport::kTcp, 80, by_client, raw(text)});
  };
  mangled(
      "POST http://a:1/x HTTP/1.1\r\nHost: b\r\n x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;a\r\nhello\r\n0\r\nT: u\r\n\r\nGET / HTTP/1.0\r\n\r\n",
      true);
  const std::string body = gzip("some text");
  mangled(
      "HTTP/1.1 206 OK\r\nContent-Range: bytes 1-2/3\r\nContent-Disposition: a; filename=\"x\""
      "\r\nContent-Encoding: gzip\r\nContent-Length: " +
          std::to_string(body.size()) + "\r\n\r\n" + body + "HTTP/1.1 101 OK\r\n\r\n",
      false);
}

}  // namespace
}  // namespace thymus::test
