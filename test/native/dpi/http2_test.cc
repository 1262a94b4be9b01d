#include <doctest/doctest.h>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "base/generated/events/fileinfo.h"
#include "base/generated/events/http.h"
#include "dpi/dialogue.h"
#include "dpi/http2/connection.h"
#include "dpi/http2/hpack.h"
#include "support/numbers.h"

namespace thymus::test {
namespace {

using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;
using dpi::http2::HeaderDecoder;
namespace ids = event::http;

constexpr Speakers kSpeakers{AppId::kHttp2, 8080};

std::string frame(uint8_t type, uint8_t flags, uint32_t stream, const std::string& payload) {
  return be(payload.size(), 3) + be(type, 1) + be(flags, 1) + be(stream, 4) + payload;
}

std::string from_hex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return out;
}

std::string literal(const std::string& name, const std::string& value) {
  return be(0, 1) + be(name.size(), 1) + name + be(value.size(), 1) + value;
}

const std::string kPreface(dpi::http2::kPreface);
const std::string kNoSettings = frame(4, 0, 0, "");

std::string request_block() {
  return "\x82"
         "\x86" +
         literal(":path", "/a") + literal(":authority", "www.example.com") +
         literal("user-agent", "lab");
}

Dialogue exchange() {
  return {client(kPreface + frame(4, 0, 0, be(1, 2) + be(8192, 4)) +
                 frame(1, 0x25, 1, be(0, 4) + be(15, 1) + request_block())),
          server(frame(4, 0, 0, be(3, 2) + be(100, 4)) + frame(4, 1, 0, "")),
          client(frame(4, 1, 0, "")),
          server(frame(1, 4, 1, "\x88" + literal("content-type", "text/plain; x=y")) +
                 frame(0, 8, 1, be(2, 1) + "hello" + be(0, 2)) + frame(0, 1, 1, "you"))};
}

std::vector<uint64_t> faults_of(const EventLog& log) {
  std::vector<uint64_t> codes;
  for (const Fields& e : log.of(event::kAnomaly)) codes.push_back(e.number(event::anomaly::kCode));
  return codes;
}

std::string decoded(HeaderDecoder* decoder, const std::string& block) {
  std::string out;
  const auto bytes = raw(block);
  const auto result = decoder->decode(Bytes(bytes), [&](std::string_view n, std::string_view v) {
    out.append(n).append("=").append(v).append("\n");
  });
  return result == HeaderDecoder::Result::kDecoded ? out : out + "!";
}

}  // namespace

TEST_CASE("hpack: requests of RFC 7541, C.4, with Huffman code and dynamic table") {
  auto decoder = std::make_unique<HeaderDecoder>();
  decoder->begin(false);
  const std::string base = ":method=GET\n:scheme=http\n:path=/\n:authority=www.example.com\n";
  CHECK(decoded(decoder.get(), from_hex("828684418cf1e3c2e5f23a6ba0ab90f4ff")) == base);
  CHECK(decoded(decoder.get(), from_hex("828684be5886a8eb10649cbf")) ==
        base + "cache-control=no-cache\n");
  CHECK(decoded(decoder.get(), from_hex("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf")) ==
        ":method=GET\n:scheme=https\n:path=/index.html\n:authority=www.example.com\n"
        "custom-key=custom-value\n");
}

TEST_CASE("hpack: a smaller table displaces, and what is gone is an error") {
  auto decoder = std::make_unique<HeaderDecoder>();
  decoder->begin(false);
  CHECK(decoded(decoder.get(),
                "\x40\x01"
                "a\x01"
                "b\xbe") == "a=b\na=b\n");
  CHECK(decoded(decoder.get(), "\x20\xbe") == "!");
  decoder->begin(true);
  CHECK(decoded(decoder.get(), "\xbf\x82") == ":method=GET\n");
}

TEST_CASE("hpack: integers are bounded, table sizes too") {
  auto decoder = std::make_unique<HeaderDecoder>();
  decoder->begin(false);
  const std::string huge = "\xff\xff\xff\xff\xff\xff\x0f";
  const auto bytes = raw(huge);
  CHECK(decoder->decode(Bytes(bytes), [](std::string_view, std::string_view) {}) ==
        HeaderDecoder::Result::kIntegerOverflow);
  CHECK(decoded(decoder.get(), "\x3f\xe2\x1f") == "!");  // 4097
  decoder->allow(8192);
  CHECK(decoded(decoder.get(), "\x3f\xe2\x1f") == "");
}

