#include "base/generated/events/dnp3.h"

#include <string>

#include <doctest/doctest.h>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/parser_split.h"

namespace thymus::test {
namespace {

namespace ids = event::dnp3;
namespace objects = ids::application::objects;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;
using Raw = std::vector<uint8_t>;

constexpr uint8_t kFromMaster = 0xc4;
constexpr uint8_t kFromOutstation = 0x44;

void put_check(Raw* out, size_t from) {
  unsigned crc = 0;
  for (size_t i = from; i < out->size(); ++i) {
    crc ^= (*out)[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xa6bc : crc >> 1;
  }
  out->push_back(static_cast<uint8_t>(~crc));
  out->push_back(static_cast<uint8_t>(~crc >> 8));
}

// A frame with user data, the transport header included.
Raw frame(uint8_t control, const Raw& data) {
  Raw out{0x05, 0x64, static_cast<uint8_t>(5 + data.size()), control, 2, 0, 3, 0};
  put_check(&out, 0);
  for (size_t i = 0; i < data.size(); i += 16) {
    const size_t from = out.size();
    for (size_t j = i; j < std::min(i + 16, data.size()); ++j) out.push_back(data[j]);
    put_check(&out, from);
  }
  return out;
}

ParserRun run(uint16_t port = 20000) { return {AppId::kDnp3, Transport::kTcp, 40000, port}; }

std::vector<Fields> events_of(const ParserRun& r) { return r.log().of(event::kDnp3); }

std::vector<Fields> points_of(const Raw& data) {
  ParserRun r = run();
  r.feed(frame(kFromOutstation, data), false);
  REQUIRE(events_of(r).size() == 1);
  const Fields application = events_of(r)[0].objects(ids::kApplication).at(0);
  return application.objects(ids::application::kObjects).at(0).objects(objects::kPoints);
}

// Select, one control relay output block behind a 16-bit index.
const Raw kSelect{0xc0, 0xc7, 3, 12, 1, 0x28, 1, 0, 1, 0, 3, 1, 100, 0, 0, 0, 100, 0, 0, 0, 0};

TEST_CASE("dnp3: a request with its objects") {
  ParserRun r = run();
  r.feed(frame(kFromMaster, kSelect));
  REQUIRE(events_of(r).size() == 1);
  const Fields e = events_of(r)[0];
  CHECK(e.text(ids::kType) == "request");
  CHECK(e.number(ids::kSrc) == 3);
  CHECK(e.number(ids::kDst) == 2);
  const Fields application = e.objects(ids::kApplication).at(0);
  CHECK(application.number(ids::application::kFunctionCode) == 3);
  CHECK(application.number(ids::application::kComplete) == 1);
  const Fields object = application.objects(ids::application::kObjects).at(0);
  CHECK(object.number(objects::kPrefixCode) == 2);
  CHECK(object.number(objects::kRangeCode) == 8);
  const Fields point = object.objects(objects::kPoints).at(0);
  CHECK(point.number(objects::points::kIndex) == 1);
  CHECK(point.number(objects::points::kOpType) == 3);
  CHECK(point.number(objects::points::kOntime) == 100);
}

TEST_CASE("dnp3: a response has internal indications") {
  ParserRun r = run();
  r.feed(frame(kFromOutstation, {0xc0, 0xc0, 129, 0x80, 0x00}), false);
  const Fields e = events_of(r).at(0);
  CHECK(e.text(ids::kType) == "response");
  CHECK(e.objects(ids::kIin).at(0).text(ids::iin::kIndicators) == "device_restart");
  ParserRun other = run();
  other.feed(frame(kFromOutstation, {0xc0, 0xf0, 130, 0, 0}), false);
  CHECK(events_of(other).at(0).text(ids::kType) == "unsolicited_response");
}

TEST_CASE("dnp3: packed points, flags and values") {
  const auto packed = points_of({0xc0, 0xc0, 129, 0, 0, 80, 1, 0, 7, 8, 0x02});
  REQUIRE(packed.size() == 2);
  CHECK(packed[0].number(objects::points::kIndex) == 7);
  CHECK(packed[0].number(objects::points::kState) == 0);
  CHECK(packed[1].number(objects::points::kState) == 1);
  const auto analog = points_of({0xc0, 0xc0, 129, 0, 0, 30, 2, 0, 0, 0, 0x21, 0xff, 0xff});
  REQUIRE(analog.size() == 1);
  CHECK(analog[0].number(objects::points::kOnline) == 1);
  CHECK(analog[0].number(objects::points::kOverRange) == 1);
  double value = 0;
  const auto raw = analog[0].all(objects::points::kValue).at(0);
  std::memcpy(&value, raw.data(), sizeof value);
  CHECK(value == -1);
}

TEST_CASE("dnp3: fragments make one message") {
  ParserRun r = run();
  r.feed(frame(kFromMaster, {0x45, 0xc0, 1, 60}));
  CHECK(events_of(r).empty());
  r.feed(frame(kFromMaster, {0x86, 2, 6}));
  REQUIRE(events_of(r).size() == 1);
  CHECK(events_of(r)[0].objects(ids::kApplication)[0].has(ids::application::kObjects));
  ParserRun lost = run();
  lost.feed(frame(kFromMaster, {0x45, 0xc0, 1, 60}));
  lost.feed(frame(kFromMaster, {0x87, 2, 6}));
  CHECK(events_of(lost).empty());
}

TEST_CASE("dnp3: wrong checks are named, frames behind them found") {
  Raw broken = frame(kFromMaster, kSelect);
  broken[12] ^= 1;
  ParserRun r = run();
  r.feed(broken);
  r.feed(frame(kFromMaster, kSelect));
  CHECK(events_of(r).size() == 1);
  const auto anomalies = r.log().of(event::kAnomaly);
  REQUIRE(anomalies.size() == 1);
  CHECK(anomalies[0].number(event::anomaly::kCode) == anomaly_code::kDnp3BadTransportCrc);
}

TEST_CASE("dnp3: an object of unknown layout is named") {
  ParserRun r = run();
  r.feed(frame(kFromMaster, {0xc0, 0xc0, 2, 200, 9, 7, 1, 1}));
  CHECK(r.log().of(event::kAnomaly).at(0).number(event::anomaly::kCode) ==
        anomaly_code::kDnp3UnknownObject);
}

TEST_CASE("dnp3: known by its checked header on any port") {
  CHECK(run(9).probe(frame(kFromMaster, kSelect)) == Likelihood::kLikely);
  CHECK(run().probe({0x05, 0x64, 9, 1, 2, 3, 4, 5, 6, 7}) == Likelihood::kNo);
}

TEST_CASE("dnp3: segments may be cut anywhere") {
  Raw two = frame(kFromMaster, kSelect);
  const Raw more = frame(kFromMaster, {0xc1, 0xc1, 1, 60, 2, 6});
  two.insert(two.end(), more.begin(), more.end());
  check_split(AppId::kDnp3, 20000,
              {{true, two}, {false, frame(kFromOutstation, {0xc0, 0xc0, 129, 0x80, 0x00})}});
}

TEST_CASE("dnp3: survives damage") {
  mangle_parser({AppId::kDnp3, Transport::kTcp, 20000, true, frame(kFromMaster, kSelect)});
  // Behind a right check every value of every object byte.
  mangle(kSelect, [](Bytes data) {
    ParserRun r = run();
    r.feed(frame(kFromMaster, {data.begin(), data.end()}));
    for (const Event& e : r.log().events) CHECK(e.fields.well_formed());
  });
}

}  // namespace
}  // namespace thymus::test
