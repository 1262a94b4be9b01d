#include "engine/lane.h"

#include "emit/flow_row.h"

namespace thymus::engine {
namespace {

flow::TrackerOptions with_events(flow::TrackerOptions options, const EventKinds* wanted) {
  options.wanted_events = wanted;
  return options;
}

}  // namespace

Lane::Lane(const flow::TrackerOptions& options, const flow::HomeNet* home, size_t producer,
           std::span<emit::BatchQueue* const> shards, emit::BatchQueue* publish, int64_t flush_ns,
           const emit::JudgedEvents& judged)
    : writer_(producer, shards, publish, options.secret, flush_ns, judged),
      tracker_(with_events(options, writer_.wanted_events()), home, &writer_) {}

void Lane::process(std::span<const decode::PacketView> views, std::span<const uint8_t> roles,
                   Reached reached) {
  size_t begin = 0;
  for (size_t i = 0; i < views.size(); ++i) {
    if (roles[i] == packet_role::kAccount) continue;
    const bool account = roles[i] & packet_role::kAccount;
    tracker_.process(views.subspan(begin, i + (account ? 1 : 0) - begin));
    begin = i + 1;
    if (roles[i] & packet_role::kNotify) {
      tracker_.advance(views[i].engine_ns);
      tracker_.notify(views[i]);
    }
  }
  tracker_.process(views.subspan(begin));
  tracker_.advance(reached.engine_ns);
  watermark_ = {emit::to_us(reached.engine_ns), static_cast<double>(reached.index), 0};
  writer_.progress(watermark_);
  publish_counters();
}

void Lane::finish(int64_t engine_ns) {
  tracker_.finish(engine_ns);
  writer_.finish();
  publish_counters();
}

void Lane::publish_counters() {
  const flow::TrackerCounters& t = tracker_.counters();
  counters_.set(Counter::flows, t.flows);
  counters_.set(Counter::flows_ended, t.flows_ended);
  counters_.set(Counter::flows_active_most, t.most_active);
  counters_.set(Counter::table_evictions, t.evictions);
  counters_.set(Counter::unrecorded_flows, t.unrecorded_flows);
  counters_.set(Counter::unrecorded_packets, t.unrecorded_packets);
  counters_.set(Counter::icmp_errors_matched, t.icmp_errors_matched);
  counters_.set(Counter::events_held, t.events_held);
  counters_.set(Counter::events_unacknowledged, t.events_unacknowledged);
  counters_.set(Counter::uninspected_flows, t.uninspected_flows);
  counters_.set(Counter::sampled_packets, t.sampled_packets);
  const flow::InspectorCounters& i = tracker_.inspector_counters();
  counters_.set(Counter::dpi_bytes, i.bytes);
  counters_.set(Counter::dpi_gaps, i.gaps);
  counters_.set(Counter::dpi_no_memory, i.no_memory);
  counters_.set(Counter::digests_lost, i.digests_lost);
  counters_.set(Counter::expectations_lost, i.expectations_lost);
  const stream::Counters& s = tracker_.stream_counters();
  counters_.set(Counter::stream_segments_kept, s.kept);
  counters_.set(Counter::stream_gaps, s.gaps);
  counters_.set(Counter::stream_gap_bytes, s.gap_bytes);
  counters_.set(Counter::stream_different_data, s.different_data);
  counters_.set(Counter::stream_limit_reached, s.limit_reached);
  counters_.set(Counter::stream_segments_ignored, s.ignored);
  const emit::WriterCounters& w = writer_.counters();
  counters_.set(Counter::dpi_events, w.dpi_events);
  counters_.set(Counter::event_truncations, w.event_truncations);
  counters_.set(Counter::anomalies, w.anomalies);
  counters_.set(Counter::records, w.records);
  counters_.set(Counter::events, w.events);
  counters_.set(Counter::batches, w.batches);
}

}  // namespace thymus::engine
