#include "emit/flow_row.h"

#include <algorithm>

namespace thymus::emit {
namespace {

// The record's numbers are those of the flow stage; the list in record.def is the readers' copy.
static_assert(flow_events::kEnd == flow::flow_event::kEnd);
static_assert(flow_flags::kAttemptFailed == flow::flow_flag::kAttemptFailed);
static_assert(flow_flags::kIcmpError == flow::flow_flag::kIcmpError);
static_assert(flow_flags::kVaryingEcho == flow::flow_flag::kVaryingEcho);
static_assert(flow_states::kDenied == static_cast<int>(flow::FlowState::kDenied));
static_assert(end_reasons::kLackOfResources == static_cast<int>(flow::EndReason::kLackOfResources));

uint8_t direction_of(const flow::Flow& flow) {
  if (flow.orig_internal) return flow.resp_internal ? 1 : 2;
  return flow.resp_internal ? 3 : 4;
}

void fill_counts(const flow::Flow& flow, FlowRow* row) {
  const flow::Direction& o = flow.direction[0];
  const flow::Direction& r = flow.direction[1];
  row->orig_bytes = static_cast<double>(o.bytes);
  row->resp_bytes = static_cast<double>(r.bytes);
  row->orig_payload = static_cast<double>(o.payload);
  row->resp_payload = static_cast<double>(r.payload);
  row->orig_packets = o.packets;
  row->resp_packets = r.packets;
  row->orig_retransmissions = o.retransmissions;
  row->resp_retransmissions = r.retransmissions;
  row->orig_tcp_flags = o.tcp_flags;
  row->resp_tcp_flags = r.tcp_flags;
  row->orig_syns = o.syns;
  row->resp_syn_acks = r.syns;
  row->orig_rsts = o.rsts;
  row->resp_rsts = r.rsts;
  row->orig_fins = o.fins;
  row->resp_fins = r.fins;
  row->orig_ttl_min = o.ttl_min;
  row->orig_ttl_max = o.ttl_max;
  row->resp_ttl_min = r.ttl_min;
  row->orig_entropy = o.entropy;
  row->resp_entropy = r.entropy;
  row->orig_printable = o.printable;
  row->resp_printable = r.printable;
}

}  // namespace

void fill_row(const flow::Flow& flow, const flow::FlowExtras& extras, uint8_t events,
              flow::EndReason reason, flow::Moment moment, FlowRow* row) {
  *row = {};
  row->order_index = static_cast<double>(moment.index);
  row->time_us = to_us(moment.engine_ns);
  row->order_sub = moment.sub;
  row->ts_first_us = to_us(flow.ts_first_ns);
  row->ts_last_us = to_us(flow.ts_last_ns);
  row->flow_id_low = static_cast<uint32_t>(flow.id);
  row->flow_id_high = static_cast<uint32_t>(flow.id >> 32);
  std::memcpy(row->orig_addr, flow.orig_address().bytes.data(), 16);
  std::memcpy(row->resp_addr, flow.resp_address().bytes.data(), 16);
  fill_counts(flow, row);
  row->rtt_us = flow.rtt_us;
  row->server_time_us = flow.is_timed ? flow.server_time_us : flow::kNotMeasured;
  row->client_fingerprint[0] = static_cast<uint32_t>(extras.client_fingerprint);
  row->client_fingerprint[1] = static_cast<uint32_t>(extras.client_fingerprint >> 32);
  row->name_hash[0] = static_cast<uint32_t>(extras.name_hash);
  row->name_hash[1] = static_cast<uint32_t>(extras.name_hash >> 32);
  row->tunnel_id = extras.tunnel_id;
  row->orig_port = flow.orig_port;
  row->resp_port = flow.resp_port;
  row->vlan_outer = flow.key.vlan_outer;
  row->vlan_inner = flow.key.vlan_inner;
  row->slice_id = 0xffff;
  row->flags = flow.flags;
  row->app = static_cast<uint16_t>(flow.app);
  row->out_of_order = flow.out_of_order;
  row->zero_windows = flow.zero_windows;
  row->orig_window = flow.orig_window;
  row->orig_mss = flow.orig_mss;
  std::copy(flow.segment_bytes.begin(), flow.segment_bytes.end(), row->segment_bytes);
  std::copy(flow.segment_gaps.begin(), flow.segment_gaps.end(), row->segment_gaps);
  row->event = events;
  row->end_reason = static_cast<uint8_t>(reason);
  row->ip_version = flow.key.a.is_v4() && flow.key.b.is_v4() ? 4 : 6;
  row->protocol = flow.key.protocol;
  row->direction = direction_of(flow);
  row->state = static_cast<uint8_t>(flow.state);
  row->tls_version = extras.tls_version;
  row->tunnel_type = flow.key.tunnel_type;
  row->encap_depth = extras.encap_depth;
  row->app_confidence =
      flow.app == dpi::AppId::kUnknown || flow.app == dpi::AppId::kFailed ? 0 : 100;
}

}  // namespace thymus::emit
