// Reads the input in order: decodes each frame, gives it its time and index, counts it in the
// segment sketch, records who announces which address on the link, puts fragments together and
// passes what it has to the lane of its flow.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "base/counters.h"
#include "capture/source.h"
#include "emit/record_writer.h"
#include "engine/frame_store.h"
#include "engine/lane.h"
#include "engine/lane_channel.h"
#include "engine/options.h"
#include "engine/shedder.h"
#include "flow/fieldbus_watch.h"
#include "flow/flow_key.h"
#include "flow/neighbour_watch.h"
#include "flow/packet_clock.h"
#include "flow/segment_sketch.h"
#include "fragment/reassembler.h"

namespace thymus::engine {

// Where decoded packets go.
class PacketSink {
 public:
  virtual ~PacketSink() = default;
  // Called first. Frames of a stable source live as long as the source.
  virtual void begin(bool stable_source) = 0;
  // What is left out of the packets to come.
  virtual void shed(flow::Shed level) = 0;
  // Packets in input order; the views may be changed. Their frames live until the call returns
  // unless the source is stable; those of reassembled packets never live longer.
  virtual void take(std::span<decode::PacketView> views, Reached reached) = 0;
  // Holds nothing back: the reader is about to wait for the consumers.
  virtual void hand_over(Reached reached) = 0;
  // The input is over at this engine time.
  virtual void finish(int64_t engine_ns) = 0;
};

// All in one thread: the one lane works on each block as it is read.
class DirectSink final : public PacketSink {
 public:
  explicit DirectSink(Lane* lane) : lane_(lane) {}
  void begin(bool) override {}
  void shed(flow::Shed level) override { lane_->shed(level); }
  void take(std::span<decode::PacketView> views, Reached reached) override;
  void hand_over(Reached) override { lane_->flush(); }
  void finish(int64_t engine_ns) override { lane_->finish(engine_ns); }

 private:
  Lane* lane_;
  std::vector<uint8_t> roles_;
};

// Spreads packets over lanes by the symmetric hash of their two hosts. An ICMP error goes to the
// lane of its own flow and, as a notice, to the lane of the flow it quotes. Before it waits for one
// lane it tells all the others how far the input was read.
class SpreadingSink final : public PacketSink {
 public:
  SpreadingSink(std::span<LaneChannel* const> channels, HashKey secret);
  void begin(bool stable_source) override { stable_source_ = stable_source; }
  void shed(flow::Shed level) override { shed_ = level; }
  void take(std::span<decode::PacketView> views, Reached reached) override;
  void hand_over(Reached reached) override;
  void finish(int64_t engine_ns) override;

 private:
  void add(size_t lane, const decode::PacketView& view, uint8_t role);
  void hand_over(size_t lane, Reached reached);
  size_t lane_of(const flow::FlowKey& key) const;
  void tell_others(size_t lane);

  std::vector<LaneChannel*> channels_;
  std::vector<std::unique_ptr<LaneBlock>> open_;
  HashKey secret_;
  bool stable_source_ = false;
  flow::Shed shed_ = flow::Shed::kNothing;
  Reached reached_;
  uint64_t told_index_ = 0;
};

class PacketReader final : private fragment::PacketTaker {
 public:
  // All outlive the reader. `writer` is the reader's own producer; `last_frames`, where it is not
  // null, gets every frame.
  // REQUIRES: options.fragments.held is at most its default.
  PacketReader(const flow::HomeNet* home, const Options& options, emit::RecordWriter* writer,
               PacketSink* sink, FrameStore* last_frames = nullptr);

  // Reads until the source ends or `stop` is set. Returns the source's last state. Used once.
  capture::ReadState run(capture::Source* source, const std::atomic<bool>& stop);

  const CounterBlock& counters() const { return counters_; }
  int64_t first_ts_ns() const { return first_ts_ns_.load(std::memory_order_relaxed); }
  int64_t last_ts_ns() const { return last_ts_ns_.load(std::memory_order_relaxed); }
  uint64_t bytes_read() const { return bytes_read_.load(std::memory_order_relaxed); }
  uint64_t bytes_total() const { return bytes_total_.load(std::memory_order_relaxed); }

 private:
  // Decoded views of one piece of a block stay in the first-level caches.
  static constexpr size_t kPiece = 64;
  // With every fragment that was held before or in the piece.
  static constexpr size_t kMostViews = 2 * kPiece + fragment::ReassemblerLimits{}.held;

  void decode_piece(capture::Block frames);
  void pass_time(int64_t now_ns);
  void on_packet(const decode::PacketView& view) override;
  // Gives the views that wait to the sink.
  void pass_on(Reached reached);
  void count(const decode::PacketView& view);
  void publish_counters(const capture::Source& source);

  decode::DecodeOptions decode_options_;
  emit::RecordWriter* writer_;
  PacketSink* sink_;
  FrameStore* last_frames_;
  flow::PacketClock clock_;
  flow::SegmentSketch sketch_;
  flow::NeighbourWatch neighbours_;
  flow::FieldbusWatch fieldbus_;
  fragment::Reassembler fragments_;
  Shedder shedder_;
  std::vector<decode::PacketView> views_;
  size_t n_views_ = 0;
  uint64_t index_ = 0;
  uint64_t bytes_ = 0;
  uint64_t ip_packets_ = 0;
  uint64_t truncated_ = 0;
  uint64_t bad_checksums_ = 0;
  uint64_t n_fragments_ = 0;
  CounterBlock counters_;
  std::atomic<int64_t> first_ts_ns_{0};
  std::atomic<int64_t> last_ts_ns_{0};
  std::atomic<uint64_t> bytes_read_{0};
  std::atomic<uint64_t> bytes_total_{0};
};

}  // namespace thymus::engine
