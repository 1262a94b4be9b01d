// Clocks of the machine, for what runs live or measures itself; the packet loop reads none.
#pragma once

#include <cstdint>

#include <time.h>

namespace thymus {

// In nanoseconds: CLOCK_REALTIME since 1970, CLOCK_MONOTONIC since some moment.
inline int64_t clock_ns(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

}  // namespace thymus
