// The engine clock: packet time made monotone, the same for any number of lanes.
//
// Small steps back (reordering in the capture) hold the clock still. A step back of more than
// kRebase (a clock that was set, files glued together, one mad timestamp) re-bases it: time goes on
// from where it was, at the pace of the new timestamps, so that timers keep working.
#pragma once

#include <cstdint>

namespace thymus::flow {

class PacketClock {
 public:
  static constexpr int64_t kRebaseNs = 10'000'000'000;

  // Engine time of a packet stamped `ts_ns`.
  int64_t advance(int64_t ts_ns) {
    if (!started_) {
      started_ = true;
      now_ns_ = ts_ns;
      return now_ns_;
    }
    const int64_t t = ts_ns + offset_ns_;
    if (t >= now_ns_) {
      now_ns_ = t;
    } else {
      ++backwards_;
      if (now_ns_ - t > kRebaseNs) {
        offset_ns_ = now_ns_ - ts_ns;
        ++jumps_;
      }
    }
    return now_ns_;
  }

  int64_t now_ns() const { return now_ns_; }
  uint64_t backwards() const { return backwards_; }
  uint64_t jumps() const { return jumps_; }

 private:
  int64_t now_ns_ = 0;
  int64_t offset_ns_ = 0;
  uint64_t backwards_ = 0;
  uint64_t jumps_ = 0;
  bool started_ = false;
};

}  // namespace thymus::flow
