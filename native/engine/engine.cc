#include "engine/engine.h"

#include <algorithm>
#include <condition_variable>
#include <functional>

#include <pthread.h>
#include <sched.h>

#include "base/clock.h"
#include "capture/live/live_source.h"
#include "capture/live/pcap_source.h"

namespace thymus::engine {
namespace {

constexpr int kLaneWaitMs = 2;

// Keeps the calling thread on the i-th of the CPUs.
void pin_thread(const std::vector<uint32_t>& cpus, size_t i) {
  if (cpus.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpus[i % cpus.size()], &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

SourceReport::Kind kind_of(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return SourceReport::Kind::kOk;
    case StatusCode::kNotACapture:
      return SourceReport::Kind::kNotACapture;
    default:
      return SourceReport::Kind::kUnreadable;
  }
}

}  // namespace

bool may_run_on(uint32_t cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  return cpu < CPU_SETSIZE && sched_getaffinity(0, sizeof set, &set) == 0 && CPU_ISSET(cpu, &set);
}

// A thread that knows its CPU time, also after it has ended.
struct Engine::Worker {
  explicit Worker(std::function<void()> body)
      : thread([this, body = std::move(body)] {
          body();
          const int64_t used = clock_ns(CLOCK_THREAD_CPUTIME_ID);
          std::lock_guard lock(mutex);
          cpu_ns = used;
          ended = true;
          ends.notify_all();
        }) {}

  void wait_for_end() {
    std::unique_lock lock(mutex);
    ends.wait(lock, [this] { return ended; });
  }

  int64_t used_ns() {
    std::lock_guard lock(mutex);
    if (ended) return cpu_ns;
    clockid_t clock;
    return pthread_getcpuclockid(thread.native_handle(), &clock) == 0 ? clock_ns(clock) : 0;
  }
  bool has_ended() {
    std::lock_guard lock(mutex);
    return ended;
  }

