// TCP of one flow: handshake, state, history, sequence space.
#pragma once

#include <string_view>

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

inline constexpr std::string_view kHistoryLetters = "shadfrctwgiq^";

// Adds a letter to the history (Zeek's, upper case for the originator), once per direction. Its bit
// is known when this is compiled: looking it up cost each segment several steps.
template <char kLetter>
void add_history(int dir, Flow* flow) {
  constexpr size_t kBit = kHistoryLetters.find(kLetter);
  static_assert(kBit < kHistoryLetters.size());
  uint16_t& seen = flow->direction[dir].history_seen;
  if (seen & 1u << kBit) return;
  seen = static_cast<uint16_t>(seen | 1u << kBit);
  if (flow->n_history == kHistoryMost) return;
  constexpr char kUpper = kLetter == '^' ? kLetter : static_cast<char>(kLetter - 'a' + 'A');
  flow->history[flow->n_history++] = dir == 0 ? kUpper : kLetter;
}

}  // namespace thymus::flow
