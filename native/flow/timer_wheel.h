// When to look at a flow again. A wheel of 100 ms ticks; one entry per flow, an intrusive list.
//
// Entries are lazy: a packet that moves a deadline later does not touch the wheel. When the entry
// fires the owner computes the real deadline and puts the flow back, or acts. A deadline that moves
// earlier must be moved at once (`move_earlier`). So every action happens at exactly the first tick
// at or after its deadline, whatever else the wheel holds.
#pragma once

#include <cstdint>
#include <vector>

#include "flow/flow.h"

namespace thymus::flow {

inline constexpr int64_t kTickNs = 100'000'000;

class TimerWheel {
 public:
  // `flows` is the pool that indices refer to.
  explicit TimerWheel(Flow* flows) : flows_(flows), heads_(kSlots, kNoIndex) {}

  int64_t now() const { return now_; }
  // Sets the first tick. REQUIRES: the wheel is empty.
  void start(int64_t tick) { now_ = tick; }
  bool empty() const { return size_ == 0; }

  // Fires at `tick`, but not before the next tick and not later than the wheel reaches.
  void insert(uint32_t index, int64_t tick) {
    if (tick <= now_) tick = now_ + 1;
    if (tick > now_ + kSlots - 1) tick = now_ + kSlots - 1;
    const auto slot = static_cast<uint32_t>(tick & (kSlots - 1));
    Flow& flow = flows_[index];
    flow.timer_tick = slot;
    flow.timer_prev = kNoIndex;
    flow.timer_next = heads_[slot];
    if (heads_[slot] != kNoIndex) flows_[heads_[slot]].timer_prev = index;
    heads_[slot] = index;
    ++size_;
  }
  void remove(uint32_t index) {
    Flow& flow = flows_[index];
    if (flow.timer_tick == kNoIndex) return;
    if (flow.timer_prev != kNoIndex) {
      flows_[flow.timer_prev].timer_next = flow.timer_next;
    } else {
      heads_[flow.timer_tick] = flow.timer_next;
    }
    if (flow.timer_next != kNoIndex) flows_[flow.timer_next].timer_prev = flow.timer_prev;
    flow.timer_tick = kNoIndex;
    --size_;
  }
  void move_earlier(uint32_t index, int64_t tick) {
    remove(index);
    insert(index, tick);
  }
  // Steps to the next tick and moves its entries into `due`, out of the wheel.
  void step(std::vector<uint32_t>* due) {
    ++now_;
    const auto slot = static_cast<uint32_t>(now_ & (kSlots - 1));
    for (uint32_t i = heads_[slot]; i != kNoIndex;) {
      due->push_back(i);
      Flow& flow = flows_[i];
      i = flow.timer_next;
      flow.timer_tick = kNoIndex;
      --size_;
    }
    heads_[slot] = kNoIndex;
  }

 private:
  static constexpr int64_t kSlots = 1024;

  Flow* flows_;
  std::vector<uint32_t> heads_;
  int64_t now_ = 0;
  size_t size_ = 0;
};

}  // namespace thymus::flow
