#include "dpi/pattern.h"

#include <random>
#include <string>

#include <doctest/doctest.h>

#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"

namespace thymus::test {
namespace {

using dpi::Answer;
using dpi::AppId;
using dpi::Bits;
using dpi::Length;
using dpi::Likelihood;
using dpi::Pattern;
using dpi::Transport;
using Raw = std::vector<uint8_t>;

// A payload that a pattern admits, with zeros where anything goes.
Raw payload_of(const Pattern& pattern) {
  Raw out;
  for (size_t i = 0; i < pattern.head.size; ++i) out.push_back(pattern.head.bytes[i].low);
  for (const char c : pattern.inside) out.push_back(static_cast<uint8_t>(c));
  const Length& length = pattern.length;
  const size_t field_end = length.field == Length::Field::kNone ? 0 : length.at + size_t{4};
  out.resize(std::max({out.size(), length.min, field_end, size_t{length.add}}));
  if (length.field != Length::Field::kNone) {
    while ((out.size() - length.add) % length.scale != 0) out.push_back(0);
  }
  if (out.size() < length.min + pattern.tail.size && length.max > length.min) {
    out.resize(out.size() + pattern.tail.size);
  }
  for (size_t i = 0; i < pattern.tail.size; ++i) {
    out[out.size() - pattern.tail.size + i] = pattern.tail.bytes[i].low;
  }
  return out;
}

ParserRun run_for(Transport transport, uint16_t port) {
  return {AppId::kUnknown, transport, 40000, port};
}

TEST_CASE("pattern: words say bytes, nibbles, ranges, text and places") {
  constexpr Bits kBits("4a 1. .2 10-1f .. 'GE' @9 ff");
  CHECK(kBits.size == 10);
  CHECK(kBits.match(Raw{0x4a, 0x1f, 0xf2, 0x18, 7, 'G', 'E', 1, 2, 0xff}, 0));
  CHECK_FALSE(kBits.match(Raw{0x4a, 0x2f, 0xf2, 0x18, 7, 'G', 'E', 1, 2, 0xff}, 0));
  CHECK_FALSE(kBits.match(Raw{0x4a, 0x1f, 0xf3, 0x18, 7, 'G', 'E', 1, 2, 0xff}, 0));
  CHECK_FALSE(kBits.match(Raw{0x4a, 0x1f, 0xf2, 0x20, 7, 'G', 'E', 1, 2, 0xff}, 0));
  CHECK(kBits.bits() == 8 + 4 + 4 + 4 + 16 + 8);
}

TEST_CASE("pattern: a length field must give the length") {
  const Raw payload{0, 0, 3, 9, 9, 9};
  CHECK(dpi::be16(1, 3).match(payload, 6));
  CHECK(dpi::u8(2, 3).match(payload, 6));
  CHECK_FALSE(dpi::be16(1, 3).match(payload, 7));
  CHECK_FALSE(dpi::be32(4).match(payload, 6));
  CHECK(dpi::le16(2, 0).match(Raw{0, 0, 4, 0}, 4));
  CHECK(dpi::le24(0, 4).match(Raw{1, 0, 0, 0, 9}, 5));
  CHECK(dpi::be24(0).match(Raw{0, 0, 4, 0}, 4));
  CHECK(dpi::be16(0, 2, 4).match(Raw{0, 1, 1, 1, 1, 1}, 6));
  CHECK(dpi::exactly(6).match(payload, 6));
  CHECK_FALSE(dpi::between(1, 5).match(payload, 6));
  CHECK(dpi::chunks_of(3).match(Raw{5, 0, 0, 5, 1, 1}, 6));
  CHECK_FALSE(dpi::chunks_of(3).match(Raw{5, 0, 0, 6, 1, 1}, 6));
}

TEST_CASE("pattern: every line gives enough evidence") {
  for (const Pattern& pattern : dpi::patterns()) {
    INFO(std::string(dpi::app_name(pattern.app)), " port ", pattern.port);
    CHECK(pattern.app != AppId::kUnknown);
    CHECK(pattern.evidence() >= Pattern::kEvidenceBits);
  }
}

TEST_CASE("pattern: noise is nobody's") {
  std::mt19937 random(7);
  size_t n_claimed = 0;
  for (int i = 0; i < 20000; ++i) {
    Raw noise(1 + random() % 200);
    for (uint8_t& byte : noise) byte = static_cast<uint8_t>(random());
    for (const Transport transport : {Transport::kTcp, Transport::kUdp}) {
      ParserRun run = run_for(transport, 50000);
      if (run.probe(noise) != Likelihood::kNo && run.feed(noise) == Answer::kDone) ++n_claimed;
    }
  }
  CHECK(n_claimed == 0);
}

TEST_CASE("pattern: the flow gets the name of its pattern") {
  Raw hello{0x13};
  for (const char c : std::string("BitTorrent protocol")) hello.push_back(static_cast<uint8_t>(c));
  hello.resize(68);
  ParserRun run = run_for(Transport::kTcp, 50000);
  CHECK(run.probe(hello) == Likelihood::kLikely);
  CHECK(run.feed(hello) == Answer::kDone);
  CHECK(run.context().last().facts.app == AppId::kBittorrent);
}

TEST_CASE("pattern: a weak look must come several times") {
  const Raw record{0, 1, 0, 0x13, 9};
  ParserRun run = run_for(Transport::kTcp, 11095);
  CHECK(run.probe(record) == Likelihood::kMaybe);
  CHECK(run.feed(record) == Answer::kNeedMore);
  CHECK(run.feed(record, false) == Answer::kDone);
  ParserRun other = run_for(Transport::kTcp, 11095);
  CHECK(other.feed(record) == Answer::kNeedMore);
  CHECK(other.feed({1, 2, 3}) == Answer::kReject);
}

TEST_CASE("pattern: what the other side said before does not matter") {
  const std::string notice = ":irc.example.org NOTICE * :*** Looking up your hostname";
  ParserRun run = run_for(Transport::kTcp, 8000);
  CHECK(run.feed({'N', 'I', 'C', 'K', ' ', 'a'}) == Answer::kNeedMore);
  CHECK(run.feed(Raw(notice.begin(), notice.end()), false) == Answer::kDone);
  CHECK(run.context().last().facts.app == AppId::kIrc);
  ParserRun other = run_for(Transport::kTcp, 8000);
  CHECK(other.feed({1, 2, 3}) == Answer::kNeedMore);
  CHECK(other.feed({1, 2, 3}) == Answer::kReject);
}

TEST_CASE("pattern: the usual port counts where it is asked for") {
  const Raw ping{0x17, 0x24, 1, 2};
  CHECK(run_for(Transport::kTcp, 5938).probe(ping) == Likelihood::kMaybe);
  CHECK(run_for(Transport::kTcp, 5939).probe(ping) == Likelihood::kNo);
}

TEST_CASE("pattern: survives damage") {
  for (const Pattern& pattern : dpi::patterns()) {
    Raw sample = payload_of(pattern);
    if (sample.size() > 80) sample.resize(80);
    const uint16_t port = pattern.port == 0 ? uint16_t{9} : pattern.port;
    each_prefix(sample, [&](Bytes bytes) {
      ParserRun run = run_for(pattern.transport, port);
      run.feed_span(bytes, true);
    });
  }
}

}  // namespace
}  // namespace thymus::test
