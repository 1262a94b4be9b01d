#include <string>

#include <doctest/doctest.h>

#include "dpi/parser_mangle.h"

namespace thymus::test {
namespace {

using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;
using Raw = std::vector<uint8_t>;

Raw raw(const std::string& text) { return {text.begin(), text.end()}; }

// Digits, a zero byte, and so many bytes that look like cipher text.
Raw encrypted(size_t length) {
  Raw out = raw(std::to_string(length));
  out.push_back(0);
  uint32_t state = 12345;
  for (size_t i = 0; i < length; ++i) {
    state = state * 1664525 + 1013904223;
    out.push_back(static_cast<uint8_t>(state >> 24));
  }
  return out;
}

ParserRun run_of() { return {AppId::kXworm, Transport::kTcp, 40000, 7000}; }

}  // namespace

TEST_CASE("decimal frames: STRRAT, its length in a payload of its own or not") {
  ParserRun apart = run_of();
  CHECK(apart.probe(raw("144\r\n\r\n")) == Likelihood::kMaybe);
  CHECK(apart.feed(raw("144\r\n\r\n")) == Answer::kNeedMore);
  CHECK(apart.feed(raw("ping|STRRAT|0AB1|PC|user|")) == Answer::kDone);
  CHECK(apart.context().last().facts.app == AppId::kStrrat);
  ParserRun whole = run_of();
  CHECK(whole.probe(raw("27\r\n\r\nping|STRRAT|0AB1|")) == Likelihood::kLikely);
  CHECK(whole.feed(raw("27\r\n\r\nping|STRRAT|0AB1|")) == Answer::kDone);
}

TEST_CASE("decimal frames: njRAT") {
  Raw hello = raw("212");
  hello.push_back(0);
  for (const uint8_t byte : raw("ll|'|'|SGFjS2Vk|'|'|PC|'|'|")) hello.push_back(byte);
  ParserRun run = run_of();
  CHECK(run.feed(hello) == Answer::kDone);
  CHECK(run.context().last().facts.app == AppId::kNjrat);
}

TEST_CASE("decimal frames: XWorm has whole blocks of noise, as long as it says") {
  ParserRun run = run_of();
  CHECK(run.feed(encrypted(160)) == Answer::kDone);
  CHECK(run.context().last().facts.app == AppId::kXworm);
  CHECK(run_of().probe(encrypted(161)) == Likelihood::kNo);
  CHECK(run_of().probe(encrypted(32)) == Likelihood::kNo);
  Raw longer = encrypted(160);
  longer.push_back(1);
  CHECK(run_of().probe(longer) == Likelihood::kNo);
  Raw text = raw("160");
  text.push_back(0);
  text.resize(164, 'a');
  CHECK(run_of().probe(text) == Likelihood::kNo);
}

TEST_CASE("decimal frames: numbers of other protocols are not claimed") {
  CHECK(run_of().probe(raw("220 mail.example.org ESMTP\r\n")) == Likelihood::kNo);
  CHECK(run_of().probe(raw("1\r\n\r\n")) == Likelihood::kNo);
  CHECK(run_of().probe(raw("24:d2:id20:")) == Likelihood::kNo);
  CHECK(run_of().probe(raw("144\r\n\r\nhello")) == Likelihood::kNo);
  ParserRun run = run_of();
  CHECK(run.feed(raw("144\r\n\r\n")) == Answer::kNeedMore);
  CHECK(run.feed(raw("hello")) == Answer::kReject);
}

TEST_CASE("decimal frames: survive damage") {
  mangle_parser({AppId::kXworm, Transport::kTcp, 7000, true, encrypted(48)});
  mangle_parser({AppId::kXworm, Transport::kTcp, 7000, true, raw("27\r\n\r\nping|STRRAT|0AB1|")});
}

}  // namespace thymus::test
