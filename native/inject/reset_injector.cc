#include "inject/reset_injector.h"

#include <cassert>
#include <cerrno>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/os_error.h"

namespace thymus::inject {
namespace {

constexpr int kLookMs = 1000;  // so often it is looked whether the interfaces are still there
constexpr int kMostAtOnce = 64;
constexpr int64_t kOutlivedRecentlyNs = 5'000'000'000;

}  // namespace

Status ResetInjector::open(const InjectorOptions& options, std::unique_ptr<ResetInjector>* out) {
  HashKey key;
  if (getrandom(&key, sizeof key, 0) != sizeof key) {
    return {StatusCode::kIo, "The kernel gives no random bytes: " + capture::os_error() + "."};
  }
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) {
    return {StatusCode::kIo, "No more files can be opened: " + capture::os_error() + "."};
  }
  std::unique_ptr<ResetInjector> injector(new ResetInjector(options, key, wake_fd));
  if (Status status = injector->attach(); !status.ok()) return status;
  injector->thread_ = std::thread([self = injector.get()] { self->run(); });
  *out = std::move(injector);
  return {};
}

ResetInjector::ResetInjector(const InjectorOptions& options, HashKey hash_key, int wake_fd)
    : options_(options), wake_fd_(wake_fd), answerer_(options.resets_per_second, hash_key) {
  link_.next_hop = options.next_hop;
}

ResetInjector::~ResetInjector() {
  is_ending_ = true;
  eventfd_write(wake_fd_, 1);
  if (thread_.joinable()) thread_.join();
  close(wake_fd_);
}

Status ResetInjector::attach() {
  std::unique_ptr<TapSocket> tap;
  std::unique_ptr<SendSocket> sender;
  if (Status status = TapSocket::open(options_.tap, &tap); !status.ok()) return status;
  if (Status status = SendSocket::open(options_.out, &sender); !status.ok()) return status;
  if (!tap->set_filter(tap_filter(targets_))) {
    return {StatusCode::kIo, "The kernel refuses the filter: " + capture::os_error() + "."};
  }
  tap_ = std::move(tap);
  sender_ = std::move(sender);
  link_.own = sender_->mac();
  return {};
}

// Whoever wants to know hears of it through state().
void ResetInjector::attach_again() {
  if (tap_ != nullptr && tap_->is_attached() && sender_->is_attached()) return;
  if (tap_ != nullptr) earlier_drops_ += tap_->drops();
  tap_.reset();
  sender_.reset();
  const Status status = attach();
  static_cast<void>(status.ok());
}

Status ResetInjector::set_targets(std::vector<ResetTarget> targets) {
  assert(targets.size() <= kMostTargets);
  const std::lock_guard lock(mutex_);
  targets_ = std::move(targets);
  answerer_.set_targets(targets_);
  if (tap_ == nullptr) {
    eventfd_write(wake_fd_, 1);
    return attach();
  }
  if (tap_->set_filter(tap_filter(targets_))) return {};
  return {StatusCode::kIo, "The kernel refuses the filter: " + capture::os_error() + "."};
}

InjectorState ResetInjector::state() {
  const std::lock_guard lock(mutex_);
  InjectorState out;
  out.is_listening = tap_ != nullptr && tap_->is_attached() && sender_->is_attached();
  out.counts = answerer_.counts();
  out.sent = sent_;
  out.send_failures = send_failures_;
  out.kernel_drops = earlier_drops_ + (tap_ == nullptr ? 0 : tap_->drops());
  const int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
  for (const TargetState& target : answerer_.states()) {
    out.answered.push_back(target.answered);
    out.outlived.push_back(target.outlived_ns != 0 &&
                           now_ns - target.outlived_ns < kOutlivedRecentlyNs);
  }
  return out;
}

void ResetInjector::answer_waiting() {
  const int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
  Head head;
  for (int i = 0; i < kMostAtOnce && tap_->take(&head); ++i) {
    const Answer answer = answerer_.answer(head.bytes, head.origlen, now_ns, link_);
    for (size_t k = 0; k < answer.n; ++k) {
      if (sender_->send(answer.frames[k].bytes())) {
        ++sent_;
      } else {
        ++send_failures_;
      }
    }
  }
}

void ResetInjector::run() {
  int64_t next_look_ns = 0;
  while (!is_ending_) {
    // Only this thread replaces sockets while it runs, besides set_targets() where there is none.
    int fd = -1;
    {
      const std::lock_guard lock(mutex_);
      const int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
      if (now_ns >= next_look_ns) {
        next_look_ns = now_ns + int64_t{kLookMs} * 1'000'000;
        attach_again();
      }
      if (tap_ != nullptr) {
        answer_waiting();
        fd = tap_->fd();
      }
    }
    pollfd waits[2] = {{wake_fd_, POLLIN, 0}, {fd, POLLIN, 0}};
    poll(waits, 2, kLookMs);
    eventfd_t times = 0;
    eventfd_read(wake_fd_, &times);
  }
}

}  // namespace thymus::inject
