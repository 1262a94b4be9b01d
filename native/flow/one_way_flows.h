// The flows that nobody has answered yet, oldest first, by the segment they go to: what gives way
// when a flood of spoofed sources fills the table, so that it never pushes out a two-way flow.
//
// They may hold a share of the table in all and for each segment. Above it the oldest one goes for
// each that comes: a genuine attempt has ample time to be answered meanwhile. A flow leaves the
// list when it is answered or has more packets than an attempt has; traffic of which a tap sees one
// direction only is no flood.
#pragma once

#include <cstdint>
#include <vector>

#include "base/reserved_array.h"
#include "flow/flow.h"

namespace thymus::flow {

class OneWayFlows {
 public:
  static constexpr uint64_t kMostPackets = 3;  // of a flow in the list

  // Flows are known by their positions, which are below `max_flows`.
  OneWayFlows(uint32_t max_flows, size_t segments)
      : links_(max_flows), lists_(segments), most_(max_flows / 2), most_each_(max_flows / 3) {}

  // REQUIRES: the flow is not in a list.
  void add(uint32_t position, size_t segment) {
    List& list = lists_[segment];
    links_[position] = {list.newest, kNoIndex, static_cast<uint32_t>(segment + 1)};
    (list.newest == kNoIndex ? list.oldest : links_[list.newest].next) = position;
    list.newest = position;
    ++list.size;
    ++size_;
  }
  // Does nothing when the flow is in no list.
  void remove(uint32_t position) {
    Link& link = links_[position];
    if (link.list == 0) return;
    List& list = lists_[link.list - 1];
    (link.previous == kNoIndex ? list.oldest : links_[link.previous].next) = link.next;
    (link.next == kNoIndex ? list.newest : links_[link.next].previous) = link.previous;
    link.list = 0;
    --list.size;
    --size_;
  }
  // Who has to go before one more may come to `segment`; kNoIndex: nobody.
  uint32_t surplus(size_t segment) const {
    if (lists_[segment].size >= most_each_) return lists_[segment].oldest;
    if (size_ < most_) return kNoIndex;
    const List* largest = &lists_[0];
    for (const List& list : lists_) {
      if (list.size > largest->size) largest = &list;
    }
    return largest->oldest;
  }

 private:
  struct Link {
    uint32_t previous;
    uint32_t next;
    uint32_t list;  // number + 1; 0: in none
  };
  struct List {
    uint32_t oldest = kNoIndex;
    uint32_t newest = kNoIndex;
    uint32_t size = 0;
  };

  ReservedArray<Link> links_;
  std::vector<List> lists_;
  uint32_t most_;
  uint32_t most_each_;
  uint32_t size_ = 0;
};

}  // namespace thymus::flow
