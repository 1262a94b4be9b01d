#include "emit/record_writer.h"

#include <algorithm>

#include "base/generated/events/anomaly.h"
#include "base/generated/events/arp.h"
#include "base/generated/events/ethercat.h"
#include "base/generated/events/flow_detail.h"
#include "base/generated/events/goose.h"
#include "base/generated/events/gtp_u.h"
#include "base/generated/events/profinet_dcp.h"
#include "base/generated/events/sketch.h"
#include "base/text_builder.h"
#include "emit/fieldbus_fields.h"
#include "emit/flow_row.h"
#include "emit/neighbour_fields.h"
#include "flow/community_id.h"
#include "flow/entity_key.h"
#include "flow/tcp_tracker.h"

namespace thymus::emit {
namespace {

// The sub-index of sketches: after every record of the packet that closed their window.
constexpr uint32_t kSketchSub = 0xffff0000;

uint8_t internal_roles(bool orig_internal, bool resp_internal) {
  return static_cast<uint8_t>((orig_internal ? flow_roles::kOriginatorInternal : 0) |
                              (resp_internal ? flow_roles::kResponderInternal : 0));
}

uint8_t internal_roles(const flow::Flow& flow) {
  return internal_roles(flow.orig_internal, flow.resp_internal);
}

bool has_mac(const MacAddress& mac) { return mac != MacAddress{}; }

// The options of a SYN as p0f names them: "mss,sok,ts,nop,ws".
TextBuilder<48> tcp_option_names(uint32_t options) {
  constexpr std::string_view kNames[] = {"eol", "nop", "mss", "ws", "sok", "sack", "6", "7", "ts"};
  TextBuilder<48> names;
  for (; options != 0; options >>= 4) {
    const uint32_t kind = (options & 15) - 1;
    if (!names.empty()) names.add(',');
    names.add(kind < std::size(kNames) ? kNames[kind] : "other");
  }
  return names;
}

void put_counts(const flow::SketchCounts& c, EventWriter* fields) {
  namespace top = event::sketch::top;
  fields->put(top::kSynIn, c.syn_in);
  fields->put(top::kSynAckOut, c.syn_ack_out);
  fields->put(top::kAckIn, c.ack_in);
  fields->put(top::kRstOut, c.rst_out);
  fields->put(top::kPacketsIn, c.packets_in);
  fields->put(top::kBytesIn, c.bytes_in);
  fields->put(top::kUdpPacketsIn, c.udp_packets_in);
  fields->put(top::kIcmpPacketsIn, c.icmp_packets_in);
  fields->put(top::kReflectorPacketsIn, c.reflector_packets_in);
  fields->put(top::kReflectorBytesIn, c.reflector_bytes_in);
}

}  // namespace

RecordWriter::RecordWriter(size_t producer, std::span<BatchQueue* const> shards,
                           BatchQueue* publish, HashKey secret, int64_t flush_ns,
                           const JudgedEvents& judged)
    : producer_(producer),
      queues_(shards.begin(), shards.end()),
      n_shards_(shards.size()),
      publishes_(publish != nullptr),
      judged_(judged),
      judged_kinds_(judged.of_ends | judged.of_links),
      secret_(secret),
      flush_us_(static_cast<double>(flush_ns) / 1000),
      fields_(this) {
  if (publishes_) queues_.push_back(publish);
  for (BatchQueue* queue : queues_) open_.push_back(queue->take_empty());
}

void RecordWriter::on_flow(const flow::Flow& flow, const flow::FlowExtras& extras,
                           const flow::GtpTunnels* tunnels, uint8_t events, flow::EndReason reason,
                           flow::Moment moment) {
  FlowRow row;
  fill_row(flow, extras, events, reason, moment, &row);
  const uint64_t orig_key = flow::entity_key(flow.orig_address(), secret_);
  const uint64_t resp_key = flow::entity_key(flow.resp_address(), secret_);
  row.orig_key = static_cast<double>(orig_key);
  row.resp_key = static_cast<double>(resp_key);
  const uint8_t internal = internal_roles(flow);
  const size_t orig_shard = orig_key % n_shards_;
  const size_t resp_shard = flow.resp_internal ? resp_key % n_shards_ : orig_shard;
  const auto responder = static_cast<uint8_t>(flow.resp_internal ? flow_roles::kJudgeResponder : 0);
  const Bytes station = station_of(flow);
  if (orig_shard == resp_shard) {
    add_row(orig_shard, &row,
            static_cast<uint8_t>(internal | flow_roles::kJudgeOriginator | responder), station);
  } else {
    add_row(orig_shard, &row, static_cast<uint8_t>(internal | flow_roles::kJudgeOriginator),
            station);
    add_row(resp_shard, &row, static_cast<uint8_t>(internal | responder), station);
  }
  if (publishes_ && events & flow_events::kEnd) {
    add_row(n_shards_, &row, static_cast<uint8_t>(internal | flow_roles::kPublish),
            detail_of(flow, extras, tunnels));
  }
  settle();
}

void RecordWriter::on_event(const flow::Flow& flow, bool from_originator, int64_t ts_ns,
                            uint16_t type, Bytes fields, uint32_t truncations,
                            flow::Moment moment) {
  ++counters_.dpi_events;
  counters_.event_truncations += truncations;
  if (!publishes_ && !judged_.has(type)) return;
  EventRow row{};
  row.order_index = static_cast<double>(moment.index);
  row.time_us = to_us(moment.engine_ns);
  row.ts_us = to_us(ts_ns);
  row.order_sub = moment.sub;
  row.flow_id_low = static_cast<uint32_t>(flow.id);
  row.flow_id_high = static_cast<uint32_t>(flow.id >> 32);
  row.type = type;
  row.protocol = flow.key.protocol;
  const bool src_internal = from_originator ? flow.orig_internal : flow.resp_internal;
  const bool dst_internal = from_originator ? flow.resp_internal : flow.orig_internal;
  row.roles = static_cast<uint8_t>(internal_roles(src_internal, dst_internal) |
                                   (moment.by_packet ? 0 : flow_roles::kNoPacket));
  const IpAddress& src = from_originator ? flow.orig_address() : flow.resp_address();
  const IpAddress& dst = from_originator ? flow.resp_address() : flow.orig_address();
  std::memcpy(row.src_addr, src.bytes.data(), 16);
  std::memcpy(row.dst_addr, dst.bytes.data(), 16);
  row.src_port = from_originator ? flow.orig_port : flow.resp_port;
  row.dst_port = from_originator ? flow.resp_port : flow.orig_port;
  const uint64_t src_key = flow::entity_key(src, secret_);
  const uint64_t dst_key = flow::entity_key(dst, secret_);
  row.orig_key = static_cast<double>(src_key);
  row.resp_key = static_cast<double>(dst_key);
  if (judged_.has(type)) {
    const Ends ends = from_originator ? Ends{src_key, dst_key} : Ends{dst_key, src_key};
    add_judged_event(row, ends, from_originator, flow.resp_internal, fields);
  }
  if (publishes_) {
    row.roles |= flow_roles::kPublish;
    add_event(n_shards_, row, fields);
  }
  settle();
}

// To the shards of its flow's originator and, where that is judged, its responder; an event of a
// link to all. `from_originator`: the originator is its sender.
void RecordWriter::add_judged_event(const EventRow& row, Ends ends, bool from_originator,
                                    bool judges_responder, Bytes fields) {
  const uint8_t sender = flow_roles::kJudgeOriginator, receiver = flow_roles::kJudgeResponder;
  const size_t orig_shard = ends.orig_key % n_shards_, resp_shard = ends.resp_key % n_shards_;
  for (size_t shard = 0; shard < n_shards_; ++shard) {
    unsigned judged = 0;
    if (shard == orig_shard) judged |= from_originator ? sender : receiver;
    if (judges_responder && shard == resp_shard) judged |= from_originator ? receiver : sender;
    if (judged == 0 && !judged_.of_links[row.type]) continue;
    EventRow copy = row;
    copy.roles = static_cast<uint8_t>(copy.roles | judged);
    add_event(shard, copy, fields);
  }
}

void RecordWriter::on_gtpu(const flow::Flow& flow, bool from_originator,
                           const flow::GtpTunnels::Tunnel& tunnel, flow::Moment moment) {
  namespace gtp_u = event::gtp_u;
  fields_.begin(event::kGtpU);
  fields_.put(gtp_u::kTeid, tunnel.teid);
  fields_.put_ip(gtp_u::kSrcIp, tunnel.src);
  fields_.put_ip(gtp_u::kDestIp, tunnel.dst);
  fields_.put(gtp_u::kDepth, tunnel.depth);
  fields_.end();
  on_event(flow, from_originator, tunnel.ts_ns, event::kGtpU, finished_fields_, 0, moment);
}

void RecordWriter::on_anomaly(const decode::PacketView& view, decode::Anomaly anomaly,
                              flow::Moment moment) {
  ++counters_.anomalies;
  if (!publishes_) return;
  fields_.begin(event::kAnomaly);
  fields_.put(event::anomaly::kCode, static_cast<uint64_t>(anomaly));
  fields_.end();
  EventRow row{};
  row.order_index = static_cast<double>(moment.index);
  row.time_us = to_us(moment.engine_ns);
  row.ts_us = to_us(view.ts_ns);
  row.order_sub = moment.sub;
  row.type = event::kAnomaly;
  row.roles = flow_roles::kPublish;
  if (view.is_ip()) {
    row.protocol = view.protocol;
    row.src_port = view.src_port;
    row.dst_port = view.dst_port;
    std::memcpy(row.src_addr, view.src.bytes.data(), 16);
    std::memcpy(row.dst_addr, view.dst.bytes.data(), 16);
  }
  add_event(n_shards_, row, finished_fields_);
  settle();
}

void RecordWriter::on_window(const flow::SketchWindow& window) {
  namespace sketch = event::sketch;
  fields_.begin(event::kSketch);
  fields_.put_ip(sketch::kPrefix, window.prefix.address);
  fields_.put(sketch::kPrefixBits, window.prefix.length);
  fields_.put(sketch::kWindowUs, flow::SegmentSketch::kWindowNs / 1000);
  fields_.put(sketch::kSynIn, window.totals.syn_in);
  fields_.put(sketch::kSynAckOut, window.totals.syn_ack_out);
  fields_.put(sketch::kAckIn, window.totals.ack_in);
  fields_.put(sketch::kRstOut, window.totals.rst_out);
  fields_.put(sketch::kPacketsIn, window.totals.packets_in);
  fields_.put(sketch::kBytesIn, window.totals.bytes_in);
  fields_.put(sketch::kUdpPacketsIn, window.totals.udp_packets_in);
  fields_.put(sketch::kIcmpPacketsIn, window.totals.icmp_packets_in);
  fields_.put(sketch::kReflectorPacketsIn, window.totals.reflector_packets_in);
  fields_.put(sketch::kReflectorBytesIn, window.totals.reflector_bytes_in);
  fields_.put(sketch::kNewSources, window.sources);
  fields_.put(sketch::kDestinationsDropped, window.destinations_dropped);
  for (const flow::SketchTop& top : window.top) {
    fields_.open(sketch::kTop);
    fields_.put_ip(sketch::top::kAddress, top.address);
    put_counts(top.counts, &fields_);
    fields_.put(sketch::top::kSources, top.sources);
    fields_.put_float(sketch::top::kKey,
                      static_cast<double>(flow::entity_key(top.address, secret_)));
    fields_.close();
  }
  fields_.end();
  EventRow row{};
  row.order_index = static_cast<double>(window.index_last);
  row.time_us = to_us(window.end_ns);
  row.ts_us = row.time_us;
  row.order_sub = kSketchSub + window.segment;
  row.type = event::kSketch;
  for (size_t shard = 0; shard < n_shards_; ++shard) add_event(shard, row, finished_fields_);
  settle_reader();
}

void RecordWriter::on_neighbour(const decode::PacketView& view, const decode::Neighbour& message,
                                const MacAddress& previous) {
  const uint16_t type = neighbour_type(message);
  const bool judged = judged_.has(type);
  if (!publishes_ && !judged) return;
  write_neighbour(view, message, previous, &fields_);
  EventRow row = link_event(view, type);
  // ARP is no IP packet: its ends are in the message only.
  if (type == event::kArp)
    row.orig_key = static_cast<double>(flow::entity_key(message.sender, secret_));
  if (message.target != IpAddress{}) {
    row.resp_key = static_cast<double>(flow::entity_key(message.target, secret_));
  }
  if (judged) {
    for (size_t shard = 0; shard < n_shards_; ++shard) add_event(shard, row, finished_fields_);
  }
  if (publishes_) add_link_event(row);
  settle_reader();
}

void RecordWriter::on_goose(const decode::PacketView& view, const dpi::Goose& message) {
  if (!publishes_) return;
  write_goose(view, message, &fields_);
  add_link_event(link_event(view, event::kGoose));
  settle_reader();
}

void RecordWriter::on_ethercat(const decode::PacketView& view, const dpi::Ethercat& frame) {
  if (!publishes_) return;
  write_ethercat(view, frame, &fields_);
  add_link_event(link_event(view, event::kEthercat));
  settle_reader();
}

void RecordWriter::on_profinet(const decode::PacketView& view, const dpi::ProfinetDcp& message) {
  if (!publishes_) return;
  write_profinet(view, message, &fields_);
  add_link_event(link_event(view, event::kProfinetDcp));
  settle_reader();
}

// It is the first record of its packet: those of the lanes count their sub-index from 1.
EventRow RecordWriter::link_event(const decode::PacketView& view, uint16_t type) const {
  EventRow row{};
  row.order_index = static_cast<double>(view.index);
  row.time_us = to_us(view.engine_ns);
  row.ts_us = to_us(view.ts_ns);
  row.type = type;
  row.orig_key = static_cast<double>(flow::entity_key(view.src, secret_));
  row.resp_key = static_cast<double>(flow::entity_key(view.dst, secret_));
  if (view.is_ip()) {
    row.protocol = view.protocol;
    std::memcpy(row.src_addr, view.src.bytes.data(), 16);
    std::memcpy(row.dst_addr, view.dst.bytes.data(), 16);
  }
  return row;
}

void RecordWriter::add_link_event(const EventRow& row) {
  EventRow published = row;
  published.roles |= flow_roles::kPublish;
  add_event(n_shards_, published, finished_fields_);
}

void RecordWriter::add_row(size_t queue, FlowRow* row, uint8_t roles, Bytes detail) {
  row->roles = roles;
  open_[queue]->add_row(*row, detail);
  full_ |= open_[queue]->full();
  ++counters_.records;
  said_ = {row->time_us, row->order_index, row->order_sub};
}

void RecordWriter::add_event(size_t queue, const EventRow& row, Bytes body) {
  open_[queue]->add_event(row, body);
  full_ |= open_[queue]->full();
  ++counters_.events;
  said_ = {row.time_us, row.order_index, row.order_sub};
}

Bytes RecordWriter::station_of(const flow::Flow& flow) {
  if (!has_mac(flow.orig_mac)) return {};
  fields_.begin(event::kFlowDetail);
  fields_.put_bytes(event::flow_detail::kMacOrig, flow.orig_mac);
  fields_.end();
  return finished_fields_;
}

Bytes RecordWriter::detail_of(const flow::Flow& flow, const flow::FlowExtras& extras,
                              const flow::GtpTunnels* tunnels) {
  namespace detail = event::flow_detail;
  char id[flow::kCommunityIdBytes];
  const bool icmp = flow.key.protocol == decode::ip_protocol::kIcmp ||
                    flow.key.protocol == decode::ip_protocol::kIcmpV6;
  const auto type = static_cast<uint16_t>(icmp ? flow.orig_port >> 8 : flow.orig_port);
  const auto code = static_cast<uint16_t>(icmp ? flow.orig_port & 0xff : flow.resp_port);
  flow::community_id(flow.key.protocol, flow.orig_address(), flow.resp_address(), type, code, 0,
                     id);
  fields_.begin(event::kFlowDetail);
  const auto history = flow::history_of(flow);
  if (!history.empty()) fields_.put_text(detail::kHistory, history.view());
  if (has_mac(flow.orig_mac)) fields_.put_bytes(detail::kMacOrig, flow.orig_mac);
  if (has_mac(flow.resp_mac)) fields_.put_bytes(detail::kMacResp, flow.resp_mac);
  fields_.put_text(detail::kCommunityId, {id, sizeof id});
  if (flow.direction[1].packets > 0) fields_.put(detail::kRespTtlMax, flow.direction[1].ttl_max);
  if (flow.orig_window_scale > 0) {
    fields_.put(detail::kOrigWindowScale, flow.orig_window_scale - 1u);
  }
  if (flow.key.protocol == decode::ip_protocol::kEsp) {
    const uint32_t spi = flow::spi_of(flow.key, flow.orig_is_b);
    if (spi != 0) fields_.put(detail::kSpi, spi);
  }
  if (flow.syn_options != 0) {
    fields_.put_text(detail::kOrigTcpOptions, tcp_option_names(flow.syn_options).view());
  }
  for (int i = 0; i < extras.encap_depth; ++i) {
    fields_.put(detail::kEncap, (extras.encap_stack >> 4 * i & 15) + 1);
  }
  if (extras.app_other != dpi::AppId::kUnknown) {
    fields_.put(extras.other_is_responder ? detail::kAppTc : detail::kAppTs,
                static_cast<uint64_t>(extras.app_other));
  }
  if (extras.app_before != dpi::AppId::kUnknown && extras.app_before != flow.app) {
    fields_.put(detail::kAppOrig, static_cast<uint64_t>(extras.app_before));
  }
  for (int dir = 0; tunnels != nullptr && dir < 2; ++dir) {
    const flow::GtpTunnels::Tunnel& tunnel = tunnels->of[dir];
    if (!tunnel.is_known) continue;
    fields_.open(detail::kGtpU);
    fields_.put_bool(detail::gtp_u::kFromOriginator, dir == 0);
    fields_.put(detail::gtp_u::kTeid, tunnel.teid);
    fields_.put_ip(detail::gtp_u::kSrcIp, tunnel.src);
    fields_.put_ip(detail::gtp_u::kDestIp, tunnel.dst);
    fields_.close();
  }
  fields_.end();
  return finished_fields_;
}

void RecordWriter::hand_over(OrderKey watermark) {
  for (size_t i = 0; i < queues_.size(); ++i) {
    if (open_[i]->empty()) {
      queues_[i]->offer(producer_, nullptr, watermark);
    } else {
      queues_[i]->offer(producer_, std::move(open_[i]), watermark);
      open_[i] = queues_[i]->take_empty();
      ++counters_.batches;
    }
  }
  full_ = false;
  flushed_us_ = watermark.time_us;
}

bool RecordWriter::has_room() const {
  return std::all_of(queues_.begin(), queues_.end(),
                     [this](BatchQueue* queue) { return queue->has_room(producer_); });
}

void RecordWriter::wait_for_room() {
  for (BatchQueue* queue : queues_) queue->wait_for_room(producer_);
}

void RecordWriter::progress(OrderKey watermark) {
  if (watermark.time_us - flushed_us_ >= flush_us_) {
    flush(watermark);
    return;
  }
  for (size_t i = 0; i < queues_.size(); ++i) {
    if (open_[i]->empty()) queues_[i]->offer(producer_, nullptr, watermark);
  }
}

void RecordWriter::finish() {
  hand_over(OrderKey::end());
  for (BatchQueue* queue : queues_) queue->finish(producer_);
}

void RecordWriter::on_event(const FinishedEvent& event) {
  finished_fields_ = event.fields;
  counters_.event_truncations += event.truncations;
}

}  // namespace thymus::emit