TEST_CASE("hpack: entries survive the moves of the table's text") {
  auto decoder = std::make_unique<HeaderDecoder>();
  decoder->begin(false);
  for (int i = 0; i < 500; ++i) {
    const std::string value(100, static_cast<char>('a' + i % 26));
    const std::string expected = "k=" + value + "\n";
    CHECK(decoded(decoder.get(), "\x40\x01k\x64" + value) == expected);
    // The name of the entry before, in a new entry.
    CHECK(decoded(decoder.get(), "\x7e\x64" + value + "\xbf") == expected + expected);
  }
}

TEST_CASE("hpack: a block that expands beyond all proportion is refused") {
  auto decoder = std::make_unique<HeaderDecoder>();
  decoder->begin(false);
  const std::string value(126, 'v');
  const auto bytes = raw("\x40\x01k\x7e" + value + std::string(2000, '\xbe'));
  CHECK(decoder->decode(Bytes(bytes), [](std::string_view, std::string_view) {}) ==
        HeaderDecoder::Result::kTooLarge);
}

TEST_CASE("hpack: broken Huffman code") {
  char out[8];
  const auto length = [&](std::vector<uint8_t> coded) {
    return dpi::http2::decode_huffman(Bytes(coded), out, sizeof out);
  };
  CHECK(length({0x1f}) == 1);                     // "a", filled
  CHECK(length({0x18}) == -1);                    // filled with zeros
  CHECK(length({0xff}) == -1);                    // filled with more than seven bits
  CHECK(length({0xff, 0xff, 0xff, 0xff}) == -1);  // the end mark
}

TEST_CASE("http2: a stream and the settings of both sides") {
  const EventLog log = events_of(kSpeakers, exchange());
  const auto events = log.of(event::kHttp);
  REQUIRE(events.size() == 3);
  CHECK(faults_of(log).empty());
  const Fields client_said = events[0].objects(ids::kHttp2)[0].objects(ids::http2::kRequest)[0];
  const Fields setting = client_said.objects(ids::http2::request::kSettings)[0];
  CHECK(setting.text(ids::http2::request::settings::kSettingsId) == "SETTINGSHEADERTABLESIZE");
  CHECK(setting.number(ids::http2::request::settings::kSettingsValue) == 8192);
  CHECK(events[1].objects(ids::kHttp2)[0].has(ids::http2::kResponse));
  const Fields& stream = events[2];
  CHECK(stream.text(ids::kHttpMethod) == "GET");
  CHECK(stream.text(ids::kUrl) == "/a");
  CHECK(stream.text(ids::kHostname) == "www.example.com");
  CHECK(stream.text(ids::kHttpUserAgent) == "lab");
  CHECK(stream.text(ids::kHttpContentType) == "text/plain");
  CHECK(stream.number(ids::kStatus) == 200);
  CHECK(stream.number(ids::kLength) == 8);
  CHECK(stream.text(ids::kVersion) == "2");
  CHECK(stream.objects(ids::kRequestHeaders).size() == 5);
  CHECK(stream.objects(ids::kHttp2)[0].number(ids::http2::kStreamId) == 1);
}

TEST_CASE("http2: recognised by the preface or a control frame") {
  const ParserRun run(AppId::kHttp2, Transport::kTcp, 40000, 9999);
  CHECK(run.probe(raw(kPreface)) == Likelihood::kLikely);
  CHECK(run.probe(raw("PR")) == Likelihood::kMaybe);
  CHECK(run.probe(raw("PROPFIND / HTTP/1.1\r\n")) == Likelihood::kNo);
  CHECK(run.probe(raw(frame(4, 0, 0, be(3, 2) + be(100, 4)))) == Likelihood::kLikely);
  CHECK(run.probe(raw(frame(6, 1, 0, be(1, 8)))) == Likelihood::kLikely);
  CHECK(run.probe(raw(frame(0, 1, 1, "data"))) == Likelihood::kNo);
  CHECK(run.probe(std::vector<uint8_t>(64)) == Likelihood::kNo);
}

TEST_CASE("http2: from the middle, fields that are not known are left out") {
  const EventLog log = events_of(
      kSpeakers,
      {client(frame(6, 0, 0, be(1, 8)) + frame(1, 5, 7, "\x82\xc0" + literal(":path", "/x"))),
       server(frame(1, 5, 7, "\x88"))});
  const auto events = log.of(event::kHttp);
  REQUIRE(events.size() == 1);
  CHECK(events[0].text(ids::kUrl) == "/x");
  CHECK(faults_of(log).empty());
}

