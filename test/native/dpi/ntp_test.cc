#include "base/generated/events/ntp.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"
#include "dpi/parser_mangle.h"

namespace thymus::test {
namespace {

namespace ids = event::ntp;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

std::string time_message(char lead, char stratum, const std::string& reference) {
  std::string out(48, '\0');
  out[0] = lead;
  out[1] = stratum;
  out.replace(12, reference.size(), reference);
  return out;
}

Fields event_of(const std::string& bytes) {
  ParserRun run(AppId::kNtp, Transport::kUdp, 40000, 123);
  CHECK(run.probe(raw(bytes)) == Likelihood::kLikely);
  CHECK(run.feed(raw(bytes)) == Answer::kAccept);
  return run.log().of(event::kNtp).at(0);
}

const std::string kMonlist("\x17\x00\x03\x2a\x00\x00\x00\x00", 8);

}  // namespace

TEST_CASE("ntp: mode, version and stratum") {
  const Fields client = event_of(time_message(0x23, 0, ""));
  CHECK(client.number(ids::kVersion) == 4);
  CHECK(client.text(ids::kMode) == "client");
  const Fields server = event_of(time_message(0x1c, 1, "GPS"));
  CHECK(server.number(ids::kVersion) == 3);
  CHECK(server.text(ids::kMode) == "server");
  CHECK(server.number(ids::kStratum) == 1);
  CHECK(server.text(ids::kReferenceId) == "GPS");
}

TEST_CASE("ntp: who asks for the list of clients is seen") {
  const Fields request = event_of(kMonlist);
  CHECK(request.text(ids::kMode) == "private");
  CHECK(request.number(ids::kMonlist) == 1);
  CHECK(request.number(ids::kResponse) == 0);
  const Fields response = event_of(std::string("\xd7\x00\x03\x2a", 4) + std::string(440, 'x'));
  CHECK(response.number(ids::kResponse) == 1);
  CHECK(response.number(ids::kRequestCode) == 42);
}

TEST_CASE("ntp: control messages") {
  const Fields event = event_of(std::string("\x16\x02", 2) + std::string(10, '\0'));
  CHECK(event.text(ids::kMode) == "control");
  CHECK(event.text(ids::kOperation) == "read_variables");
}

TEST_CASE("ntp: only on its port, and with a layout that exists") {
  const ParserRun other(AppId::kNtp, Transport::kUdp, 40000, 9999);
  CHECK(other.probe(raw(time_message(0x23, 0, ""))) == Likelihood::kNo);
  ParserRun run(AppId::kNtp, Transport::kUdp, 40000, 123);
  CHECK(run.probe(raw(time_message(0x23, 17, ""))) == Likelihood::kNo);
  CHECK(run.probe(raw(time_message(0x3b, 0, ""))) == Likelihood::kNo);
  CHECK(run.feed(raw(time_message(0x23, 0, "").substr(0, 40))) == Answer::kReject);
}

TEST_CASE("ntp: survives damage") {
  mangle_parser({AppId::kNtp, Transport::kUdp, 123, true, raw(time_message(0x1c, 1, "GPS"))});
  mangle_parser({AppId::kNtp, Transport::kUdp, 123, true, raw(kMonlist)});
}

}  // namespace thymus::test
