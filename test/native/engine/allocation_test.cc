// The packet path takes no memory from the heap once it has warmed up.
#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "capture/source.h"
#include "engine/reader.h"
#include "support/allocations.h"

using namespace thymus;
using namespace thymus::test;

namespace {

// The frames of the bundled captures in memory, one capture after another.
class Frames {
 public:
  Frames() {
    for (const char* name : {"office_day", "ssh_guessing", "horizontal_scan", "vertical_scan"}) {
      load(std::string(THYMUS_SOURCE_DIR "/pcaps/") + name + ".pcap.gz");
    }
    for (size_t i = 0; i < frames_.size(); ++i) frames_[i].data = bytes_.data() + starts_[i];
  }
  const std::vector<capture::Frame>& all() const { return frames_; }

 private:
  void load(const std::string& path) {
    std::unique_ptr<capture::Source> source;
    REQUIRE(capture::open_capture(path, &source).ok());
    capture::Block block;
    int64_t first_ns = -1;
    const int64_t begin_ns = frames_.empty() ? 0 : frames_.back().ts_ns + 1;
    while (source->next(&block) == capture::ReadState::kFrames) {
      for (capture::Frame frame : block) {
        if (first_ns < 0) first_ns = frame.ts_ns;
        starts_.push_back(bytes_.size());
        bytes_.insert(bytes_.end(), frame.data, frame.data + frame.caplen);
        frame.ts_ns += begin_ns - first_ns;
        frames_.push_back(frame);
      }
    }
  }

  std::vector<capture::Frame> frames_;
  std::vector<size_t> starts_;
  std::vector<uint8_t> bytes_;
};

// Plays the frames several times, each round one or two whole hours after the last, so that timers
// fire alike, with frames that are missing, cut or exchanged among them. Drains the queues before
// each block, as a consumer that keeps up would.
class Rounds final : public capture::Source {
 public:
  Rounds(const std::vector<capture::Frame>& frames, size_t rounds,
         std::span<emit::BatchQueue* const> queues)
      : frames_(frames), n_rounds_(rounds), queues_(queues), drained_(1 << 20) {
    block_.reserve(capture::kBlockFrames);
  }

  capture::ReadState next(capture::Block* block) override {
    for (emit::BatchQueue* queue : queues_) {
      while (queue->drain(drained_, 0) > 0) {
      }
    }
    if (at_ == frames_.size()) begin_round();
    if (round_ == n_rounds_) return capture::ReadState::kEnd;
    fill();
    *block = block_;
    return capture::ReadState::kFrames;
  }
  bool stable() const override { return true; }
  const std::string& error() const override { return error_; }
  capture::SourceProgress progress() const override { return {}; }

  // Of all rounds but the first ones.
  uint64_t allocations() const { return allocations_; }
  uint64_t packets() const { return packets_; }

 private:
  static constexpr size_t kWarmRounds = 2;

  void begin_round() {
    constexpr int64_t kHourNs = 3'600'000'000'000;
    at_ = 0;
    shift_ns_ += (frames_.back().ts_ns / kHourNs + 2) * kHourNs;
    if (++round_ == kWarmRounds) allocations_ = n_allocations();
    if (round_ == n_rounds_) allocations_ = n_allocations() - allocations_;
  }
  void fill() {
    block_.clear();
    for (; at_ < frames_.size() && block_.size() < capture::kBlockFrames; ++at_) {
      if (at_ % 211 == 0) continue;
      capture::Frame frame = frames_[at_];
      frame.ts_ns += shift_ns_;
      if (at_ % 97 == 0) frame.caplen /= 2;
      block_.push_back(frame);
      if (at_ % 13 == 0 && block_.size() > 1) {
        std::swap(block_[block_.size() - 2].data, block_.back().data);
        std::swap(block_[block_.size() - 2].caplen, block_.back().caplen);
        std::swap(block_[block_.size() - 2].origlen, block_.back().origlen);
      }
    }
    if (round_ >= kWarmRounds) packets_ += block_.size();
  }

  const std::vector<capture::Frame>& frames_;
  size_t n_rounds_;
  std::span<emit::BatchQueue* const> queues_;
  std::vector<uint8_t> drained_;
  std::vector<capture::Frame> block_;
  std::string error_;
  size_t at_ = 0;
  size_t round_ = 0;
  int64_t shift_ns_ = 1'700'000'000'000'000'000;
  uint64_t allocations_ = 0;
  uint64_t packets_ = 0;
};

}  // namespace

TEST_CASE("engine: the packet path allocates nothing") {
  if (!counts_allocations()) return;
  const Frames frames;
  Prefix home;
  REQUIRE(parse_prefix("10.0.0.0/8", &home));
  const flow::HomeNet home_net({home});
  constexpr size_t kProducers = 2;
  emit::BatchQueue shard(0, kProducers, 64 << 20);
  emit::BatchQueue publish(1, kProducers, 64 << 20);
  emit::BatchQueue* const shards[] = {&shard};
  emit::BatchQueue* const queues[] = {&shard, &publish};
  engine::Options options;
  options.tracker.max_flows = 1 << 16;
  engine::Lane lane(options.tracker, &home_net, 0, shards, &publish);
  emit::RecordWriter writer(1, shards, &publish, options.tracker.secret);
  engine::DirectSink sink(&lane);
  engine::PacketReader reader(&home_net, options, &writer, &sink);
  constexpr size_t kRounds = 7;
  Rounds source(frames.all(), kRounds, queues);
  const std::atomic<bool> stop{false};
  CHECK(reader.run(&source, stop) == capture::ReadState::kEnd);
  CHECK(source.packets() > 200'000);
  CHECK(lane.counters().get(Counter::dpi_events) > 10'000);
  CHECK(lane.counters().get(Counter::stream_segments_kept) > 300);
  CHECK(source.allocations() == 0);
}
