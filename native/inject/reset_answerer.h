// Which segments are answered with which resets. No socket, no clock: frames in, frames out.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "inject/connection_book.h"
#include "inject/reset_frame.h"
#include "inject/reset_target.h"

namespace thymus::inject {

// Up to two resets for one segment.
struct Answer {
  std::array<ResetFrame, 2> frames;
  size_t n = 0;
};

struct AnswerCounts {
  uint64_t segments = 0;      // of targets
  uint64_t resets_seen = 0;   // among them; these are never answered
  uint64_t unanswerable = 0;  // of targets: fragments, and what a broken header says of them
  uint64_t answered = 0;      // segments
  uint64_t held_back = 0;     // segments that the rate left no room for
};

struct TargetState {
  uint64_t answered = 0;  // segments
  // Monotonic time of the last segment of a connection that should have been gone for a second;
  // 0: none.
  int64_t outlived_ns = 0;
};

class ResetAnswerer {
 public:
  // REQUIRES: 2 <= resets_per_second <= 1,000,000
  ResetAnswerer(uint32_t resets_per_second, HashKey hash_key);

  // All that is answered from now on; one that was there before keeps its state.
  void set_targets(std::span<const ResetTarget> targets);
  // `head` begins with an Ethernet header and may be cut; `origlen` is its length on the wire.
  // `now_ns` is monotonic.
  Answer answer(Bytes head, uint32_t origlen, int64_t now_ns, const Link& link);

  // In the order in which targets were given.
  std::span<const TargetState> states() const { return states_; }
  const AnswerCounts& counts() const { return counts_; }

 private:
  // Marks the targets that cover it.
  bool find(const decode::PacketView& segment);
  void note(const Connection& connection, bool was_answered, int64_t now_ns);

  TokenBucket bucket_;
  ConnectionBook connections_;
  std::vector<ResetTarget> targets_;
  std::vector<TargetState> states_;
  std::vector<uint32_t> covering_;  // targets of the segment at hand
  AnswerCounts counts_;
};

}  // namespace thymus::inject
