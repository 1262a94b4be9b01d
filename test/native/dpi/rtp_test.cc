#include <doctest/doctest.h>

#include "dpi/parser_mangle.h"

namespace thymus::test {
namespace {

using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;
using Raw = std::vector<uint8_t>;

Raw packet(uint8_t sequence, uint8_t ssrc = 7) {
  Raw out = {0x80, 0, 1, sequence, 0, 0, 0, sequence, 1, 2, 3, ssrc};
  out.resize(172, 0xd5);
  return out;
}

const Raw kReport = {0x80, 201, 0, 1, 1, 2, 3, 4, 0x81, 202, 0, 2, 1, 2, 3, 4, 1, 1, 'a', 0};

ParserRun rtp() { return {AppId::kRtp, Transport::kUdp, 40000, 40002}; }

}  // namespace

TEST_CASE("rtp: three datagrams of one source in sequence") {
  ParserRun run = rtp();
  CHECK(run.probe(packet(1)) == Likelihood::kMaybe);
  CHECK(run.feed(packet(1)) == Answer::kNeedMore);
  CHECK(run.feed(packet(9, 8), false) == Answer::kNeedMore);
  CHECK(run.feed(packet(2)) == Answer::kNeedMore);
  CHECK(run.feed(packet(2)) == Answer::kNeedMore);
  CHECK(run.feed(packet(4)) == Answer::kDone);
}

TEST_CASE("rtp: another source or a jump is something else") {
  ParserRun source = rtp(), jump = rtp(), back = rtp();
  source.feed(packet(1));
  CHECK(source.feed(packet(2, 8)) == Answer::kReject);
  jump.feed(packet(1));
  CHECK(jump.feed(packet(200)) == Answer::kReject);
  back.feed(packet(5));
  CHECK(back.feed(packet(4)) == Answer::kReject);
}

TEST_CASE("rtp: one datagram is enough where it was announced") {
  ParserRun run = rtp();
  run.expected({});
  CHECK(run.feed({0, 1}) == Answer::kNeedMore);
  CHECK(run.feed(packet(1)) == Answer::kDone);
}

TEST_CASE("rtp: no header, no guess") {
  CHECK(rtp().probe({0x80, 0, 0, 1}) == Likelihood::kNo);
  Raw reserved = packet(1);
  reserved[1] = 72;
  CHECK(rtp().probe(reserved) == Likelihood::kNo);
  const ParserRun low(AppId::kRtp, Transport::kUdp, 40000, 53);
  CHECK(low.probe(packet(1)) == Likelihood::kNo);
}

TEST_CASE("rtcp: packets whose lengths add up") {
  ParserRun run(AppId::kRtcp, Transport::kUdp, 40001, 40003);
  CHECK(run.probe(kReport) == Likelihood::kLikely);
  CHECK(run.feed(kReport) == Answer::kDone);
  Raw longer = kReport;
  longer.push_back(0);
  CHECK(run.probe(longer) == Likelihood::kNo);
}

TEST_CASE("rtp, rtcp: survive damage") {
  mangle_parser({AppId::kRtp, Transport::kUdp, 40002, true, packet(1)});
  mangle_parser({AppId::kRtcp, Transport::kUdp, 40002, true, kReport});
}

}  // namespace thymus::test
