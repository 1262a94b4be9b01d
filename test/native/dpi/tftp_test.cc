#include "base/generated/events/tftp.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"
#include "dpi/parser_mangle.h"

namespace thymus::test {
namespace {

namespace ids = event::tftp;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

const std::vector<uint8_t> kRead =
    raw(std::string("\0\1boot.img\0octet\0blksize\0"
                    "512\0",
                    29));

ParserRun tftp() { return {AppId::kTftp, Transport::kUdp, 40000, 69}; }

}  // namespace

TEST_CASE("tftp: a request and the flow that serves it") {
  ParserRun run = tftp();
  CHECK(run.probe(kRead) == Likelihood::kLikely);
  CHECK(run.feed(kRead) == Answer::kAccept);
  const Fields event = run.log().of(event::kTftp).at(0);
  CHECK(event.text(ids::kPacket) == "read");
  CHECK(event.text(ids::kFile) == "boot.img");
  CHECK(event.text(ids::kMode) == "octet");
  REQUIRE(run.context().announced.size() == 1);
  CHECK(run.context().announced[0].expectation.server_is_originator);
  CHECK(run.context().announced[0].expectation.server_port == 40000);

  ParserRun data(AppId::kTftp, Transport::kUdp, 3000, 40000);
  data.expected({});
  CHECK(data.feed({0, 3, 0, 1, 'x'}) == Answer::kAccept);
  CHECK(data.feed({0, 4, 0, 1}, false) == Answer::kAccept);
  CHECK(data.feed({9, 9}) == Answer::kReject);
}

TEST_CASE("tftp: is no request without a file, a mode and their ends") {
  CHECK(tftp().probe(raw(std::string("\0\1f\0octet", 9))) == Likelihood::kNo);
  CHECK(tftp().probe(raw(std::string("\0\1\0octet\0", 9))) == Likelihood::kNo);
  CHECK(tftp().probe(raw(std::string("\0\1f\0binary\0", 11))) == Likelihood::kNo);
  CHECK(tftp().feed({0, 3, 0, 1}) == Answer::kReject);
}

TEST_CASE("tftp: survives damage") {
  mangle_parser({AppId::kTftp, Transport::kUdp, 69, true, kRead});
}

}  // namespace thymus::test
