// TCP of one flow: handshake, state, history, sequence space.
#pragma once

#include <string_view>

#include "base/text_builder.h"
#include "decode/packet_view.h"
#include "flow/flow.h"

namespace thymus::flow {

// What a segment changed that the tracker must act on.
struct TcpChange {
  bool closed = false;   // both FINs or a RST: the flow ends soon
  bool refused = false;  // the first answer to a SYN was a RST
};

// Updates `flow` by one TCP segment of direction `dir` (0: from the originator).
// REQUIRES: view.transport_ok and protocol TCP.
TcpChange track_tcp(const decode::PacketView& view, int dir, Flow* flow);

inline constexpr std::string_view kHistoryLetters = "shadfrtwgq";
static_assert(2 * kHistoryLetters.size() == kHistoryMost);

// REQUIRES: the letter at this place is not in the history yet.
void append_history(size_t place, int dir, Flow* flow);

// Adds a letter to the history (Zeek's, upper case for the originator), once per direction. Its bit
// is known when this is compiled: looking it up cost each segment several steps.
template <char kLetter>
void add_history(int dir, Flow* flow) {
  constexpr size_t kPlace = kHistoryLetters.find(kLetter);
  static_assert(kPlace < kHistoryLetters.size());
  if (flow->direction[dir].history_seen & 1u << kPlace) return;
  append_history(kPlace, dir, flow);
}
// The letters in their order, after '^' where the originator was guessed.
TextBuilder<kHistoryMost + 1> history_of(const Flow& flow);

}  // namespace thymus::flow
