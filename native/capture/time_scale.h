// How the time stamps of one pcapng interface become nanoseconds.
#pragma once

#include <cstdint>

namespace thymus::capture {

class TimeScale {
 public:
  // pcapng's default: microseconds, no offset.
  TimeScale() : TimeScale(6, 0) {}
  // `resolution` as in if_tsresol: units of 10^-n, or of 2^-n when the highest bit is set.
  TimeScale(uint8_t resolution, int64_t offset_seconds);

  // Clamped to [0, kMaxTimeNs].
  int64_t to_ns(uint64_t units) const;

 private:
  uint64_t multiplier_ = 1;
  uint64_t divisor_ = 1;
  uint8_t shift_ = 0;
  int64_t offset_seconds_;
};

}  // namespace thymus::capture
