// Packets in, flows and events out: the stage that keeps the flow table of one lane.
//
// One thread owns a tracker. It knows packets, engine time and a FlowSink; it never reads a clock,
// allocates nothing per packet and drops no packet: every IP packet is in exactly one flow, unless
// a flood fills the share of the table that unanswered flows may have (OneWayFlows), which is
// counted. A packet of a flow's first direction comes from its originator: who sent the first
// packet, or, where the capture began later, who looks like the client (flag kOriginatorGuessed).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/event_writer.h"
#include "base/reserved_array.h"
#include "decode/packet_view.h"
#include "flow/flow.h"
#include "flow/flow_table.h"
#include "flow/held_events.h"
#include "flow/home_net.h"
#include "flow/inspector.h"
#include "flow/one_way_flows.h"
#include "flow/shed.h"
#include "flow/timer_wheel.h"

namespace thymus::flow {

struct TrackerOptions {
  uint32_t max_flows = 1u << 20;           // per lane; a full table evicts
  size_t parser_state_bytes = 256u << 20;  // reserved, resident as used
  size_t stream_bytes = 64u << 20;         // of TCP payload that waits, reserved likewise
  dpi::ParserOptions parsers;
  HashKey secret = kReplayHashKey;  // of the table, entity keys and flow ids
  // Events of other kinds are counted and their fields left out; null: all are wanted.
  const EventKinds* wanted_events = nullptr;
  bool strict_checksums = false;  // keep packets with bad checksums out of streams
};

struct TrackerCounters {
  uint64_t flows = 0;
  uint64_t flows_ended = 0;
  uint64_t most_active = 0;
  uint64_t evictions = 0;
  uint64_t unrecorded_flows = 0;
  uint64_t unrecorded_packets = 0;
  uint64_t icmp_errors_matched = 0;
  uint64_t events_held = 0;
  uint64_t events_unacknowledged = 0;
  uint64_t uninspected_flows = 0;
  uint64_t sampled_packets = 0;
};

class Tracker final : private EventWriter::Sink {
 public:
  // Idle timeouts by what is known of a flow, in nanoseconds of engine time.
  static constexpr int64_t kSecond = 1'000'000'000;
  static constexpr int64_t kEstablishedIdle = 300 * kSecond;
  static constexpr int64_t kHalfOpenIdle = 60 * kSecond;
  static constexpr int64_t kUnansweredIdle = 30 * kSecond;
  static constexpr int64_t kTwoWayIdle = 60 * kSecond;
  static constexpr int64_t kClosedIdle = kSecond;      // lets late segments join their flow
  static constexpr int64_t kStartDue = kSecond;        // START at the latest
  static constexpr int64_t kAttemptDue = 3 * kSecond;  // an unanswered SYN has failed
  static constexpr int64_t kUpdateDue = 60 * kSecond;
  static constexpr int64_t kAcknowledgementDue = 10 * kSecond;  // then an event waits no longer
  static constexpr int kStartPackets = 3;
  static constexpr uint64_t kElephantPackets = 1000;  // of a flow whose packets may be left out
  static constexpr uint64_t kUpdateGrowth = 8;
  static constexpr uint64_t kUpdateFloorBytes = 64 * 1024;

  // `home` and `sink` outlive the tracker.
  Tracker(const TrackerOptions& options, const HomeNet* home, FlowSink* sink);

  // Packets of this lane in input order; views that are not IP are passed over. Timers that are due
  // before a packet fire before it.
  void process(std::span<const decode::PacketView> views);
  // What is left out of the packets to come.
  void shed(Shed level) { shed_ = level; }
  // An ICMP error of another lane quotes a flow of this one.
  void notify(const decode::PacketView& icmp_error);
  // Engine time has come this far: fires what is due.
  void advance(int64_t engine_ns) {
    if (engine_ns >= next_tick_ns_) fire_until(engine_ns);
  }
  // The input is over: every flow ends now. REQUIRES: the time is that of no tick.
  void finish(int64_t engine_ns);

  const TrackerCounters& counters() const { return counters_; }
  const InspectorCounters& inspector_counters() const { return inspector_.counters(); }
  const stream::Counters& stream_counters() const { return inspector_.stream_counters(); }
  uint32_t active() const { return table_.size(); }

 private:
  static constexpr size_t kPrefetchDue = 8;  // flows ahead of the one whose timer fires

