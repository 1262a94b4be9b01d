// What parsers of industrial protocols do alike with a flow: messages out of its stream, a
// complaint where there are none, and going on behind a hole.
#pragma once

#include "dpi/industrial/event_quota.h"
#include "dpi/industrial/framed_stream.h"

namespace thymus::dpi {

// The state of such a parser derives from it.
struct FramedFlow {
  FramedStream stream;
  EventQuota quota;
};

// Of a protocol; `measure` and `max_kept` as FramedStream::show takes them.
struct FrameRules {
  size_t (*measure)(Bytes bytes);
  size_t max_kept;
  uint16_t malformed;  // anomaly: between messages there are bytes that are none
};

// The body of Parser::on_data; `on_frame(start, bytes)` as for FramedStream::show.
template <typename OnFrame>
Answer show_frames(const FrameRules& rules, const Segment& segment, FramedFlow* flow,
                   Context* context, OnFrame&& on_frame) {
  const bool is_in_order =
      flow->stream.show(segment, rules.max_kept, context, rules.measure, on_frame);
  if (!is_in_order && flow->stream.n_frames() > 0) {
    flow->quota.complain(rules.malformed, context);
  }
  return flow->stream.answer();
}

// Parser::on_gap.
template <typename State>
bool lose_frames(void* state, bool from_originator, Context* context) {
  static_cast<State*>(state)->stream.lose(from_originator, context);
  return true;
}

}  // namespace thymus::dpi
