// Recognition of one lane's flows: chooses a parser by the first payload, feeds it while it is
// attached, lets go when it is done. TCP payload reaches a parser in order; at a hole a parser that
// cannot go on is detached and the hole counted.
#pragma once

#include <cstdint>

#include "base/event_writer.h"
#include "decode/packet_view.h"
#include "dpi/parser.h"
#include "flow/flow.h"
#include "flow/state_pool.h"

namespace thymus::flow {

struct InspectorCounters {
  uint64_t bytes = 0;
  uint64_t gaps = 0;
  uint64_t no_memory = 0;
};

class Inspector {
 public:
  Inspector(size_t state_bytes, EventWriter::Sink* events) : pool_(state_bytes), writer_(events) {}

  // Payload of one packet in direction `dir`. REQUIRES: view.payload_bytes > 0.
  void on_payload(const decode::PacketView& view, int dir, Flow* flow);
  // The flow ends: its parser reports what is open and its state is given back.
  void on_end(Flow* flow);

  const InspectorCounters& counters() const { return counters_; }

 private:
  bool in_order(const decode::PacketView& view, int dir, Flow* flow, Bytes* fresh);
  // Tells the parser of a hole; lets it go, and counts that, when it cannot go on.
  bool survives_gap(int dir, Flow* flow);
  void choose(const dpi::Segment& segment, Flow* flow);
  bool attach(uint8_t parser, Flow* flow);
  dpi::Answer feed(const dpi::Segment& segment, Flow* flow);
  void settle(dpi::Answer answer, Flow* flow);
  void detach(Flow* flow);

  StatePool pool_;
  EventWriter writer_;
  InspectorCounters counters_;
};

}  // namespace thymus::flow
