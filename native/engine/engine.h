// A run: sources, reader, lanes and queues, from start to end.
//
//   one lane:      [source → decode → sketch → lane] in one thread
//   N lanes:       [source → decode → sketch → spread] ══► [lane] × N
//   either way     lanes and reader ══► one queue per shard, and the publish queue
//
// Safe to use from several threads: any thread may drain (one per queue), ask for stats, stop.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/counters.h"
#include "emit/batch_queue.h"
#include "engine/frame_store.h"
#include "engine/lane.h"
#include "engine/lane_channel.h"
#include "engine/options.h"
#include "engine/reader.h"

namespace thymus::engine {

struct SourceReport {
  enum class Kind { kOk, kUnreadable, kNotACapture, kDamaged };
  std::string path;
  Kind kind = Kind::kOk;
  std::string error;
};

struct EngineStats {
  std::array<uint64_t, kCounters> counters{};
  uint64_t bytes_read = 0;
  uint64_t bytes_total = 0;
  int64_t first_ts_ns = 0;
  int64_t last_ts_ns = 0;
  int64_t cpu_ns = 0;
  bool ended = false;
  std::vector<SourceReport> sources;
};

class Engine {
 public:
  // Starts the threads; the reader opens the sources. Those that it cannot open are in the report
  // once the run has ended.
  explicit Engine(const Options& options);
  // Aborts and joins.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // As BatchQueue::drain. Queues 0 .. shards-1 are the shards', the next one publishes. Once one
  // has ended, the counters are final.
  int64_t drain(size_t queue, std::span<uint8_t> out, int timeout_ms);
  size_t queues() const { return queues_.size(); }
  EngineStats stats() const;
  // Writes the capture of a request out of the last frames, where they are kept. Any thread.
  EvidenceResult save_evidence(EvidenceRequest request);
  // Ends the input early: what was read is handed over, then the queues end.
  void stop() { stop_.store(true, std::memory_order_relaxed); }
  // Ends everything now: waiting calls return, what is queued is dropped.
  void abort();

 private:
  void open_interfaces(const Options& options);
  void open_captures(const std::vector<std::string>& paths, bool several_threads);
  void report(const std::string& path, const Status& status);
  void run_lane(size_t i);
  void note_damage(capture::ReadState state);

  std::unique_ptr<flow::HomeNet> home_;
  std::vector<std::unique_ptr<emit::BatchQueue>> queues_;
  std::unique_ptr<capture::Source> source_;
  const capture::MergedSource* captures_ = nullptr;  // source_, when it is one
  std::vector<size_t> source_reports_;               // report of each opened source
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<std::unique_ptr<LaneChannel>> channels_;
  std::unique_ptr<emit::RecordWriter> reader_writer_;
  std::unique_ptr<PacketSink> sink_;
  std::unique_ptr<FrameStore> last_frames_;
  std::unique_ptr<PacketReader> reader_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> damaged_{0};
  mutable std::mutex mutex_;
  std::vector<SourceReport> reports_;  // guarded by mutex_
  struct Worker;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace thymus::engine
