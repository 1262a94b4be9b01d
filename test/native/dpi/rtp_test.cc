#include <algorithm>

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
  const uint8_t head[] = {0x80, 0, 1, sequence, 0, 0, 0, sequence, 1, 2, 3, ssrc};
  Raw out(172, 0xd5);
  std::ranges::copy(head, out.begin());
  return out;
}

const Raw kReport = {0x80, 201, 0, 1, 1, 2, 3, 4, 0x81, 202, 0, 2, 1, 2, 3, 4, 1, 1, 'a', 0};

Raw operator+(Raw a, const Raw& b) {
  for (const uint8_t byte : b) a.push_back(byte);
  return a;
}

Raw framed(const Raw& content) {
  return Raw{static_cast<uint8_t>(content.size() >> 8), static_cast<uint8_t>(content.size())} +
         content;
}

ParserRun rtp_stream() { return {AppId::kRtp, Transport::kTcp, 40000, 40002}; }
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

TEST_CASE("rtp in a stream: three packets in sequence, however they are cut") {
  const Raw three = framed(packet(1, 0)) + Raw{0, 0} + framed(packet(2, 0)) + framed(packet(4, 0));
  CHECK(rtp_stream().probe(framed(packet(1))) == Likelihood::kMaybe);
  CHECK(rtp_stream().probe(three) == Likelihood::kNo);  // a null packet is no way to begin
  CHECK(rtp_stream().feed(three) == Answer::kDone);
  ParserRun run = rtp_stream();
  const size_t until_known = three.size() - packet(4).size() + 12;
  for (size_t i = 0; i < until_known; ++i) {
    CHECK(run.feed({three[i]}) == (i + 1 < until_known ? Answer::kNeedMore : Answer::kDone));
  }
}

TEST_CASE("rtp in a stream: another source, no header or no length is something else") {
  ParserRun source = rtp_stream();
  source.feed(framed(packet(1)));
  CHECK(source.feed(framed(packet(2, 8))) == Answer::kReject);
  CHECK(rtp_stream().probe(framed({0x80, 0, 0, 1})) == Likelihood::kNo);
  CHECK(rtp_stream().probe(framed(packet(1)) + framed(Raw(20, 'a'))) == Likelihood::kNo);
  CHECK(rtp_stream().probe(packet(1)) == Likelihood::kNo);
}

TEST_CASE("rtcp: packets whose lengths add up") {
  ParserRun run(AppId::kRtcp, Transport::kUdp, 40001, 40003);
  CHECK(run.probe(kReport) == Likelihood::kLikely);
  CHECK(run.feed(kReport) == Answer::kDone);
  Raw longer = kReport;
  longer.push_back(0);
  CHECK(run.probe(longer) == Likelihood::kNo);
}

TEST_CASE("rtcp: encrypted it is known where it was announced") {
  Raw encrypted = kReport;
  for (size_t i = 8; i < encrypted.size(); ++i) encrypted[i] ^= 0x5a;
  ParserRun run(AppId::kRtcp, Transport::kUdp, 40001, 40003);
  CHECK(run.probe(encrypted) == Likelihood::kNo);
  CHECK(run.feed(encrypted) == Answer::kReject);
  ParserRun announced(AppId::kRtcp, Transport::kUdp, 40001, 40003);
  announced.expected({});
  CHECK(announced.feed(encrypted) == Answer::kDone);
  CHECK(announced.feed({0x80, 0, 0, 1, 1, 2, 3, 4}) == Answer::kReject);
  CHECK(announced.feed({0x80, 201, 0, 9}) == Answer::kReject);
}

TEST_CASE("rtp, rtcp: survive damage") {
  mangle_parser({AppId::kRtp, Transport::kUdp, 40002, true, packet(1)});
  mangle_parser({AppId::kRtp, Transport::kTcp, 40002, true,
                 framed(packet(1)) + framed(packet(2)) + framed(packet(3))});
  mangle_parser({AppId::kRtcp, Transport::kUdp, 40002, true, kReport});
}

}  // namespace thymus::test
