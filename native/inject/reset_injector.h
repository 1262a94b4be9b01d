// Ends TCP connections from a passive tap: a thread hears the segments of targets and answers each
// with resets to both ends. Without targets it hears nothing; when it is gone, nothing is left.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/address.h"
#include "base/hash.h"
#include "base/status.h"
#include "inject/link_sockets.h"
#include "inject/reset_answerer.h"

namespace thymus::inject {

struct InjectorOptions {
  std::string tap;                     // interface that is heard
  std::string out;                     // interface that resets leave by; may be the same
  std::optional<MacAddress> next_hop;  // of Link
  uint32_t resets_per_second = 1000;   // frames, 2 to 1,000,000
};

struct InjectorState {
  bool is_listening = false;  // false while an interface is away
  AnswerCounts counts;
  uint64_t sent = 0;  // resets
  uint64_t send_failures = 0;
  uint64_t kernel_drops = 0;
  std::vector<uint64_t> answered;  // segments, of each target
  std::vector<bool> outlived;      // whether connections of it were seen to go on within 5 s
};

// All calls from any thread.
class ResetInjector {
 public:
  static Status open(const InjectorOptions& options, std::unique_ptr<ResetInjector>* out);
  // Waits for the thread, which ends at once.
  ~ResetInjector();
  ResetInjector(const ResetInjector&) = delete;
  ResetInjector& operator=(const ResetInjector&) = delete;

  // All that is answered from now on: once it returns, no reset for anything else is sent.
  // REQUIRES: at most kMostTargets
  Status set_targets(std::vector<ResetTarget> targets);
  InjectorState state();

 private:
  ResetInjector(const InjectorOptions& options, HashKey hash_key, int wake_fd);
  // These hold the mutex.
  Status attach();
  void attach_again();
  void answer_waiting();
  void run();

  const InjectorOptions options_;
  const int wake_fd_;
  std::atomic<bool> is_ending_ = false;
  std::mutex mutex_;
  ResetAnswerer answerer_;
  std::vector<ResetTarget> targets_;
  Link link_;
  std::unique_ptr<TapSocket> tap_;  // null while an interface is away
  std::unique_ptr<SendSocket> sender_;
  uint64_t sent_ = 0;
  uint64_t send_failures_ = 0;
  uint64_t earlier_drops_ = 0;  // of taps before this one
  std::thread thread_;
};

}  // namespace thymus::inject
