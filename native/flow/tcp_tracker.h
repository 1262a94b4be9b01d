// TCP of one flow: handshake, state, history, sequence space.
#pragma once

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

// Adds a letter to the history (Zeek's, upper case for the originator), once per direction.
void add_history(char letter, int dir, Flow* flow);

}  // namespace thymus::flow
