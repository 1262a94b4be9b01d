#include <doctest/doctest.h>

#include "dpi/parser_mangle.h"

namespace thymus::test {
namespace {

using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;
using Raw = std::vector<uint8_t>;

Raw record(uint8_t type, uint16_t version, uint8_t epoch, uint8_t fragment_bytes) {
  Raw out = {type,
             static_cast<uint8_t>(version >> 8),
             static_cast<uint8_t>(version),
             0,
             epoch,
             0,
             0,
             0,
             0,
             0,
             1,
             0,
             fragment_bytes};
  out.resize(out.size() + fragment_bytes, 0xa5);
  return out;
}

const Raw kBinding = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

ParserRun run_of(AppId app) { return {app, Transport::kUdp, 40000, 50000}; }

}  // namespace

TEST_CASE("dtls: records of any epoch are known, one or several") {
  for (const uint16_t version : {0xfeff, 0xfefd}) {
    CHECK(run_of(AppId::kDtls).probe(record(22, version, 0, 40)) == Likelihood::kLikely);
    CHECK(run_of(AppId::kDtls).probe(record(23, version, 1, 40)) == Likelihood::kLikely);
  }
  Raw two = record(20, 0xfefd, 0, 1);
  const Raw second = record(22, 0xfefd, 1, 40);
  two.insert(two.end(), second.begin(), second.end());
  CHECK(run_of(AppId::kDtls).feed(two) == Answer::kDone);
  CHECK(run_of(AppId::kDtls).probe(record(23, 0x0100, 1, 40)) == Likelihood::kLikely);
  CHECK(run_of(AppId::kDtls).probe(record(25, 0xfefd, 1, 40)) == Likelihood::kLikely);
}

TEST_CASE("dtls: versions, types and lengths must fit") {
  Raw longer = record(22, 0xfefd, 0, 40);
  longer.push_back(0);
  for (const Raw& other :
       {record(19, 0xfefd, 0, 40), record(27, 0xfefd, 0, 40), record(22, 0x0303, 0, 40),
        record(22, 0x0100, 0, 40), record(22, 0xfefd, 0, 0), longer}) {
    CHECK(run_of(AppId::kDtls).probe(other) == Likelihood::kNo);
    CHECK(run_of(AppId::kDtls).feed(other) == Answer::kReject);
  }
}

TEST_CASE("dtls: a datagram that was cut short is judged by what it claims") {
  Raw cut = record(22, 0xfefd, 0, 40);
  cut.resize(30);
  ParserRun whole = run_of(AppId::kDtls), short_of_data = run_of(AppId::kDtls);
  CHECK(short_of_data.feed(cut) == Answer::kReject);
  CHECK(whole.feed(cut, true, 23) == Answer::kDone);
}

TEST_CASE("stun: hands over to dtls on the same ports") {
  ParserRun run = run_of(AppId::kStun);
  CHECK(run.probe(kBinding) == Likelihood::kLikely);
  CHECK(run.feed(kBinding) == Answer::kAccept);
  CHECK(run.feed({0x80, 0, 1, 2}) == Answer::kAccept);
  const Raw hello = record(22, 0xfefd, 0, 40);
  CHECK(run.feed(hello, false) == Answer::kHandOver);
  CHECK(run.context().last().next == AppId::kDtls);
  CHECK(run.context().last().next_bytes == hello.size());
}

TEST_CASE("stun: is watched for a while only") {
  ParserRun run = run_of(AppId::kStun);
  Answer answer = Answer::kReject;
  int n_shown = 0;
  do {
    answer = run.feed(kBinding);
    ++n_shown;
  } while (answer == Answer::kAccept && n_shown < 1000);
  CHECK(answer == Answer::kDone);
  CHECK(n_shown == 256);
  CHECK(run_of(AppId::kStun).feed({1, 2, 3}) == Answer::kReject);
}

TEST_CASE("dtls, stun: survive damage") {
  mangle_parser({AppId::kDtls, Transport::kUdp, 443, true, record(22, 0xfefd, 0, 40)});
  mangle_parser({AppId::kStun, Transport::kUdp, 3478, true, kBinding});
}

}  // namespace thymus::test
