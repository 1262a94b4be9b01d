// The tracker's part in inspection: payload on its way to the inspector, and events on theirs to
// the sink, at once or when the peer has acknowledged what they are about.
#include <utility>

#include "flow/tracker.h"

namespace thymus::flow {
namespace {

namespace tcp = decode::tcp_flag;
using decode::PacketView;

// Sequence numbers compare modulo 2^32 (RFC 9293, 3.4).
bool is_acknowledged(uint32_t end_seq, const Direction& peer) {
  return static_cast<int32_t>(peer.ack - end_seq) >= 0;
}

}  // namespace

void Tracker::inspect(const PacketView& view, int dir, Flow* flow) {
  event_flow_ = flow;
  event_ts_ns_ = view.ts_ns;
  stream::Faults faults = 0;
  // First what the other side said: it was acknowledged before this packet was sent.
  if (flow->payload_seen & payload_bit::kWaiting) [[unlikely]] {
    event_from_originator_ = dir != 0;
    faults |= inspector_.on_ack(view, dir, flow);
  }
  event_from_originator_ = dir == 0;
  faults |= inspector_.on_payload(view, dir, flow);
  if (faults != 0) [[unlikely]]
    report_faults(view, faults);
}

// The flow ends: what waits is said, and what its parser still knows.
void Tracker::inspect_last(uint32_t position) {
  Flow& flow = table_[position];
  event_flow_ = &flow;
  event_ts_ns_ = flow.ts_last_ns;
  moment_.by_packet = !flow.is_tcp();
  while (flow.payload_seen & payload_bit::kHeld) say_first_held(&flow, flow.ts_last_ns);
  if (flow.payload_seen & payload_bit::kWaiting) [[unlikely]]
    inspect_last_payload(&flow);
  event_from_originator_ = true;
  inspector_.on_end(&flow);
  moment_.by_packet = true;
}

// What waited for bytes that did not come.
void Tracker::inspect_last_payload(Flow* flow) {
  for (const int dir : {0, 1}) {
    event_from_originator_ = dir == 0;
    const stream::Faults faults = inspector_.on_last_payload(dir, flow);
    if (faults == 0) continue;
    PacketView view{};
    view.ts_ns = flow->ts_last_ns;
    view.network = flow->key.a.is_v4() ? decode::Network::kIpv4 : decode::Network::kIpv6;
    view.protocol = flow->key.protocol;
    view.src = dir == 0 ? flow->orig_address() : flow->resp_address();
    view.dst = dir == 0 ? flow->resp_address() : flow->orig_address();
    view.src_port = dir == 0 ? flow->orig_port : flow->resp_port;
    view.dst_port = dir == 0 ? flow->resp_port : flow->orig_port;
    report_faults(view, faults);
  }
}

void Tracker::report_faults(const PacketView& view, stream::Faults faults) {
  using decode::Anomaly;
  constexpr std::pair<stream::Faults, Anomaly> kMeaning[] = {
      {stream::fault::kGap, Anomaly::kStreamReassemblySeqGap},
      {stream::fault::kDifferentData, Anomaly::kStreamReassemblyOverlapDifferentData},
      {stream::fault::kLimit, Anomaly::kStreamReassemblyInsertLimit},
  };
  for (const auto& [fault, anomaly] : kMeaning) {
    if (faults & fault) sink_->on_anomaly(view, anomaly, next_moment());
  }
}

bool Tracker::is_from_originator(Side side) const {
  switch (side) {
    case Side::kSender:
      return event_from_originator_;
    case Side::kOriginator:
      return true;
    case Side::kResponder:
      return false;
    case Side::kPacket:
      return event_from_originator_ != event_flow_->is_tcp();
  }
  return true;
}

void Tracker::on_event(const FinishedEvent& event) {
  const bool from_originator = is_from_originator(event.side);
  if (waits_for_acknowledgement()) {
    hold(event, from_originator);
    return;
  }
  sink_->on_event(*event_flow_, from_originator, event_ts_ns_, event.type, event.fields,
                  event.truncations, next_moment());
}

// Of the event under construction. A peer of which no packet was captured acknowledges nothing.
bool Tracker::waits_for_acknowledgement() const {
  if (!event_flow_->is_tcp() || !moment_.by_packet) return false;
  const int dir = event_from_originator_ ? 0 : 1;
  const Direction& peer = event_flow_->direction[dir ^ 1];
  if (peer.packets == 0) return false;
  return event_flow_->payload_seen & payload_bit::kHeld ||
         !is_acknowledged(event_flow_->stream_next[dir], peer);
}

void Tracker::hold(const FinishedEvent& event, bool from_originator) {
  const HeldEvents::Event held{event.type,
                               event.fields,
                               event.truncations,
                               from_originator,
                               event_from_originator_,
                               event_flow_->stream_next[event_from_originator_ ? 0 : 1],
                               moment_.engine_ns};
  ++counters_.events_held;
  const uint32_t position = table_.position_of(*event_flow_);
  while (!held_.add(position, !(event_flow_->payload_seen & payload_bit::kHeld), held)) {
    Flow& oldest = table_[held_.oldest()];
    say_unacknowledged(&oldest);
  }
  event_flow_->payload_seen |= payload_bit::kHeld;
}

void Tracker::say_first_held(Flow* flow, int64_t ts_ns) {
  const uint32_t position = table_.position_of(*flow);
  const HeldEvents::Event held = held_.front(position);
  sink_->on_event(*flow, held.from_originator, ts_ns, held.type, held.fields, held.truncations,
                  next_moment());
  if (!held_.pop(position)) {
    flow->payload_seen = static_cast<uint8_t>(flow->payload_seen & ~payload_bit::kHeld);
  }
}

// A RST acknowledges nothing: its sender no longer takes part in the stream.
void Tracker::say_acknowledged(const PacketView& view, Flow* flow) {
  if (!(view.tcp_flags & tcp::kAck) || view.tcp_flags & tcp::kRst) return;
  while (flow->payload_seen & payload_bit::kHeld) {
    const HeldEvents::Event held = held_.front(table_.position_of(*flow));
    if (!is_acknowledged(held.end_seq, flow->direction[held.by_originator ? 1 : 0])) return;
    say_first_held(flow, view.ts_ns);
  }
}

void Tracker::say_unacknowledged(Flow* flow) {
  ++counters_.events_unacknowledged;
  moment_.by_packet = false;
  say_first_held(flow, flow->ts_last_ns);
  moment_.by_packet = true;
}

void Tracker::say_overdue(Flow* flow, int64_t since_ns) {
  while (flow->payload_seen & payload_bit::kHeld &&
         held_.front(table_.position_of(*flow)).since_ns <= since_ns) {
    say_unacknowledged(flow);
  }
}

}  // namespace thymus::flow