  std::mutex mutex;
  int64_t cpu_ns = 0;
  bool ended = false;
  std::condition_variable ends;
  std::thread thread;  // last: starts when all else is there
};

Engine::Engine(const Options& options) : home_(new flow::HomeNet(options.home_net)) {
  const size_t producers = options.lanes + size_t{1};
  for (uint32_t i = 0; i < options.shards + (options.publish ? 1 : 0); ++i) {
    queues_.push_back(std::make_unique<emit::BatchQueue>(i, producers, options.queue_bytes));
  }
  std::vector<emit::BatchQueue*> shards;
  for (uint32_t i = 0; i < options.shards; ++i) shards.push_back(queues_[i].get());
  emit::BatchQueue* publish = options.publish ? queues_.back().get() : nullptr;

  for (uint32_t i = 0; i < options.lanes; ++i) {
    lanes_.push_back(std::make_unique<Lane>(options.tracker, home_.get(), i, shards, publish,
                                            options.flush_ns, options.judged));
  }
  reader_writer_ = std::make_unique<emit::RecordWriter>(
      options.lanes, shards, publish, options.tracker.secret, options.flush_ns, options.judged);
  if (options.lanes == 1) {
    sink_ = std::make_unique<DirectSink>(lanes_[0].get());
  } else {
    std::vector<LaneChannel*> channels;
    for (uint32_t i = 0; i < options.lanes; ++i) {
      channels_.push_back(std::make_unique<LaneChannel>());
      channels.push_back(channels_.back().get());
    }
    sink_ = std::make_unique<SpreadingSink>(channels, options.tracker.secret);
  }
  if (options.evidence_bytes > 0) {
    last_frames_ = std::make_unique<FrameStore>(options.evidence_bytes);
  }
  reader_ = std::make_unique<PacketReader>(home_.get(), options, reader_writer_.get(), sink_.get(),
                                           last_frames_.get());
  // Opening a pipe waits for its first bytes, which must not hold up the caller.
  workers_.push_back(std::make_unique<Worker>([this, options] {
    pin_thread(options.pinned, 0);
    if (options.is_live) {
      open_interfaces(options);
    } else {
      open_captures(options.sources, options.lanes > 1);
    }
    note_damage(reader_->run(source_.get(), stop_));
  }));
  for (size_t i = 0; i < channels_.size(); ++i) {
    workers_.push_back(std::make_unique<Worker>([this, i, cpus = options.pinned] {
      pin_thread(cpus, i + 1);
      run_lane(i);
    }));
  }
}

Engine::~Engine() {
  abort();
  for (auto& worker : workers_) worker->thread.join();
}

void Engine::open_interfaces(const Options& options) {
  const auto open = options.through_libpcap ? capture::open_pcap_live : capture::open_live;
  const Status status = open({options.sources, options.ring}, &source_);
  std::string names;
  for (const std::string& name : options.sources) names += (names.empty() ? "" : " ") + name;
  report(names, status);
  if (!status.ok()) source_ = capture::merge_sources({});
}

void Engine::open_captures(const std::vector<std::string>& paths, bool several_threads) {
  const auto access = several_threads ? capture::Access::kMapped : capture::Access::kRead;
  std::vector<std::unique_ptr<capture::Source>> opened;
  for (size_t i = 0; i < paths.size(); ++i) {
    std::unique_ptr<capture::Source> source;
    const Status status = capture::open_capture(paths[i], access, &stop_, &source);
    report(paths[i], status);
    if (!status.ok()) continue;
    source_reports_.push_back(i);
    opened.push_back(std::move(source));
  }
  auto merged = capture::merge_sources(std::move(opened));
  captures_ = merged.get();
  source_ = std::move(merged);
}

// A pipe that was left because of a stop is not to blame.
void Engine::report(const std::string& path, const Status& status) {
  const bool blamed = !status.ok() && !stop_.load(std::memory_order_relaxed);
  std::lock_guard lock(mutex_);
  reports_.push_back({path, kind_of(blamed ? status.code() : StatusCode::kOk),
                      blamed ? status.message() : std::string()});
}

void Engine::note_damage(capture::ReadState state) {
  if (state != capture::ReadState::kDamaged || stop_.load(std::memory_order_relaxed)) return;
  const std::vector<std::string>& errors = captures_->errors();
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < errors.size(); ++i) {
    if (errors[i].empty()) continue;
    SourceReport& report = reports_[source_reports_[i]];
    report.kind = SourceReport::Kind::kDamaged;
    report.error = errors[i];
    damaged_.fetch_add(1, std::memory_order_relaxed);
  }
}

void Engine::run_lane(size_t i) {
  LaneChannel& channel = *channels_[i];
  Lane& lane = *lanes_[i];
  int64_t end_ns = 0;
  for (bool ended = false; !ended;) {
    auto block = channel.pop(kLaneWaitMs, &ended);
    if (block == nullptr) {
      if (!ended) lane.flush();
      continue;
    }
    lane.shed(block->shed);
    lane.process(block->views, block->roles, block->reached);
    end_ns = block->reached.engine_ns;
    channel.give_back(std::move(block));
  }
  lane.finish(end_ns);
}

int64_t Engine::drain(size_t queue, std::span<uint8_t> out, int timeout_ms) {
  const int64_t n = queues_[queue]->drain(out, timeout_ms);
  // All was said, but the last counters may be a moment behind.
  if (n < 0) {
    for (auto& worker : workers_) worker->wait_for_end();
  }
  return n;
}

EvidenceResult Engine::save_evidence(EvidenceRequest request) {
  return last_frames_ == nullptr ? EvidenceResult{} : last_frames_->save(std::move(request));
}

void Engine::abort() {
  stop();
  for (auto& queue : queues_) queue->abort();
  for (auto& channel : channels_) channel->abort();
}

EngineStats Engine::stats() const {
  EngineStats s;
  for (size_t c = 0; c < kCounters; ++c) {
    const auto counter = static_cast<Counter>(c);
    s.counters[c] = reader_->counters().get(counter);
    for (const auto& lane : lanes_) s.counters[c] += lane->counters().get(counter);
  }
  s.counters[static_cast<size_t>(Counter::damaged_sources)] =
      damaged_.load(std::memory_order_relaxed);
  s.bytes_read = reader_->bytes_read();
  s.bytes_total = reader_->bytes_total();
  s.first_ts_ns = reader_->first_ts_ns();
  s.last_ts_ns = reader_->last_ts_ns();
  s.ended = true;
  for (const auto& worker : workers_) {
    s.cpu_ns += worker->used_ns();
    s.ended = s.ended && worker->has_ended();
  }
  std::lock_guard lock(mutex_);
  s.sources = reports_;
  return s;
}

}  // namespace thymus::engine
