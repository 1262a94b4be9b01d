#include "flow/tracker.h"

#include <algorithm>

#include "dpi/candidates.h"
#include "flow/echo_data.h"
#include "flow/payload_stats.h"
#include "flow/tcp_tracker.h"

namespace thymus::flow {
namespace {

namespace ip = decode::ip_protocol;
namespace tcp = decode::tcp_flag;
using decode::PacketView;

constexpr size_t kPrefetchBlock = 32;

void count(uint32_t* counter) {
  if (*counter != 0xffffffff) ++*counter;
}

bool is_unanswered_attempt(const Flow& flow) {
  return flow.is_tcp() && flow.state == FlowState::kS0 && flow.direction[1].packets == 0 &&
         flow.direction[0].payload == 0;
}

// How likely it is that a service listens on a TCP port.
int service_rank(uint16_t port) {
  if (port < 1024) return 2;
  return dpi::is_service_port(port, dpi::Transport::kTcp) ? 1 : 0;
}

// Without a handshake the better-known port is the server's; a SYN-ACK comes from a server.
bool looks_like_answer(const PacketView& view) {
  if (view.protocol != ip::kTcp || !view.transport_ok) return false;
  if (view.tcp_flags & tcp::kSyn) return view.tcp_flags & tcp::kAck;
  return service_rank(view.src_port) > service_rank(view.dst_port);
}

// The identity of a run's flow: its key and its first packet.
uint64_t flow_id(const FlowKey& key, uint64_t index, HashKey secret) {
  uint8_t data[sizeof key + 8];
  std::memcpy(data, &key, sizeof key);
  std::memcpy(data + sizeof key, &index, 8);
  return siphash24(data, secret);
}

static_assert(static_cast<int>(decode::Encap::kOther) == 16, "four bits hold each Encap but kNone");
static_assert(decode::kMaxEncapDepth == 8);

uint32_t encap_stack(const PacketView& view) {
  uint32_t stack = 0;
  for (int i = 0; i < view.n_encap; ++i) {
    stack |= (static_cast<uint32_t>(view.encap[i]) - 1) << 4 * i;
  }
  return stack;
}

}  // namespace

Tracker::Tracker(const TrackerOptions& options, const HomeNet* home, FlowSink* sink)
    : options_(options),
      home_(home),
      sink_(sink),
      table_(options.max_flows),
      tunnels_(options.max_flows, Pages::kSmall),
      wheel_(options.max_flows),
      one_way_(options.max_flows, home->prefixes().size() + 1),
      held_(options.max_flows),
      inspector_({options.parser_state_bytes, options.stream_bytes, options.parsers,
                  options.wanted_events},
                 &table_, this) {}

void Tracker::process(std::span<const PacketView> views) {
  Lookup lookups[kPrefetchBlock];
  while (!views.empty()) {
    const size_t n = std::min(views.size(), kPrefetchBlock);
    for (size_t i = 0; i < n; ++i) {
      if (!views[i].is_ip()) continue;
      Lookup& lookup = lookups[i];
      lookup.from_b = make_key(views[i], &lookup.key);
      lookup.hash = hash_key(lookup.key, options_.secret);
      table_.prefetch_index(lookup.hash);
    }
    for (size_t i = 0; i < n; ++i) {
      if (views[i].is_ip()) table_.prefetch_flow(lookups[i].hash);
    }
    for (size_t i = 0; i < n; ++i) {
      advance(views[i].engine_ns);
      enter_moment(views[i].engine_ns, views[i].index);
      if (views[i].n_anomalies > 0) [[unlikely]]
        report_anomalies(views[i]);
      if (views[i].is_ip()) process_one(views[i], lookups[i]);
    }
    views = views.subspan(n);
  }
}

void Tracker::process_one(const PacketView& view, const Lookup& lookup) {
  const uint32_t position = find_or_start(view, lookup);
  Flow& flow = table_[position];
  const int dir = lookup.from_b != flow.orig_is_b;
  const bool answered = count_packet(view, dir, &flow);
  if (answered || flow.total_packets() == OneWayFlows::kMostPackets + 1) one_way_.remove(position);
  if (view.tunnel_type == decode::Encap::kGtpU && flow.direction[dir].packets == 1) [[unlikely]]
    note_tunnel(view, dir, position);
  TcpChange change;
  bool usable =
      view.transport_ok && !view.counts_only && !(options_.strict_checksums && view.bad_checksum);
  if (shed_ != Shed::kNothing && usable) [[unlikely]]
    usable = !leaves_out(view, &flow);
  if (usable && flow.is_tcp()) change = track_tcp(view, dir, &flow);
  if (usable && view.payload_wire_bytes > 0) {
    note_times(view, dir, &flow);
    const bool is_first = !(flow.payload_seen & payload_bit::kSeen << dir);
    if (is_first && view.payload_bytes > 0) first_payload(view, dir, &flow);
    if (view.icmp_type != 0) [[unlikely]]
      note_echo_data(view, dir, &flow);
  }
  if (usable && flow.payload_seen & payload_bit::kHeld) say_acknowledged(view, &flow);
  if (usable && Inspector::is_of_interest(view, flow)) inspect(view, dir, &flow);
  if (!flow.started) {
    const bool due = view.payload_wire_bytes > 0 || change.closed ||
                     (flow.total_packets() >= kStartPackets && !is_unanswered_attempt(flow));
    if (due) emit(position, flow_event::kStart, EndReason::kNone);
  } else if (flow.total_bytes() >= flow.update_bytes) {
    emit(position, flow_event::kUpdate, EndReason::kNone);
  }
  if (change.closed) {
    wheel_.move_earlier(position, (next_due(flow) + kTickNs - 1) / kTickNs);
  }
}

// True when the packet was counted and nothing else shall become of it.
bool Tracker::leaves_out(const PacketView& view, Flow* flow) {
  const bool is_open = flow->inspection == Inspection::kUndecided ||
                       (flow->inspection == Inspection::kAttached && shed_ >= Shed::kInspection);
  if (is_open && view.payload_wire_bytes > 0) {
    event_flow_ = flow;
    event_ts_ns_ = view.ts_ns;
    event_from_originator_ = true;
    inspector_.let_go(flow);
    flow->flags |= flow_flag::kUninspected;
    ++counters_.uninspected_flows;
  }
  if (shed_ < Shed::kElephants || flow->total_packets() <= kElephantPackets) return false;
  flow->flags |= flow_flag::kSampled;
  ++counters_.sampled_packets;
  return true;
}

void Tracker::report_anomalies(const PacketView& view) {
  const int kept = std::min(view.n_anomalies, PacketView::kMaxAnomalies);
  for (int i = 0; i < kept; ++i) sink_->on_anomaly(view, view.anomalies[i], next_moment());
}

uint32_t Tracker::find_or_start(const PacketView& view, const Lookup& lookup) {
  const uint32_t position = table_.find(lookup.key, lookup.hash);
  if (position == kNoIndex) return start_flow(view, lookup);
  if (!reuses_closed(view, table_[position])) return position;
  end_flow(position, EndReason::kEndOfFlowDetected);
  return start_flow(view, lookup);
}

bool Tracker::reuses_closed(const PacketView& view, const Flow& flow) const {
  return flow.closed && flow.is_tcp() && view.transport_ok &&
         (view.tcp_flags & (tcp::kSyn | tcp::kAck | tcp::kRst)) == tcp::kSyn;
}

uint32_t Tracker::start_flow(const PacketView& view, const Lookup& lookup) {
  const size_t segment = segment_of(view);
  make_room(segment);
  const uint32_t position = table_.insert(lookup.key, lookup.hash);
  one_way_.add(position, segment);
  Flow& flow = table_[position];
  const bool flipped = looks_like_answer(view);
  flow.orig_is_b = lookup.from_b != flipped;
  if (flipped) flow.flags |= flow_flag::kOriginatorGuessed;
  if (flow.is_tcp()) {
    if (!(view.tcp_flags & tcp::kSyn)) flow.flags |= flow_flag::kMidstream;
    flow.state = FlowState::kOther;
  } else {
    flow.state = FlowState::kS0;
  }
  if (view.dst.is_multicast() || view.dst.is_broadcast()) flow.flags |= flow_flag::kMulticast;
  const bool icmp = flow.key.protocol == ip::kIcmp || flow.key.protocol == ip::kIcmpV6;
  const uint16_t first_port =
      icmp ? static_cast<uint16_t>(view.icmp_type << 8 | view.icmp_code) : view.src_port;
  const uint16_t second_port = icmp ? view.icmp_id : view.dst_port;
  flow.orig_port = flipped ? second_port : first_port;
  flow.resp_port = flipped ? first_port : second_port;
  flow.orig_mac = flipped ? view.dst_mac : view.src_mac;
  flow.resp_mac = flipped ? view.src_mac : view.dst_mac;
  flow.ts_first_ns = view.ts_ns;
  flow.engine_emit_ns = view.engine_ns;
  flow.engine_last_ns = view.engine_ns;
  flow.ts_last_ns = view.ts_ns;
  flow.rtt_us = kNotMeasured;
  flow.parser_state = kNoIndex;
  for (Direction& d : flow.direction) d.entropy = d.printable = 255;
  flow.id = flow_id(flow.key, view.index, options_.secret);
  if (view.encap_depth > 0 || view.tunnel_id != 0) [[unlikely]] {
    FlowExtras& extras = table_.make_extras(&flow);
    extras.tunnel_id = view.tunnel_id;
    extras.encap_depth = view.encap_depth;
    extras.encap_stack = encap_stack(view);
  }
  flow.orig_internal = home_->contains(flow.orig_address());
  flow.resp_internal = home_->contains(flow.resp_address());
  flow.app = dpi::app_of_ip_protocol(flow.key.protocol);
  ++counters_.flows;
  counters_.most_active = std::max<uint64_t>(counters_.most_active, table_.size());
  schedule(position);
  return position;
}

// The home prefix that a flow goes to; behind them all, what goes elsewhere.
size_t Tracker::segment_of(const PacketView& view) const {
  return std::min(home_->find(view.dst), home_->prefixes().size());
}

void Tracker::make_room(size_t segment) {
  const uint32_t surplus = one_way_.surplus(segment);
  if (surplus == kNoIndex && !table_.full()) [[likely]]
    return;
  const uint32_t position = surplus != kNoIndex ? surplus : table_.idlest();
  if (table_[position].started) {
    ++counters_.evictions;
    end_flow(position, EndReason::kLackOfResources);
  } else {
    forget(position);
  }
}

// A flow that was never spoken of ends without a record: the sketches have counted its packets.
void Tracker::forget(uint32_t position) {
  ++counters_.unrecorded_flows;
  counters_.unrecorded_packets += table_[position].total_packets();
  inspect_last(position);
  wheel_.remove(position);
  one_way_.remove(position);
  table_.erase(position);
}

bool Tracker::count_packet(const PacketView& view, int dir, Flow* flow) {
  Direction& d = flow->direction[dir];
  count(&d.packets);
  d.bytes += view.origlen;
  d.payload += view.payload_wire_bytes;
  if (d.ttl_min == 0 || view.ttl < d.ttl_min) d.ttl_min = view.ttl;
  d.ttl_max = std::max(d.ttl_max, view.ttl);
  if (view.is_fragment) flow->flags |= flow_flag::kFragments;
  if (view.is_truncated()) flow->flags |= flow_flag::kTruncatedPackets;
  if (view.bad_checksum) flow->flags |= flow_flag::kBadChecksums;
  const bool answered =
      !(flow->flags & flow_flag::kBothDirections) && flow->direction[dir ^ 1].packets > 0;
  if (answered) {
    flow->flags |= flow_flag::kBothDirections;
    if (!flow->is_tcp() && flow->state == FlowState::kS0) flow->state = FlowState::kSf;
  }
  flow->has_news = 1;
  flow->index_last = view.index;
  flow->ts_last_ns = std::max(flow->ts_last_ns, view.ts_ns);
  flow->engine_last_ns = view.engine_ns;
  return answered;
}

void Tracker::first_payload(const PacketView& view, int dir, Flow* flow) {
  flow->payload_seen = static_cast<uint8_t>(flow->payload_seen | payload_bit::kSeen << dir);
  const PayloadStats stats = payload_stats(view.payload());
  flow->direction[dir].entropy = stats.entropy;
  flow->direction[dir].printable = stats.printable;
}

// Sizes and gaps of the first packets with payload, and how long the responder took.
void Tracker::note_times(const PacketView& view, int dir, Flow* flow) {
  if (flow->n_segments < kSegments) {
    const int64_t gap = flow->n_segments == 0 ? 0 : view.ts_ns - flow->payload_last_ns;
    const auto size = static_cast<int16_t>(std::min<uint32_t>(view.payload_wire_bytes, 32767));
    flow->segment_bytes[flow->n_segments] = static_cast<int16_t>(dir == 0 ? size : -size);
    flow->segment_gaps[flow->n_segments++] = quantise_gap(gap);
  }
  flow->payload_last_ns = view.ts_ns;
  if (flow->is_timed) return;
  if (dir == 0) {
    flow->request_ns = view.ts_ns;
  } else if (flow->request_ns != 0) {
    const int64_t us =
        std::clamp<int64_t>((view.ts_ns - flow->request_ns) / 1000, 0, kNotMeasured - 1);
    flow->is_timed = 1;
    flow->server_time_us = static_cast<uint32_t>(us);
    if (!flow->is_tcp()) flow->rtt_us = flow->server_time_us;
  }
}

// Only a flow that has a record speaks of its tunnels: a flood of spoofed packets in a tunnel makes
// none.
void Tracker::note_tunnel(const PacketView& view, int dir, uint32_t position) {
  const Flow& flow = table_[position];
  if (flow.direction[dir ^ 1].packets == 0) tunnels_[position] = {};
  GtpTunnels::Tunnel& tunnel = tunnels_[position].of[dir];
  tunnel = {view.ts_ns, view.outer_src, view.outer_dst, view.tunnel_id, view.encap_depth, true};
  if (flow.started) sink_->on_gtpu(flow, dir == 0, tunnel, next_moment());
}

void Tracker::emit(uint32_t position, uint8_t events, EndReason reason) {
  Flow* flow = &table_[position];
  const bool is_tunnelled = flow->key.tunnel_type == static_cast<uint8_t>(decode::Encap::kGtpU);
  const GtpTunnels* tunnels = is_tunnelled ? &tunnels_[position] : nullptr;
  if (!flow->started) {
    events |= flow_event::kStart;
    for (int dir = 0; tunnels != nullptr && dir < 2; ++dir) {
      const GtpTunnels::Tunnel& tunnel = tunnels->of[dir];
      if (tunnel.is_known) sink_->on_gtpu(*flow, dir == 0, tunnel, next_moment());
    }
  }
  flow->started = 1;
  sink_->on_flow(*flow, table_.extras(*flow), tunnels, events, reason, next_moment());
  flow->engine_emit_ns = moment_.engine_ns;
  flow->has_news = 0;
  flow->update_bytes = std::max(flow->total_bytes() * kUpdateGrowth, kUpdateFloorBytes);
}

void Tracker::end_flow(uint32_t position, EndReason reason) {
  Flow& flow = table_[position];
  wheel_.remove(position);
  inspect_last(position);
  if (is_unanswered_attempt(flow)) flow.flags |= flow_flag::kAttemptFailed;
  emit(position, flow_event::kEnd, reason);
  ++counters_.flows_ended;
  one_way_.remove(position);
  table_.erase(position);
}

int64_t Tracker::idle_timeout(const Flow& flow) const {
  if (flow.closed) return kClosedIdle;
  const bool two_way = flow.flags & flow_flag::kBothDirections;
  if (!flow.is_tcp()) return two_way ? kTwoWayIdle : kUnansweredIdle;
  if (flow.state == FlowState::kS0) return kUnansweredIdle;
  if (flow.state == FlowState::kS1 && !flow.established) return kHalfOpenIdle;
  return two_way ? kEstablishedIdle : kTwoWayIdle;
}

int64_t Tracker::next_due(const Flow& flow) const {
  int64_t due = flow.engine_last_ns + idle_timeout(flow);
  if (!flow.started) {
    due = std::min(due,
                   flow.engine_emit_ns + (is_unanswered_attempt(flow) ? kAttemptDue : kStartDue));
  } else if (flow.has_news) {
    // A flow that has been silent for half its timeout by then is left to its END.
    const int64_t update = flow.engine_emit_ns + kUpdateDue;
    if (update - flow.engine_last_ns <= idle_timeout(flow) / 2) due = std::min(due, update);
  }
  return due;
}

void Tracker::fire_until(int64_t engine_ns) {
  const int64_t tick = engine_ns / kTickNs;
  next_tick_ns_ = (tick + 1) * kTickNs;
  if (!wheel_started_) {
    wheel_.start(tick);
    wheel_started_ = true;
  }
  while (wheel_.now() < tick) {
    if (wheel_.empty()) {
      wheel_.start(tick);
      return;
    }
    fire_tick();
  }
}

void Tracker::fire_tick() {
  due_.clear();
  wheel_.step(&due_);
  const int64_t tick_ns = wheel_.now() * kTickNs;
  const size_t n_timers = due_.size();
  held_.waiting_since(tick_ns - kAcknowledgementDue, &due_);
  in_total_order(n_timers);
  for (size_t i = 0; i < ordered_.size(); ++i) {
    prefetch_due(i);
    fire(ordered_[i], tick_ns);
  }
}

// Records of one tick leave in the order of the flows' last packets. The key is copied once: a
// comparison that looked it up in the pool would miss the cache each time.
void Tracker::in_total_order(size_t n_timers) {
  ordered_.clear();
  ordered_.reserve(due_.size());
  for (size_t i = 0; i < due_.size(); ++i) {
    if (i + kPrefetchDue < due_.size()) table_.prefetch_whole(due_[i + kPrefetchDue]);
    ordered_.push_back({table_[due_[i]].index_last, due_[i], i >= n_timers});
  }
  std::sort(ordered_.begin(), ordered_.end(), [](const Due& x, const Due& y) {
    if (x.index_last != y.index_last) return x.index_last < y.index_last;
    return x.has_overdue_event && !y.has_overdue_event;
  });
}

void Tracker::fire(const Due& due, int64_t tick_ns) {
  const uint32_t position = due.position;
  Flow& flow = table_[position];
  enter_moment(tick_ns, flow.index_last);
  if (due.has_overdue_event) [[unlikely]] {
    say_overdue(&flow, tick_ns - kAcknowledgementDue);
    return;
  }
  if (flow.engine_last_ns + idle_timeout(flow) <= tick_ns) {
    end_flow(position, flow.closed ? EndReason::kEndOfFlowDetected : EndReason::kIdleTimeout);
    return;
  }
  if (next_due(flow) <= tick_ns) {
    if (is_unanswered_attempt(flow)) flow.flags |= flow_flag::kAttemptFailed;
    emit(position, flow.started ? flow_event::kUpdate : flow_event::kStart, EndReason::kNone);
  }
  schedule(position);
}

void Tracker::finish(int64_t engine_ns) {
  advance(engine_ns);
  due_.clear();
  table_.live(&due_);
  in_total_order(due_.size());
  for (size_t i = 0; i < ordered_.size(); ++i) {
    prefetch_due(i);
    const Due& d = ordered_[i];
    const Flow& flow = table_[d.position];
    set_moment(engine_ns, d.index_last, 0);
    end_flow(d.position, flow.closed ? EndReason::kEndOfFlowDetected : EndReason::kForcedEnd);
  }
}

void Tracker::notify(const PacketView& icmp_error) {
  Lookup lookup;
  if (!make_embedded_key(icmp_error, &lookup.key)) return;
  const uint32_t position = table_.find(lookup.key, hash_key(lookup.key, options_.secret));
  if (position == kNoIndex) return;
  Flow& flow = table_[position];
  ++counters_.icmp_errors_matched;
  constexpr uint8_t kUnreachableV4 = 3, kUnreachableV6 = 1;
  const uint8_t type = icmp_error.icmp_type;
  const bool unreachable =
      icmp_error.protocol == ip::kIcmp ? type == kUnreachableV4 : type == kUnreachableV6;
  if (!unreachable || flow.flags & flow_flag::kIcmpError ||
      flow.flags & flow_flag::kBothDirections) {
    return;
  }
  flow.flags |= flow_flag::kIcmpError;
  // Codes 9, 10 and 13 (and 1 for IPv6) say that an administrator forbids it (RFC 1812, RFC 4443).
  const uint8_t code = icmp_error.icmp_code;
  const bool denied =
      icmp_error.protocol == ip::kIcmp ? code == 9 || code == 10 || code == 13 : code == 1;
  flow.state = denied ? FlowState::kDenied : FlowState::kUnreachable;
  constexpr uint32_t kNotifySub = 0x80000000;
  set_moment(icmp_error.engine_ns, icmp_error.index, kNotifySub);
  emit(position, flow.started ? flow_event::kUpdate : flow_event::kStart, EndReason::kNone);
}

}  // namespace thymus::flow
