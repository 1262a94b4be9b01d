#include "engine/reader.h"

#include "emit/flow_row.h"
#include "flow/flow_key.h"
#include "flow/timer_wheel.h"

namespace thymus::engine {
namespace {

using decode::PacketView;

// A lane that gets few packets still hears of time at least this often.
constexpr uint64_t kTellEveryPackets = 4096;

emit::OrderKey watermark_of(Reached reached) {
  return {emit::to_us(reached.engine_ns), static_cast<double>(reached.index), 0};
}

// Everything said at the end comes after everything said before: at a later microsecond, since
// records carry microseconds, and at none of a tick, whose timers speak of their flows in order.
int64_t end_of_input(int64_t last_ns) {
  const int64_t next = (last_ns / 1000 + 1) * 1000;
  return next % flow::kTickNs == 0 ? next + 1000 : next;
}

}  // namespace

void DirectSink::take(std::span<PacketView> views, Reached reached) {
  roles_.assign(views.size(), packet_role::kAccount);
  for (size_t i = 0; i < views.size(); ++i) {
    if (views[i].embedded_offset != 0) roles_[i] |= packet_role::kNotify;
  }
  lane_->process(views, roles_, reached);
}

SpreadingSink::SpreadingSink(std::span<LaneChannel* const> channels, HashKey secret)
    : channels_(channels.begin(), channels.end()), secret_(secret) {
  for (LaneChannel* channel : channels_) open_.push_back(channel->take_empty());
}

void SpreadingSink::take(std::span<PacketView> views, Reached reached) {
  for (const PacketView& view : views) {
    reached_ = {view.engine_ns, view.index};
    if (!view.is_ip()) {
      if (view.n_anomalies > 0) add(0, view, packet_role::kAccount);
      continue;
    }
    flow::FlowKey key;
    flow::make_key(view, &key);
    const size_t lane = lane_of(key);
    if (view.embedded_offset == 0 || !flow::make_embedded_key(view, &key)) {
      add(lane, view, packet_role::kAccount);
      continue;
    }
    const size_t quoted = lane_of(key);
    if (quoted == lane) {
      add(lane, view, packet_role::kAccount | packet_role::kNotify);
    } else {
      add(lane, view, packet_role::kAccount);
      add(quoted, view, packet_role::kNotify);
    }
  }
  reached_ = reached;
  if (reached.index - told_index_ >= kTellEveryPackets) {
    told_index_ = reached.index;
    hand_over(reached);
  }
}

// All flows between two hosts share a lane, so that a parser may announce one of them to another.
size_t SpreadingSink::lane_of(const flow::FlowKey& key) const {
  const uint64_t hash =
      fold_multiply(key.a.high() ^ key.b.high() ^ secret_.k0, key.a.low() ^ secret_.k1) ^
      fold_multiply(key.b.low() ^ secret_.k1, secret_.k0);
  return (hash >> 32) % channels_.size();
}

void SpreadingSink::hand_over(Reached reached) {
  for (size_t lane = 0; lane < channels_.size(); ++lane) hand_over(lane, reached);
}

void SpreadingSink::add(size_t lane, const PacketView& view, uint8_t role) {
  const bool copies = !view.counts_only && (!stable_source_ || view.is_reassembled);
  const size_t copied = copies ? view.caplen : 0;
  if (open_[lane] != nullptr && !open_[lane]->fits(copied)) hand_over(lane, reached_);
  if (open_[lane] != nullptr) open_[lane]->add(view, role, copies);
}

void SpreadingSink::hand_over(size_t lane, Reached reached) {
  if (open_[lane] == nullptr) return;  // aborted
  open_[lane]->reached = reached;
  open_[lane]->shed = shed_;
  channels_[lane]->push(std::move(open_[lane]));
  if (!channels_[lane]->has_empty()) tell_others(lane);
  open_[lane] = channels_[lane]->take_empty();
}

// The reader is about to wait for `lane`; no other lane may be left without what is known.
void SpreadingSink::tell_others(size_t lane) {
  for (size_t other = 0; other < channels_.size(); ++other) {
    if (other == lane || open_[other] == nullptr || !channels_[other]->has_empty()) continue;
    open_[other]->reached = reached_;
    open_[other]->shed = shed_;
    channels_[other]->push(std::move(open_[other]));
    open_[other] = channels_[other]->take_empty();
  }
}

void SpreadingSink::finish(int64_t engine_ns) {
  for (size_t lane = 0; lane < channels_.size(); ++lane) {
    if (open_[lane] != nullptr) {
      // The last records carry this time and the index of their flow's last packet, however old.
      open_[lane]->reached = {engine_ns, 0};
      open_[lane]->shed = shed_;
      channels_[lane]->push(std::move(open_[lane]));
    }
    channels_[lane]->finish();
  }
}

PacketReader::PacketReader(const flow::HomeNet* home, const Options& options,
                           emit::RecordWriter* writer, PacketSink* sink, FrameStore* last_frames)
    : decode_options_{.verify_checksums = options.tracker.strict_checksums},
      writer_(writer),
      sink_(sink),
      last_frames_(last_frames),
      sketch_(home, writer),
      neighbours_(options.tracker.secret, writer),
      fieldbus_(options.tracker.secret, writer),
      fragments_(options.fragments, options.tracker.secret, decode_options_, this),
      views_(kMostViews) {}

capture::ReadState PacketReader::run(capture::Source* source, const std::atomic<bool>& stop) {
  sink_->begin(source->stable());
  capture::ReadState state = capture::ReadState::kEnd;
  while (!stop.load(std::memory_order_relaxed)) {
    capture::Block block;
    state = source->next(&block);
    if (state == capture::ReadState::kWait) {
      pass_time(source->now_ns());
      publish_counters(*source);
      continue;
    }
    if (state != capture::ReadState::kFrames) break;
    if (last_frames_ != nullptr) last_frames_->push(block);
    sink_->shed(shedder_.update(source->fill()));
    if (index_ == 0) first_ts_ns_.store(block[0].ts_ns, std::memory_order_relaxed);
    while (!block.empty()) {
      const size_t n = std::min(block.size(), kPiece);
      decode_piece(block.first(n));
      block = block.subspan(n);
    }
    publish_counters(*source);
  }
  source->close();
  // The end of the open window may lie before or after that of the input: what the reader itself
  // has to say, it says before the lanes hear of the end, and never waits again.
  sketch_.finish();
  writer_->finish();
  int64_t end_ns = end_of_input(clock_.now_ns());
  if (fragments_.finish(end_ns)) {
    sink_->take({views_.data(), n_views_}, {end_ns, index_});
    end_ns = end_of_input(end_ns);
  }
  sink_->finish(end_ns);
  publish_counters(*source);
  return state;
}

// No frame came: time goes on without one, and nothing is held back.
void PacketReader::pass_time(int64_t now_ns) {
  if (now_ns > clock_.now_ns()) {
    const int64_t engine_ns = clock_.advance(now_ns);
    if (engine_ns >= fragments_.due_ns()) fragments_.advance(engine_ns);
    sketch_.advance(engine_ns);
  }
  const Reached reached{clock_.now_ns(), index_};
  pass_on(reached);
  sink_->hand_over(reached);
}

void PacketReader::decode_piece(capture::Block frames) {
  for (size_t i = 0; i < frames.size(); ++i) {
    const capture::Frame& frame = frames[i];
    const int64_t engine_ns = clock_.advance(frame.ts_ns);
    if (engine_ns >= fragments_.due_ns()) [[unlikely]]
      fragments_.advance(engine_ns);
    PacketView& view = views_[n_views_];
    decode::decode_frame(frame.link_type, {frame.data, frame.caplen}, frame.origlen,
                         decode_options_, &view);
    view.ts_ns = frame.ts_ns;
    view.engine_ns = engine_ns;
    view.index = index_++;
    count(view);
    sketch_.count(view);
    neighbours_.take(view);
    fieldbus_.take(view);
    if (view.is_fragment) [[unlikely]] {
      const PacketView fragment = view;
      fragments_.take(fragment);
    } else {
      ++n_views_;
    }
  }
  last_ts_ns_.store(frames.back().ts_ns, std::memory_order_relaxed);
  pass_on({clock_.now_ns(), index_});
}

void PacketReader::on_packet(const PacketView& view) {
  views_[n_views_++] = view;
  // It is the last of its moment, so that the lane may wait for consumers of all that came before.
  if (view.is_reassembled) pass_on({view.engine_ns, view.index + 1});
}

void PacketReader::pass_on(Reached reached) {
  // Before the lane works on the piece: should the lane wait for the consumers in this very thread,
  // nothing that the reader holds may keep them from going on.
  writer_->hand_over(watermark_of(reached));
  sink_->take({views_.data(), n_views_}, reached);
  n_views_ = 0;
  if (writer_->has_room()) return;
  sink_->hand_over(reached);
  writer_->wait_for_room();
}

void PacketReader::count(const PacketView& view) {
  bytes_ += view.caplen;
  ip_packets_ += view.is_ip();
  truncated_ += view.caplen < view.origlen;
  bad_checksums_ += view.bad_checksum;
  n_fragments_ += view.is_fragment;
}

void PacketReader::publish_counters(const capture::Source& source) {
  counters_.set(Counter::packets, index_);
  counters_.set(Counter::bytes, bytes_);
  counters_.set(Counter::ip_packets, ip_packets_);
  counters_.set(Counter::non_ip_frames, index_ - ip_packets_);
  counters_.set(Counter::truncated_frames, truncated_);
  counters_.set(Counter::bad_checksums, bad_checksums_);
  counters_.set(Counter::fragments, n_fragments_);
  const fragment::ReassemblerCounters& f = fragments_.counters();
  counters_.set(Counter::datagrams_reassembled, f.reassembled);
  counters_.set(Counter::datagrams_incomplete, f.incomplete);
  counters_.set(Counter::datagrams_evicted, f.evicted);
  counters_.set(Counter::fragment_overlaps, f.overlaps);
  counters_.set(Counter::fragments_ignored, f.ignored);
  counters_.set(Counter::clock_backwards, clock_.backwards());
  counters_.set(Counter::clock_jumps, clock_.jumps());
  counters_.set(Counter::sketch_drops, sketch_.drops());
  const flow::NeighbourCounters& n = neighbours_.counters();
  counters_.set(Counter::neighbour_messages, n.said);
  counters_.set(Counter::neighbour_repeats, n.repeated);
  counters_.set(Counter::neighbour_drops, n.left_out);
  counters_.set(Counter::neighbour_invalid, n.invalid);
  const flow::FieldbusCounters& b = fieldbus_.counters();
  counters_.set(Counter::fieldbus_messages, b.said);
  counters_.set(Counter::fieldbus_repeats, b.repeated);
  counters_.set(Counter::fieldbus_drops, b.left_out);
  counters_.set(Counter::fieldbus_invalid, b.invalid);
  const emit::WriterCounters& w = writer_->counters();
  counters_.set(Counter::events, w.events);
  counters_.set(Counter::batches, w.batches);
  const capture::SourceProgress progress = source.progress();
  counters_.set(Counter::kernel_frames, progress.kernel_frames);
  counters_.set(Counter::kernel_drops, progress.kernel_drops);
  counters_.set(Counter::unread_frames, progress.unread_frames);
  counters_.set(Counter::nic_drops, progress.nic_drops);
  counters_.set(Counter::interface_downs, progress.interface_downs);
  counters_.set(Counter::interface_reopens, progress.interface_reopens);
  bytes_read_.store(progress.bytes_read, std::memory_order_relaxed);
  bytes_total_.store(progress.bytes_total, std::memory_order_relaxed);
}

}  // namespace thymus::engine
