// A bound on how often something is done.
#pragma once

#include <algorithm>
#include <cstdint>

namespace thymus::inject {

class TokenBucket {
 public:
  // REQUIRES: 1 <= per_second <= 1,000,000 and 1 <= burst <= 1,000,000
  constexpr TokenBucket(uint32_t per_second, uint32_t burst)
      : cost_ns_(1'000'000'000 / per_second), most_ns_(cost_ns_ * burst), credit_ns_(most_ns_) {}

  // Takes `n` or nothing. A clock that steps back gives nothing.
  bool take(uint32_t n, int64_t now_ns) {
    if (now_ns > last_ns_) {
      credit_ns_ = std::min(most_ns_, credit_ns_ + now_ns - last_ns_);
      last_ns_ = now_ns;
    }
    if (credit_ns_ < cost_ns_ * n) return false;
    credit_ns_ -= cost_ns_ * n;
    return true;
  }

 private:
  int64_t cost_ns_;
  int64_t most_ns_;
  int64_t credit_ns_;
  int64_t last_ns_ = 0;
};

}  // namespace thymus::inject
