#include "base/generated/events/quic.h"

#include <algorithm>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include "base/digest.h"
#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/quic/crypto_stream.h"
#include "dpi/quic/initial_keys.h"
#include "dpi/quic_builder.h"

namespace thymus::test::quic {
namespace {

namespace ids = event::quic;
namespace code = anomaly_code;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;
using tls::raw;

constexpr uint32_t kV2 = 0x6b3343cf;

ParserRun udp(uint16_t port = 443) { return {AppId::kQuic, Transport::kUdp, 40000, port}; }

template <size_t kSize>
std::string hex(const std::array<uint8_t, kSize>& bytes) {
  const auto digits = hex_of(bytes);
  return {digits.begin(), digits.end()};
}

Raw from_hex(std::string_view digits) {
  Raw out;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    out.push_back(static_cast<uint8_t>(std::stoul(std::string(digits.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

Raw client_hello() {
  tls::HelloParts parts;
  parts.ciphers = {0x1301};
  parts.extensions = tls::extension(0x1a1a, {}) + tls::server_name("www.example.org") +
                     tls::alpn({"h3"}) + tls::extension(43, {2, 3, 4}) +
                     tls::extension(57, Raw(300, 7));
  return tls::message(1, tls::client_hello_body(parts));
}

Raw server_hello() {
  return tls::message(
      2, tls::server_hello_body(0x0303, 0x1301,
                                tls::extension(43, {3, 4}) + tls::extension(51, Raw(8, 1))));
}

// Of `count` frames that hold `message`, in the given order.
std::vector<Raw> crypto_pieces(const Raw& message, size_t piece) {
  std::vector<Raw> frames;
  for (size_t at = 0; at < message.size(); at += piece) {
    const size_t end = std::min(at + piece, message.size());
    frames.push_back(crypto_frame(at, Raw(message.begin() + static_cast<std::ptrdiff_t>(at),
                                          message.begin() + static_cast<std::ptrdiff_t>(end))));
  }
  return frames;
}

Fields only_event(const ParserRun& run) {
  const auto events = run.log().of(event::kQuic);
  REQUIRE(events.size() == 1);
  return events[0];
}

}  // namespace

// RFC 9001, A.1, and RFC 9369, A.1.
TEST_CASE("quic: Initial keys are those of the RFCs") {
  const Raw id = from_hex("8394c8f03e515708");
  const auto v1 = dpi::quic::derive_initial_keys(1, Bytes(id));
  CHECK(hex(v1.client.key) == "1f369613dd76d5467730efcbe3b1a22d");
  CHECK(hex(v1.client.iv) == "fa044b2f42a3fd3b46fb255c");
  CHECK(hex(v1.client.header_key) == "9f50449e04a0e810283a1e9933adedd2");
  CHECK(hex(v1.server.key) == "cf3a5331653c364c88f0f379b6067e37");
  CHECK(hex(v1.server.iv) == "0ac1493ca1905853b0bba03e");
  CHECK(hex(v1.server.header_key) == "c206b8d9b9f0f37644430b490eeaa314");
  const auto v2 = dpi::quic::derive_initial_keys(kV2, Bytes(id));
  CHECK(hex(v2.client.key) == "8b1a0bc121284290a29e0971b5cd045d");
  CHECK(hex(v2.client.iv) == "91f73e2351d8fa91660e909f");
  CHECK(hex(v2.client.header_key) == "45b95e15235d6f45a6b19cbcb0294ba9");
  CHECK(hex(v2.server.key) == "82db637861d55e1d011f19ea71d5d2a7");
  CHECK(hex(v2.server.iv) == "dd13c276499c0249d3310652");
  CHECK(hex(v2.server.header_key) == "edf6d05c83121201b436e16877593c3a");
}

// RFC 9001, A.3: an ACK and a ServerHello in 135 bytes.
TEST_CASE("quic: the server's packet of the RFC opens") {
  const Raw id = from_hex("8394c8f03e515708");
  const Raw packet = from_hex(
      "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554"
      "780bb38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b"
      "562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074e"
      "e");
  const auto keys = dpi::quic::derive_initial_keys(1, Bytes(id));
  uint8_t room[200];
  const Bytes frames = dpi::quic::open_packet(keys.server, Bytes(packet), 18, room);
  REQUIRE(frames.size() == 99);
  CHECK(frames[0] == 2);
  CHECK(frames[5] == 6);
  CHECK(dpi::quic::open_packet(keys.client, Bytes(packet), 18, room).empty());
}

TEST_CASE("quic: both hellos give an event") {
  for (const uint32_t version : {1u, kV2, 0xff00001du, 0xff000018u, 0xff000016u, 0xfaceb002u}) {
    InitialParts parts;
    parts.version = version;
    ParserRun run = udp(4433);
    const Raw first = initial_packet(crypto_frame(0, client_hello()) + Raw(500, 0), parts);
    CHECK(run.probe(first) == Likelihood::kLikely);
    CHECK(run.feed(first) == Answer::kAccept);
    const Fields e = only_event(run);
    CHECK(e.text(ids::kSni) == "www.example.org");
    CHECK(e.text(ids::kJa4).starts_with("q13d0104h3_"));
    const auto extensions = e.objects(ids::kExtensions);
    REQUIRE(extensions.size() == 5);
    CHECK_FALSE(extensions[0].has(ids::extensions::kName));
    CHECK(extensions[1].text(ids::extensions::kName) == "server_name");
    CHECK(extensions[1].text(ids::extensions::kValues) == "www.example.org");
    CHECK(extensions[2].text(ids::extensions::kValues) == "h3");
    CHECK(extensions[4].number(ids::extensions::kType) == 57);
    InitialParts server = parts;
    server.from_client = false;
    server.keys_of = parts.destination;
    server.destination = parts.source;
    CHECK(run.feed(initial_packet(Raw{2, 0, 0, 0, 0} + crypto_frame(0, server_hello()), server),
                   false) == Answer::kDone);
    const auto events = run.log().of(event::kQuic);
    REQUIRE(events.size() == 2);
    CHECK(events[1].objects(ids::kJa3s).at(0).text(ids::ja3s::kString) == "771,4865,43-51");
    CHECK(run.context().facts.name_hash != 0);
  }
}

TEST_CASE("quic: versions are written as text") {
  ParserRun run = udp();
  run.feed(initial_packet(crypto_frame(0, client_hello())));
  CHECK(only_event(run).text(ids::kVersion) == "1");
  InitialParts parts;
  parts.version = kV2;
  ParserRun v2 = udp();
  v2.feed(initial_packet(crypto_frame(0, client_hello()), parts));
  CHECK(only_event(v2).text(ids::kVersion) == "6b3343cf");
}

TEST_CASE("quic: pieces of a hello come in any order, over packets and datagrams") {
  std::mt19937 random(7);
  for (const size_t piece : {1, 7, 40}) {
    std::vector<Raw> frames = crypto_pieces(client_hello(), piece);
    // So many holes at a time as are kept.
    for (size_t at = 0; at < frames.size(); at += 50) {
      std::shuffle(frames.begin() + static_cast<std::ptrdiff_t>(at),
                   frames.begin() + static_cast<std::ptrdiff_t>(std::min(at + 50, frames.size())),
                   random);
    }
    ParserRun run = udp();
    InitialParts parts;
    for (size_t at = 0; at < frames.size(); at += 20) {
      Raw some{1, 0, 0};
      for (size_t i = at; i < std::min(at + 20, frames.size()); ++i) some = some + frames[i];
      run.feed(initial_packet(some + Raw(30, 0), parts));
      ++parts.number;
    }
    CHECK(only_event(run).text(ids::kSni) == "www.example.org");
  }
}

TEST_CASE("quic: packets of one datagram are read one after another") {
  const auto frames = crypto_pieces(client_hello(), 150);
  InitialParts second;
  second.number = 1;
  ParserRun run = udp();
  run.feed(initial_packet(frames[0]) + initial_packet(frames[1] + frames[2], second));
  CHECK(only_event(run).text(ids::kSni) == "www.example.org");
}

TEST_CASE("quic: a Retry changes the keys") {
  ParserRun run = udp();
  const auto frames = crypto_pieces(client_hello(), 150);
  run.feed(initial_packet(frames[0]));
  CHECK(run.feed(Raw{0xf0} + be32(1) + Raw{2, 9, 9, 4, 8, 8, 8, 8} + Raw(40, 3), false) ==
        Answer::kAccept);
  InitialParts again;
  again.destination = {8, 8, 8, 8};
  again.token = Raw(24, 3);
  run.feed(initial_packet(frames[0] + frames[1] + frames[2], again));
  CHECK(only_event(run).text(ids::kSni) == "www.example.org");
}

TEST_CASE("quic: the client may be the responder, when the start was missed") {
  ParserRun run = udp();
  run.feed(initial_packet(crypto_frame(0, client_hello())), false);
  CHECK(only_event(run).text(ids::kSni) == "www.example.org");
}

TEST_CASE("quic: what is not sealed as it must be is named") {
  ParserRun run = udp();
  Raw packet = initial_packet(crypto_frame(0, client_hello()));
  packet.back() ^= 1;
  CHECK(run.feed(packet) == Answer::kAccept);
  REQUIRE(run.log().events.size() == 1);
  CHECK(run.log().of(event::kAnomaly).at(0).number(event::anomaly::kCode) ==
        code::kQuicFailedDecrypt);
  ParserRun cut = udp();
  cut.feed(Raw(packet.begin(), packet.begin() + 200), true, 1000);
  CHECK(cut.log().events.empty());
  ParserRun wild = udp();
  wild.feed(initial_packet(Raw{0x1f, 1, 2, 3} + Raw(30, 0)));
  CHECK(wild.log().of(event::kAnomaly).at(0).number(event::anomaly::kCode) ==
        code::kQuicErrorOnData);
}

TEST_CASE("quic: Google's hello is read in the clear") {
  const Raw values = raw("dns.example.org") + raw("agent/1");
  const Raw message = raw("CHLO") + Raw{2, 0, 0, 0} + raw("SNI") + Raw{0, 15, 0, 0, 0} +
                      raw("UAID") + Raw{22, 0, 0, 0} + values;
  const Raw frames = Raw{0xa0, 1, 0, static_cast<uint8_t>(message.size())} + message;
  const Raw id(8, 5), hash(12, 6);
  struct Case {
    Raw packet;
    const char* version;
    const char* cyu;
  };
  const Case cases[] = {
      {Raw{0x0d} + id + raw("Q043") + Raw{1} + hash + frames, "Q043", "43,SNI-UAID"},
      {Raw{0xc3} + raw("Q046") + Raw{0x50} + id + Raw{0, 0, 0, 1} + hash + frames, "Q046",
       "46,SNI-UAID"},
  };
  for (const Case& c : cases) {
    ParserRun run = udp(9999);
    CHECK(run.probe(c.packet) == Likelihood::kLikely);
    CHECK(run.feed(c.packet) == Answer::kDone);
    const Fields e = only_event(run);
    CHECK(e.text(ids::kVersion) == c.version);
    CHECK(e.text(ids::kSni) == "dns.example.org");
    CHECK(e.text(ids::kUa) == "agent/1");
    CHECK(e.objects(ids::kCyu).at(0).text(ids::cyu::kString) == c.cyu);
    mangle_parser({AppId::kQuic, Transport::kUdp, 443, true, c.packet});
  }
  InitialParts sealed;
  sealed.version = 0x51303530;
  ParserRun run = udp();
  CHECK(run.feed(initial_packet(Raw{8, 0} + varint(message.size()) + message, sealed)) ==
        Answer::kDone);
  CHECK(only_event(run).text(ids::kVersion) == "Q050");
}

TEST_CASE("quic: what is not QUIC is not taken") {
  const ParserRun run = udp();
  CHECK(run.probe({}) == Likelihood::kNo);
  CHECK(run.probe(Raw(1200, 0xc0)) == Likelihood::kNo);
  CHECK(run.probe(Raw{0x40} + Raw(60, 1)) == Likelihood::kNo);
  CHECK(run.probe(Raw{0xc0} + be32(0x0a0a0a0a) + Raw(40, 0)) == Likelihood::kNo);
  CHECK(run.probe(Raw{0x80} + be32(0) + Raw{1, 1, 1, 1} + be32(1)) == Likelihood::kLikely);
  CHECK(run.probe(Raw{0x80} + be32(0) + Raw{1, 1, 1, 1} + be32(77)) == Likelihood::kNo);
  CHECK(run.probe(Raw{0xc0} + be32(0x1a2a3a4a) + Raw{1, 1, 1, 1, 0, 0x44, 0xd2} + Raw(1234, 3)) ==
        Likelihood::kLikely);
}

TEST_CASE("quic: a stream of pieces is bounded") {
  dpi::quic::CryptoStream stream{};
  ParserContext context(nullptr);
  const Raw byte{7};
  CHECK_FALSE(stream.add(dpi::quic::CryptoStream::kMaxBytes, Bytes(byte), &context, 0));
  CHECK_FALSE(stream.add(~uint64_t{0}, Bytes(byte), &context, 0));
  for (size_t i = 0; i < dpi::quic::CryptoStream::kMaxRanges; ++i) {
    CHECK(stream.add(2 * i, Bytes(byte), &context, 0));
    CHECK(stream.add(2 * i, Bytes(byte), &context, 0));
  }
  CHECK_FALSE(stream.add(1000, Bytes(byte), &context, 0));
  CHECK(context.view(0).size() == dpi::quic::CryptoStream::kMaxRanges * 9);
}

TEST_CASE("quic: every damaged datagram is survived") {
  tls::HelloParts parts;
  parts.extensions = tls::server_name("a.example");
  const Raw hello = tls::message(1, tls::client_hello_body(parts));
  mangle_parser({AppId::kQuic, Transport::kUdp, 443, true,
                 initial_packet(crypto_frame(0, hello) + Raw(20, 0))});
}

// Damage below the seal, which a sender can make as well.
TEST_CASE("quic: every damaged frame is survived") {
  tls::HelloParts parts;
  parts.extensions = tls::server_name("a.example") + tls::alpn({"h3"});
  const Raw hello = tls::message(1, tls::client_hello_body(parts));
  const Raw frames = Raw{2, 0, 0, 1, 0, 0, 0} + crypto_frame(0, hello);
  mangle(Bytes(frames), [](Bytes damaged) {
    ParserRun run = udp();
    run.feed(initial_packet(Raw(damaged.begin(), damaged.end()) + Raw(20, 0)));
    for (const Event& e : run.log().events) {
      if (!e.fields.well_formed()) FAIL("an event that is not well-formed");
    }
  });
}

}  // namespace thymus::test::quic
