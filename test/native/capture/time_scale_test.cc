#include "capture/time_scale.h"

#include <limits>

#include <doctest/doctest.h>

#include "capture/source.h"

namespace thymus::test {
namespace {

using capture::kMaxTimeNs;
using capture::TimeScale;

constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();

TEST_CASE("time scale: units become nanoseconds") {
  struct Case {
    uint8_t resolution;
    int64_t offset_seconds;
    uint64_t units;
    int64_t ns;
  };
  const Case cases[] = {
      {6, 0, 1'700'000'000'123'456, 1'700'000'000'123'456'000},
      {9, 0, 1'700'000'000'123'456'789, 1'700'000'000'123'456'789},
      {0, 0, 1'700'000'000, 1'700'000'000'000'000'000},
      {3, 1, 5, 1'005'000'000},
      {12, 0, 1'999'999, 1'999},
      {0x80, 0, 3, 3'000'000'000},
      {0x80 | 1, 0, 3, 1'500'000'000},
      {0x80 | 32, 0, uint64_t{7} << 31, 3'500'000'000},
      {0x80 | 64, 0, uint64_t{1} << 63, 500'000'000},
      {6, -10, 12'000'000, 2'000'000'000},
  };
  for (const Case& c : cases) {
    CAPTURE(static_cast<int>(c.resolution));
    CHECK(TimeScale(c.resolution, c.offset_seconds).to_ns(c.units) == c.ns);
  }
}

TEST_CASE("time scale: what does not fit is clamped") {
  CHECK(TimeScale(0, 0).to_ns(kMost) == kMaxTimeNs);
  CHECK(TimeScale(6, std::numeric_limits<int64_t>::max()).to_ns(kMost) == kMaxTimeNs);
  CHECK(TimeScale(6, std::numeric_limits<int64_t>::min()).to_ns(kMost) == 0);
  CHECK(TimeScale(6, -13).to_ns(12'000'000) == 0);
}

TEST_CASE("time scale: every resolution is defined") {
  for (int resolution = 0; resolution < 256; ++resolution) {
    CAPTURE(resolution);
    TimeScale scale(static_cast<uint8_t>(resolution), 0);
    CHECK(scale.to_ns(0) == 0);
    CHECK(scale.to_ns(kMost) >= scale.to_ns(1));
  }
  CHECK(TimeScale(28, 0).to_ns(kMost) == 1);
  CHECK(TimeScale(29, 0).to_ns(kMost) == 0);
  CHECK(TimeScale(0x80 | 127, 0).to_ns(kMost) == 0);
}

}  // namespace
}  // namespace thymus::test
