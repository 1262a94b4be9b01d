// When to look at a flow again. A wheel of 100 ms ticks; one entry per flow, in a list per slot.
//
// Entries are lazy: a packet that moves a deadline later does not touch the wheel. When the entry
// fires the owner computes the real deadline and puts the flow back, or acts. A deadline that moves
// earlier must be moved at once (`move_earlier`). So every action happens at exactly the first tick
// at or after its deadline, whatever else the wheel holds.
//
// The links lie in an array of their own. Within the flows, five cache lines each, every step along
// a list and every neighbour of an entry that leaves was a cache miss. Each list is a ring through
// its slot's place, which is behind those of the flows.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/reserved_array.h"
#include "flow/flow.h"

namespace thymus::flow {

inline constexpr int64_t kTickNs = 100'000'000;

class TimerWheel {
 public:
  // Flows are known by their positions, which are below `max_flows`.
  explicit TimerWheel(uint32_t max_flows) : links_(max_flows + kSlots), first_slot_(max_flows) {
    for (uint32_t i = 0; i < kSlots; ++i) clear(first_slot_ + i);
  }

  int64_t now() const { return now_; }
  // Sets the first tick. REQUIRES: the wheel is empty.
  void start(int64_t tick) { now_ = tick; }
  bool empty() const { return size_ == 0; }

  // Fires at `tick`, but not before the next tick and not later than the wheel reaches.
  // REQUIRES: the flow is not in the wheel.
  void insert(uint32_t position, int64_t tick) {
    if (tick <= now_) tick = now_ + 1;
    if (tick > now_ + kSlots - 1) tick = now_ + kSlots - 1;
    const uint32_t slot = slot_of(tick);
    const uint32_t next = links_[slot].next - 1;
    links_[position] = {slot + 1, next + 1};
    links_[next].previous = links_[slot].next = position + 1;
    ++size_;
  }
  // Does nothing when the flow is not in the wheel.
  void remove(uint32_t position) {
    Link& link = links_[position];
    if (link.next == 0) return;
    links_[link.previous - 1].next = link.next;
    links_[link.next - 1].previous = link.previous;
    link.next = 0;
    --size_;
  }
  void move_earlier(uint32_t position, int64_t tick) {
    remove(position);
    insert(position, tick);
  }
  // Steps to the next tick and moves its entries into `due`, out of the wheel.
  void step(std::vector<uint32_t>* due) {
    ++now_;
    const uint32_t slot = slot_of(now_);
    for (uint32_t i = links_[slot].next - 1; i != slot;) {
      due->push_back(i);
      i = std::exchange(links_[i].next, 0) - 1;
      --size_;
    }
    clear(slot);
  }

 private:
  static constexpr uint32_t kSlots = 1024;

  // Places, one more than they are.
  struct Link {
    uint32_t previous;
    uint32_t next;  // 0: not in the wheel
  };

  uint32_t slot_of(int64_t tick) const {
    return first_slot_ + static_cast<uint32_t>(tick & (kSlots - 1));
  }
  void clear(uint32_t slot) { links_[slot] = {slot + 1, slot + 1}; }

  ReservedArray<Link> links_;
  uint32_t first_slot_;
  int64_t now_ = 0;
  size_t size_ = 0;
};

}  // namespace thymus::flow