  struct Due {
    uint64_t index_last;
    uint32_t position;
    bool has_overdue_event;  // or else its timer fires
  };
  struct Lookup {
    FlowKey key;
    uint64_t hash;
    bool from_b;
  };

  void process_one(const decode::PacketView& view, const Lookup& lookup);
  bool leaves_out(const decode::PacketView& view, Flow* flow);
  void report_anomalies(const decode::PacketView& view);
  void inspect(const decode::PacketView& view, int dir, Flow* flow);
  void inspect_last(uint32_t position);
  void inspect_last_payload(Flow* flow);
  void report_faults(const decode::PacketView& view, stream::Faults faults);
  uint32_t find_or_start(const decode::PacketView& view, const Lookup& lookup);
  uint32_t start_flow(const decode::PacketView& view, const Lookup& lookup);
  size_t segment_of(const decode::PacketView& view) const;
  void make_room(size_t segment);
  void forget(uint32_t position);
  bool reuses_closed(const decode::PacketView& view, const Flow& flow) const;
  // True when the flow has just got its first answer.
  bool count_packet(const decode::PacketView& view, int dir, Flow* flow);
  void first_payload(const decode::PacketView& view, int dir, Flow* flow);
  void note_times(const decode::PacketView& view, int dir, Flow* flow);
  void note_tunnel(const decode::PacketView& view, int dir, uint32_t position);
  void emit(uint32_t position, uint8_t events, EndReason reason);
  void end_flow(uint32_t position, EndReason reason);
  void fire(const Due& due, int64_t tick_ns);
  void fire_until(int64_t engine_ns);
  void fire_tick();
  // Puts due_ into ordered_; the flows behind the first n_timers have overdue events.
  void in_total_order(size_t n_timers);
  // Brings in what the due flows after the one at `i` will need. Always inlined as in FlowTable.
  [[gnu::always_inline]] void prefetch_due(size_t i) const {
    if (i + kPrefetchDue < ordered_.size()) {
      table_.prefetch_whole(ordered_[i + kPrefetchDue].position);
    }
    if (i + kPrefetchDue / 2 < ordered_.size()) {
      table_.prefetch_entry_of(ordered_[i + kPrefetchDue / 2].position);
    }
  }
  int64_t next_due(const Flow& flow) const;
  int64_t idle_timeout(const Flow& flow) const;
  void schedule(uint32_t position) {
    wheel_.insert(position, (next_due(table_[position]) + kTickNs - 1) / kTickNs);
  }
  // Everything that is said from here on belongs to this moment; sub-indices count up from `sub`.
  void set_moment(int64_t engine_ns, uint64_t index, uint32_t sub) {
    moment_ = {engine_ns, index, sub};
  }
  // Fragments that waited for their first one share its moment, and so do an overdue event and a
  // timer of one flow.
  void enter_moment(int64_t engine_ns, uint64_t index) {
    const bool same = index == moment_.index && engine_ns == moment_.engine_ns;
    set_moment(engine_ns, index, same ? moment_.sub : 0);
  }
  Moment next_moment() {
    ++moment_.sub;
    return moment_;
  }
  void on_event(const FinishedEvent& event) override;
  bool is_from_originator(Side side) const;
  bool waits_for_acknowledgement() const;
  void hold(const FinishedEvent& event, bool from_originator);
  void say_first_held(Flow* flow, int64_t ts_ns);
  void say_acknowledged(const decode::PacketView& view, Flow* flow);
  void say_unacknowledged(Flow* flow);
  void say_overdue(Flow* flow, int64_t since_ns);

  TrackerOptions options_;
  const HomeNet* home_;
  FlowSink* sink_;
  FlowTable table_;
  // By the flow's position in the table; of flows in GTP-U only.
  ReservedArray<GtpTunnels> tunnels_;
  TimerWheel wheel_;
  OneWayFlows one_way_;
  HeldEvents held_;
  Inspector inspector_;
  Shed shed_ = Shed::kNothing;
  TrackerCounters counters_;
  std::vector<uint32_t> due_;  // scratch of timers
  std::vector<Due> ordered_;
  Moment moment_{};
  int64_t next_tick_ns_ = INT64_MIN;
  bool wheel_started_ = false;
  // The event under construction belongs to this flow.
  Flow* event_flow_ = nullptr;
  int64_t event_ts_ns_ = 0;
  bool event_from_originator_ = true;
};

}  // namespace thymus::flow
