#include "capture/time_scale.h"

#include <algorithm>

#include "capture/source.h"

namespace thymus::capture {
namespace {

constexpr uint8_t kBinaryBit = 0x80;
constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint8_t kNsDigits = 9;
constexpr uint8_t kMostDigits = 19;  // 10^19 is the largest power of ten in 64 bits

uint64_t power_of_ten(int n) {
  uint64_t power = 1;
  while (n-- > 0) power *= 10;
  return power;
}

}  // namespace

TimeScale::TimeScale(uint8_t resolution, int64_t offset_seconds) : offset_seconds_(offset_seconds) {
  auto digits = static_cast<uint8_t>(resolution & ~kBinaryBit);
  if (resolution & kBinaryBit) {
    multiplier_ = kNsPerSecond;
    shift_ = digits;
  } else if (digits <= kNsDigits) {
    multiplier_ = power_of_ten(kNsDigits - digits);
  } else if (digits - kNsDigits <= kMostDigits) {
    divisor_ = power_of_ten(digits - kNsDigits);
  } else {
    multiplier_ = 0;  // all that 64 bits can count in such units is less than a nanosecond
  }
}

int64_t TimeScale::to_ns(uint64_t units) const {
  // Products of 64-bit numbers and their sum cannot overflow 128 bits.
  using Wide = __int128;
  auto ns = static_cast<Wide>(static_cast<unsigned __int128>(units) * multiplier_ >> shift_);
  if (divisor_ != 1) ns = static_cast<Wide>(units / divisor_);
  ns += static_cast<Wide>(offset_seconds_) * static_cast<Wide>(kNsPerSecond);
  return static_cast<int64_t>(std::clamp<Wide>(ns, 0, kMaxTimeNs));
}

}  // namespace thymus::capture
