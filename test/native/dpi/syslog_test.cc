#include "base/generated/events/syslog.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"
#include "dpi/parser_mangle.h"

namespace thymus::test {
namespace {

namespace ids = event::syslog;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

const std::string kBsd = "<38>Oct 11 22:14:15 gate sshd[77]: session opened";
const std::string kNew = "<165>1 2003-10-11T22:14:15.003Z host.test app 8710 ID47 - text";

Fields event_of(const std::string& text) {
  ParserRun run(AppId::kSyslog, Transport::kUdp, 40000, 514);
  CHECK(run.probe(raw(text)) == Likelihood::kLikely);
  CHECK(run.feed(raw(text)) == Answer::kAccept);
  return run.log().of(event::kSyslog).at(0);
}

}  // namespace

TEST_CASE("syslog: as BSD wrote it") {
  const Fields event = event_of(kBsd);
  CHECK(event.text(ids::kFacility) == "auth");
  CHECK(event.text(ids::kSeverity) == "info");
  CHECK(event.text(ids::kHostname) == "gate");
  CHECK(event.text(ids::kProgram) == "sshd");
  CHECK(event.number(ids::kMessageBytes) == kBsd.size());
}

TEST_CASE("syslog: as RFC 5424 has it") {
  const Fields event = event_of(kNew);
  CHECK(event.text(ids::kFacility) == "local4");
  CHECK(event.text(ids::kSeverity) == "notice");
  CHECK(event.text(ids::kHostname) == "host.test");
  CHECK(event.text(ids::kProgram) == "app");
}

TEST_CASE("syslog: without time and host") {
  const Fields event = event_of("<13>kernel: oops");
  CHECK(event.text(ids::kProgram) == "kernel");
  CHECK(!event.has(ids::kHostname));
}

TEST_CASE("syslog: with a time in the form of ISO 8601") {
  const Fields event = event_of("<13>2013-09-12T19:04:05+02:00 gate cron[7]: started");
  CHECK(event.text(ids::kHostname) == "gate");
  CHECK(event.text(ids::kProgram) == "cron");
}

TEST_CASE("syslog: a priority must exist") {
  ParserRun run(AppId::kSyslog, Transport::kUdp, 40000, 514);
  CHECK(run.probe(raw("<192>x")) == Likelihood::kNo);
  CHECK(run.probe(raw("<>x")) == Likelihood::kNo);
  CHECK(run.feed(raw("hello")) == Answer::kReject);
}

TEST_CASE("syslog: survives damage") {
  mangle_parser({AppId::kSyslog, Transport::kUdp, 514, true, raw(kBsd)});
  mangle_parser({AppId::kSyslog, Transport::kUdp, 514, true, raw(kNew)});
}

}  // namespace thymus::test
