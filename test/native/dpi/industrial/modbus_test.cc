#include "base/generated/events/modbus.h"

#include <string>

#include <doctest/doctest.h>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "dpi/industrial/raw.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/parser_split.h"

namespace thymus::test {
namespace {

namespace ids = event::modbus;
namespace side = ids::request;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

Raw message(uint16_t transaction, uint8_t function, const Raw& data) {
  return be16(transaction) + be16(0) + be16(2 + data.size()) + Raw{17, function} + data;
}

ParserRun run(uint16_t port = 502) { return {AppId::kModbus, Transport::kTcp, 40000, port}; }
std::vector<Fields> events_of(const ParserRun& r) { return r.log().of(event::kModbus); }
Fields request_of(const Fields& e) { return e.objects(ids::kRequest).at(0); }
Fields response_of(const Fields& e) { return e.objects(ids::kResponse).at(0); }

std::vector<uint64_t> anomalies_of(const ParserRun& r) {
  std::vector<uint64_t> codes;
  for (const Fields& e : r.log().of(event::kAnomaly)) {
    codes.push_back(e.number(event::anomaly::kCode));
  }
  return codes;
}

const Raw kRead = message(1, 3, be16(0x6b) + be16(3));
const Raw kReadAnswer = message(1, 3, {6, 0, 1, 0, 2, 0, 3});
const Raw kWriteCoil = message(2, 5, be16(172) + be16(0xff00));
const Raw kWriteRegisters = message(3, 16, be16(1) + be16(2) + Raw{4, 0, 10, 1, 2});
const Raw kStopController = message(4, 90, {0, 0x41, 0xff});

TEST_CASE("modbus: a read with its answer is one event") {
  ParserRun r = run();
  CHECK(r.probe(kRead) == Likelihood::kLikely);
  CHECK(r.feed(kRead) == Answer::kAccept);
  CHECK(events_of(r).empty());
  r.feed(kReadAnswer, false);
  REQUIRE(events_of(r).size() == 1);
  const Fields e = events_of(r)[0];
  CHECK(e.text(ids::kOperation) == "read");
  CHECK(e.number(ids::kId) == 1);
  CHECK(request_of(e).number(side::kUnitId) == 17);
  CHECK(request_of(e).text(side::kFunctionCode) == "RdHoldRegs");
  CHECK(request_of(e).text(side::kAccessType) == "READ | HOLDING");
  CHECK(request_of(e).text(side::kCategory) == "PUBLIC_ASSIGNED");
  CHECK(request_of(e).text(side::kErrorFlags) == "NONE");
  CHECK(request_of(e).objects(side::kRead).at(0).number(side::read::kAddress) == 0x6b);
  CHECK(request_of(e).objects(side::kRead).at(0).number(side::read::kQuantity) == 3);
  CHECK(response_of(e).objects(side::kRead).at(0).text(side::read::kData).size() == 6);
  CHECK(r.log().events[0].side == Side::kOriginator);
}

TEST_CASE("modbus: answers find their requests in any order") {
  ParserRun r = run();
  r.feed(kRead + kWriteCoil + kWriteRegisters);
  r.feed(message(3, 16, be16(1) + be16(2)), false);
  r.feed(message(2, 0x85, {2}), false);
  r.feed(kReadAnswer, false);
  const auto events = events_of(r);
  REQUIRE(events.size() == 3);
  CHECK(events[0].text(ids::kOperation) == "write");
  const Fields written = request_of(events[0]).objects(side::kWrite).at(0);
  CHECK(written.number(side::write::kQuantity) == 2);
  CHECK(written.text(side::write::kData).size() == 4);
  CHECK(response_of(events[0]).objects(side::kWrite).at(0).number(side::write::kValue) == 2);
  const Fields exception = response_of(events[1]).objects(side::kException).at(0);
  CHECK(exception.text(side::exception::kCode) == "IllegalDataAddr");
  CHECK(request_of(events[2]).text(side::kFunctionCode) == "RdHoldRegs");
  CHECK(anomalies_of(r).empty());
}

TEST_CASE("modbus: functions inside of functions say what is asked") {
  ParserRun r = run();
  r.feed(message(5, 8, {0, 4, 0, 0}) + message(6, 43, {14, 1, 0}) + kStopController);
  r.end();
  const auto events = events_of(r);
  REQUIRE(events.size() == 3);
  CHECK(events[0].text(ids::kOperation) == "control");
  const Fields diagnostic = request_of(events[0]).objects(side::kDiagnostic).at(0);
  CHECK(diagnostic.text(side::diagnostic::kCode) == "ForceListenOnlyMode");
  CHECK(events[1].text(ids::kOperation) == "identify");
  CHECK(request_of(events[1]).objects(side::kMei).at(0).text(side::mei::kCode) == "RdDevId");
  CHECK(events[2].text(ids::kOperation) == "control");
  CHECK(request_of(events[2]).objects(side::kUmas).at(0).text(side::umas::kCode) == "stop_plc");
}

TEST_CASE("modbus: what breaks the rules is an anomaly") {
  ParserRun r = run();
  r.feed(message(1, 3, be16(0) + be16(126)));
  r.feed(message(2, 3, be16(0)));
  r.feed(message(3, 0, {}));
  r.feed(message(9, 4, {2, 0, 0}), false);
  r.feed(message(4, 4, be16(0) + be16(2)));
  r.feed(message(4, 4, {2, 0, 0}), false);
  CHECK(anomalies_of(r) == std::vector<uint64_t>{anomaly_code::kModbusInvalidValue,
                                                 anomaly_code::kModbusInvalidLength,
                                                 anomaly_code::kModbusInvalidFunctionCode,
                                                 anomaly_code::kModbusUnsolicitedResponse,
                                                 anomaly_code::kModbusValueMismatch});
  r.feed({0, 1, 0, 7, 0, 6, 1, 3, 0, 0, 0, 1});
  CHECK(anomalies_of(r).back() == anomaly_code::kModbusInvalidProtocolId);
}

TEST_CASE("modbus: requests that nobody answers are bounded") {
  ParserRun r = run();
  for (uint16_t i = 0; i < 100; ++i) r.feed(message(i, 3, be16(0) + be16(1)));
  CHECK(events_of(r).size() == 100 - 24);
  r.end();
  CHECK(events_of(r).size() == 100);
}

TEST_CASE("modbus: events of a flow are bounded, writes apart from reads") {
  ParserRun r = run();
  for (int i = 0; i < 20'010; ++i) r.feed(kRead + kWriteCoil);
  r.end();
  CHECK(events_of(r).size() <= 40'000);
  size_t n_writes = 0;
  for (const Fields& e : events_of(r)) n_writes += e.text(ids::kOperation) == "write" ? 1 : 0;
  CHECK(n_writes == 20'000);
}

TEST_CASE("modbus: recognised by content on any port") {
  CHECK(run(9999).probe(kRead) == Likelihood::kLikely);
  CHECK(run(9999).probe(kReadAnswer, false) == Likelihood::kLikely);
  CHECK(run(9999).probe({0, 1, 0, 0, 0, 6, 1, 3, 0, 0}) == Likelihood::kNo);
  CHECK(run(9999).probe(message(1, 99, {})) == Likelihood::kNo);
  CHECK(run(502).probe({0, 1, 0, 0}) == Likelihood::kMaybe);
  CHECK(run(502).probe({'G', 'E', 'T', ' ', '/', ' ', 'H', 'T'}) == Likelihood::kNo);
  ParserRun r = run(9999);
  r.feed(kReadAnswer, false);
  r.feed(kRead);
  r.end();
  CHECK(request_of(events_of(r).at(1)).has(side::kRead));
}

TEST_CASE("modbus: found again after a gap") {
  ParserRun r = run();
  r.feed(kRead);
  CHECK(r.gap(true));
  r.feed({1, 2, 3});
  r.feed(kWriteCoil);
  r.end();
  CHECK(events_of(r).size() == 2);
}

TEST_CASE("modbus: one side may begin with something else") {
  ParserRun r = run();
  CHECK(r.feed({0, 0, 0, 0, 0, 0}, false) == Answer::kNeedMore);
  CHECK(r.feed(kRead) == Answer::kAccept);
  r.feed(kReadAnswer, false);
  CHECK(events_of(r).size() == 1);
}

TEST_CASE("modbus: segments may be cut anywhere") {
  check_split(AppId::kModbus, 502,
              {{true, kRead + kWriteCoil},
               {false, kReadAnswer},
               {true, kWriteRegisters + kStopController}});
}

TEST_CASE("modbus: survives damage") {
  for (const Raw& sample : {kRead, kWriteCoil, kWriteRegisters, kStopController,
                            message(1, 23, zeros(9) + Raw{2, 0, 0}), message(1, 22, zeros(6)),
                            message(5, 8, {0, 4, 0, 0}), message(6, 43, {14, 1, 0})}) {
    mangle_parser({AppId::kModbus, Transport::kTcp, 502, true, sample});
  }
  for (const Raw& sample : {kReadAnswer, message(2, 0x85, {2}), message(1, 6, zeros(4))}) {
    mangle_parser({AppId::kModbus, Transport::kTcp, 502, false, sample});
  }
}

}  // namespace
}  // namespace thymus::test