TEST_CASE("http2: a block over CONTINUATION frames, and a flood of them") {
  const std::string block = request_block();
  const auto floods = [&](int n) {
    std::string text = kPreface + kNoSettings + frame(1, 1, 1, block);
    for (int i = 0; i < n; ++i) text += frame(9, 0, 1, literal("a", "b"));
    return events_of(kSpeakers, {client(text + frame(9, 4, 1, literal("z", "1")))});
  };
  const EventLog few = floods(2);
  REQUIRE(few.of(event::kHttp).size() == 1);
  CHECK(few.of(event::kHttp)[0].objects(ids::kRequestHeaders).size() == 8);
  CHECK(faults_of(few).empty());
  CHECK(faults_of(floods(40)) == std::vector<uint64_t>{anomaly_code::kHttp2ContinuationFlood});
  CHECK(faults_of(floods(4000)) ==
        std::vector<uint64_t>{anomaly_code::kHttp2ContinuationFlood,
                              anomaly_code::kHttp2ReassemblyLimitReached});
}

TEST_CASE("http2: many resets and many open streams are named") {
  std::string resets = kPreface + kNoSettings;
  std::string opens = resets;
  for (uint32_t i = 0; i < 150; ++i) {
    const std::string opened = frame(1, 5, 2 * i + 1, request_block());
    opens += opened;
    resets += opened + frame(3, 0, 2 * i + 1, be(8, 4));
  }
  const EventLog rapid = events_of(kSpeakers, {client(resets)});
  CHECK(rapid.of(event::kHttp).size() == 150);
  CHECK(faults_of(rapid) == std::vector<uint64_t>{anomaly_code::kHttp2RapidReset});
  const EventLog wide = events_of(kSpeakers, {client(opens)});
  CHECK(wide.of(event::kHttp).size() == 150);
  CHECK(faults_of(wide) == std::vector<uint64_t>{anomaly_code::kHttp2TooManyStreams});
}

TEST_CASE("http2: a hole in a body is stepped over, another ends it") {
  ParserRun run(kSpeakers.app, Transport::kTcp, 40000, 8080);
  const Dialogue dialogue = exchange();
  show({dialogue[0], dialogue[1]}, &run);
  CHECK(run.log().of(event::kHttp).size() == 3);
  ParserRun other(kSpeakers.app, Transport::kTcp, 40000, 8080);
  other.feed(raw(dialogue[0].text));
  const std::string head = frame(1, 4, 1, "\x88") + be(100, 3) + be(0, 1) + be(1, 1) + be(1, 4);
  other.feed(raw(head + "12345"), false);
  CHECK(other.gap(false));
  const auto seq = static_cast<uint32_t>(head.size() + 5 + 90);
  CHECK(other.feed_at(raw("54321"), false, seq) == Answer::kAccept);
  REQUIRE(other.log().of(event::kHttp).size() == 2);
  CHECK(other.log().of(event::kHttp)[1].number(ids::kLength) == 100);
  CHECK(other.gap(true));
  CHECK(other.feed_at(raw("x"), true, 5000) == Answer::kDone);
}

TEST_CASE("http2: goes on after an upgrade of HTTP/1.1") {
  ParserRun run(kSpeakers.app, Transport::kTcp, 40000, 8080);
  run.context().flow_app = AppId::kHttp;
  CHECK(run.feed(raw(kNoSettings + frame(1, 4, 1, "\x88")), false) == Answer::kAccept);
  CHECK(run.feed(raw(kPreface + kNoSettings)) == Answer::kAccept);
  run.end();
  REQUIRE(run.log().of(event::kHttp).size() == 1);
  CHECK(run.log().of(event::kHttp)[0].number(ids::kStatus) == 200);
}

TEST_CASE("http2: a server that speaks before the preface is whole") {
  ParserRun run(kSpeakers.app, Transport::kTcp, 40000, 8080);
  CHECK(run.feed(raw(kPreface.substr(0, 3))) == Answer::kNeedMore);
  CHECK(run.feed(raw(frame(0, 0, 1, "x")), false) == Answer::kReject);
  ParserRun other(kSpeakers.app, Transport::kTcp, 40000, 8080);
  other.feed(raw(kPreface.substr(0, 3)));
  CHECK(other.feed(raw(frame(4, 1, 0, "")), false) == Answer::kAccept);
  CHECK(other.feed(raw(kPreface.substr(3) + kNoSettings)) == Answer::kAccept);
}

