// When to look at a flow again. A wheel of 100 ms ticks; one entry per flow, in a list per slot.
//
// Entries are lazy: a packet that moves a deadline later does not touch the wheel. When the entry
// fires the owner computes the real deadline and puts the flow back, or acts. A deadline that moves
// earlier must be moved at once (`move_earlier`). So every action happens at exactly the first tick
// at or after its deadline, whatever else the wheel holds.
//
// The links lie in an array of their own. Within the flows, six cache lines each, every step along
// a list and every neighbour of an entry that leaves was a cache miss.
#pragma once

#include <cstdint>
#include <vector>

#include "base/reserved_array.h"
#include "flow/flow.h"

namespace thymus::flow {

inline constexpr int64_t kTickNs = 100'000'000;

class TimerWheel {
 public:
  // Flows are known by their positions, which are below `max_flows`.
  explicit TimerWheel(uint32_t max_flows) : links_(max_flows), heads_(kSlots, kNoIndex) {}

  int64_t now() const { return now_; }
  // Sets the first tick. REQUIRES: the wheel is empty.
  void start(int64_t tick) { now_ = tick; }
  bool empty() const { return size_ == 0; }

  // Fires at `tick`, but not before the next tick and not later than the wheel reaches.
  // REQUIRES: the flow is not in the wheel.
  void insert(uint32_t position, int64_t tick) {
    if (tick <= now_) tick = now_ + 1;
    if (tick > now_ + kSlots - 1) tick = now_ + kSlots - 1;
    const auto slot = static_cast<uint32_t>(tick & (kSlots - 1));
    uint32_t& head = heads_[slot];
    links_[position] = {kNoIndex, head, slot + 1};
    if (head != kNoIndex) links_[head].previous = position;
    head = position;
    ++size_;
  }
  // Does nothing when the flow is not in the wheel.
  void remove(uint32_t position) {
    Link& link = links_[position];
    if (link.place == 0) return;
    if (link.previous != kNoIndex) {
      links_[link.previous].next = link.next;
    } else {
      heads_[link.place - 1] = link.next;
    }
    if (link.next != kNoIndex) links_[link.next].previous = link.previous;
    link.place = 0;
    --size_;
  }
  void move_earlier(uint32_t position, int64_t tick) {
    remove(position);
    insert(position, tick);
  }
  // Steps to the next tick and moves its entries into `due`, out of the wheel.
  void step(std::vector<uint32_t>* due) {
    ++now_;
    const auto slot = static_cast<uint32_t>(now_ & (kSlots - 1));
    for (uint32_t i = heads_[slot]; i != kNoIndex; i = links_[i].next) {
      due->push_back(i);
      links_[i].place = 0;
      --size_;
    }
    heads_[slot] = kNoIndex;
  }

 private:
  static constexpr int64_t kSlots = 1024;

  struct Link {
    uint32_t previous;
    uint32_t next;
    uint32_t place;  // slot + 1; 0: not in the wheel
  };

  ReservedArray<Link> links_;
  std::vector<uint32_t> heads_;
  int64_t now_ = 0;
  size_t size_ = 0;
};

}  // namespace thymus::flow
