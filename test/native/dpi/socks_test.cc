#include <doctest/doctest.h>

#include "dpi/parser_mangle.h"

namespace thymus::test {
namespace {

using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;
using Raw = std::vector<uint8_t>;

struct Turn {
  bool by_client;
  Raw bytes;
};

const std::vector<Turn> kFive = {{true, {5, 2, 0, 2}},
                                 {false, {5, 2}},
                                 {true, {1, 1, 'u', 2, 'p', 'w'}},
                                 {false, {1, 0}},
                                 {true, {5, 1, 0, 3, 4, 'h', 'o', 's', 't', 0, 80}},
                                 {false, {5, 0, 0, 1, 10, 0, 0, 1, 0, 80}}};
const std::vector<Turn> kFourA = {{true, {4, 1, 0, 80, 0, 0, 0, 1, 'u', 0, 'h', 0}},
                                  {false, {0, 90, 0, 0, 0, 0, 0, 0}}};

Answer last_answer(ParserRun* run, const std::vector<Turn>& turns, size_t piece_bytes) {
  Answer answer = Answer::kReject;
  for (const Turn& turn : turns) {
    for (size_t at = 0; at < turn.bytes.size(); at += piece_bytes) {
      const size_t n = std::min(piece_bytes, turn.bytes.size() - at);
      answer = run->feed_span(Bytes(turn.bytes).subspan(at, n), turn.by_client);
    }
  }
  return answer;
}

}  // namespace

TEST_CASE("socks: hands over what it carries") {
  for (const auto& turns : {kFive, kFourA}) {
    for (const size_t piece : {1, 3, 100}) {
      ParserRun run(AppId::kSocks, Transport::kTcp, 40000, 1080);
      CHECK(last_answer(&run, turns, piece) == Answer::kHandOver);
      CHECK(run.context().last().next == AppId::kUnknown);
      CHECK(run.context().last().next_bytes == 0);
    }
  }
}

TEST_CASE("socks: what is no reply ends it") {
  ParserRun run(AppId::kSocks, Transport::kTcp, 40000, 1080);
  CHECK(run.feed({5, 1, 0}) == Answer::kNeedMore);
  CHECK(run.feed({'H', 'T'}, false) == Answer::kReject);
}

TEST_CASE("socks: off its port it is only a guess") {
  const ParserRun on_port(AppId::kSocks, Transport::kTcp, 40000, 1080);
  const ParserRun other(AppId::kSocks, Transport::kTcp, 40000, 9999);
  CHECK(on_port.probe({5, 1, 0}) == Likelihood::kLikely);
  CHECK(other.probe({5, 1, 0}) == Likelihood::kMaybe);
  CHECK(other.probe({5, 1, 0, 0}) == Likelihood::kNo);
  CHECK(other.probe({5, 0}) == Likelihood::kNo);
}

TEST_CASE("socks: survives damage") {
  mangle_parser({AppId::kSocks, Transport::kTcp, 1080, true, kFourA[0].bytes});
  for (size_t damaged = 0; damaged < kFive.size(); ++damaged) {
    mangle(kFive[damaged].bytes, [&](Bytes bytes) {
      ParserRun run(AppId::kSocks, Transport::kTcp, 40000, 1080);
      auto turns = kFive;
      turns[damaged].bytes.assign(bytes.begin(), bytes.end());
      last_answer(&run, turns, 100);
    });
  }
}

}  // namespace thymus::test