TEST_CASE("http2: splits and damage") {
  check_splits(kSpeakers, exchange());
  mangle_dialogue(kSpeakers, exchange());
}

TEST_CASE("http2: what a response carries is a file") {
  const EventLog log = events_of(kSpeakers, exchange());
  const auto files = log.of(event::kFileinfo);
  REQUIRE(files.size() == 1);
  CHECK(files[0].text(event::fileinfo::kFilename) == "/a");
  CHECK(files[0].text(event::fileinfo::kState) == "CLOSED");
  CHECK(files[0].number(event::fileinfo::kSize) == 8);
  CHECK(files[0].text(event::fileinfo::kAppProto) == "http2");
  const Fields http = files[0].objects(event::fileinfo::kHttp)[0];
  CHECK(http.text(event::fileinfo::http::kVersion) == "2");
  CHECK(http.number(event::fileinfo::http::kStatus) == 200);
  CHECK(http.number(event::fileinfo::http::kLength) == 8);
}

TEST_CASE("http2: a compressed file has its own size, of two at a time the first") {
  // zlib, one stored block.
  const std::string coded = from_hex("7801") + from_hex("010500faff") + "hello";
  const std::string answer = frame(1, 4, 1, "\x88" + literal("content-encoding", "deflate"));
  const std::string other = frame(1, 4, 3, "\x88" + literal("content-encoding", "deflate"));
  const EventLog log = events_of(
      kSpeakers,
      {client(kPreface + kNoSettings + frame(1, 5, 1, request_block()) +
              frame(1, 5, 3, request_block())),
       server(kNoSettings + answer + other + frame(0, 0, 1, coded.substr(0, 9)) +
              frame(0, 0, 3, coded) + frame(0, 1, 1, coded.substr(9)) + frame(0, 1, 3, ""))});
  const auto files = log.of(event::kFileinfo);
  REQUIRE(files.size() == 2);
  CHECK(files[0].number(event::fileinfo::kSize) == 5);
  const Fields http = files[0].objects(event::fileinfo::kHttp)[0];
  CHECK(http.number(event::fileinfo::http::kLength) == coded.size());
  CHECK(files[1].number(event::fileinfo::kSize) == coded.size());
  CHECK(faults_of(log).empty());
}

TEST_CASE("http2: a broken compressed file is said once") {
  const EventLog log = events_of(
      kSpeakers,
      {client(kPreface + kNoSettings + frame(1, 5, 1, request_block())),
       server(kNoSettings + frame(1, 4, 1, "\x88" + literal("content-encoding", "deflate")) +
              frame(0, 0, 1, from_hex("7801000500faff68656c6c6f07")) + frame(0, 1, 1, "more"))});
  CHECK(faults_of(log) == std::vector<uint64_t>{anomaly_code::kHttp2FailedDecompression});
}

TEST_CASE("http2: a file that is sent up, one that is cut short, and one with a hole") {
  const std::string begin = kPreface + kNoSettings + frame(1, 4, 1, request_block());
  const auto up = events_of(kSpeakers, {client(begin + frame(0, 1, 1, "form"))}).events;
  REQUIRE(up.size() >= 1);
  CHECK(up[0].type == event::kFileinfo);
  CHECK(up[0].side == Side::kOriginator);
  CHECK(up[0].fields.number(event::fileinfo::kSize) == 4);
  const auto reset =
      events_of(kSpeakers, {client(begin + frame(0, 0, 1, "form") + frame(3, 0, 1, be(8, 4)))})
          .of(event::kFileinfo);
  REQUIRE(reset.size() == 1);
  CHECK(reset[0].text(event::fileinfo::kState) == "TRUNCATED");
  ParserRun run(AppId::kHttp2, Transport::kTcp, 40000, 8080);
  const std::string whole = begin + frame(0, 1, 1, std::string(1000, 'x'));
  run.feed(raw(whole.substr(0, whole.size() - 900)));
  REQUIRE(run.gap(true));
  run.feed_at(raw(whole.substr(whole.size() - 100)), true,
              static_cast<uint32_t>(whole.size() - 100));
  const auto holed = run.log().of(event::kFileinfo);
  REQUIRE(holed.size() == 1);
  CHECK(holed[0].number(event::fileinfo::kSize) == 1000);
  CHECK(holed[0].number(event::fileinfo::kGaps) == 1);
}

}  // namespace thymus::test
