#include "capture/live/live_source.h"

#include <algorithm>
#include <utility>

#include <poll.h>

#include "base/clock.h"
#include "capture/live/link_watch.h"

namespace thymus::capture {
namespace {

constexpr int kPollMs = PacketRing::kRetireMs;
// A frame may wait for two retirements before its block is shown.
constexpr int64_t kShownAfterNs = (2 * PacketRing::kRetireMs + 2) * int64_t{1'000'000};
constexpr int64_t kCheckEveryNs = 200'000'000;

struct Watched {
  std::string name;
  RingOptions options;
  std::unique_ptr<PacketRing> ring;  // null: the interface is not there
  bool was_up = true;
  bool was_gone = false;
  RingCounts counts_before;         // of the rings that it had before
  uint64_t nic_drops_at_first = 0;  // when it was first opened
};

class LiveSource final : public Source {
 public:
  explicit LiveSource(std::vector<Watched> watched)
      : watched_(std::move(watched)), check_due_ns_(clock_ns(CLOCK_MONOTONIC) + kCheckEveryNs) {}

  ReadState next(Block* block) override {
    frames_.clear();
    for (Watched& w : watched_) {
      if (w.ring != nullptr) w.ring->release();
    }
    check();
    // What was put into blocks before this moment is found by take(), or is younger than now_ns().
    const int64_t looked_ns = clock_ns(CLOCK_REALTIME);
    take();
    if (frames_.block().empty()) {
      wait();
      take();
    }
    *block = frames_.block();
    if (!block->empty()) return ReadState::kFrames;
    now_ns_ = looked_ns - kShownAfterNs;
    return ReadState::kWait;
  }
  bool stable() const override { return false; }
  const std::string& error() const override { return error_; }
  double fill() const override {
    double most = 0;
    for (const Watched& w : watched_) {
      if (w.ring != nullptr) most = std::max(most, w.ring->fill());
    }
    return most;
  }
  int64_t now_ns() const override { return now_ns_; }

  void close() override {
    for (const Watched& w : watched_) {
      if (w.ring != nullptr) progress_.unread_frames += w.ring->unread();
    }
  }

  SourceProgress progress() const override {
    SourceProgress sum = progress_;
    for (const Watched& w : watched_) {
      const RingCounts counts = w.ring != nullptr ? w.ring->counts() : RingCounts{};
      sum.kernel_frames += w.counts_before.received + counts.received;
      sum.kernel_drops += w.counts_before.dropped + counts.dropped;
    }
    sum.nic_drops = nic_drops_;
    return sum;
  }

 private:
  // Turn and turn about, so that a busy interface leaves room for the others.
  void take() {
    for (size_t i = 0; i < watched_.size(); ++i) {
      Watched& w = watched_[(turn_ + i) % watched_.size()];
      if (w.ring != nullptr) w.ring->take(&frames_);
    }
    turn_ = (turn_ + 1) % watched_.size();
  }

  void wait() {
    polled_.clear();
    polled_.push_back({links_.fd(), POLLIN, 0});  // a poll passes over the -1 of a mute one
    for (const Watched& w : watched_) {
      if (w.ring != nullptr) polled_.push_back({w.ring->fd(), POLLIN, 0});
    }
    if (poll(polled_.data(), polled_.size(), kPollMs) <= 0) return;
    if (polled_[0].revents != 0) check_due_ns_ = 0;
    size_t i = 1;
    for (Watched& w : watched_) {
      if (w.ring != nullptr && polled_[i++].revents & POLLERR) w.ring->clear_error();
    }
  }

  // What became of the interfaces.
  void check() {
    const int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    if (now_ns < check_due_ns_) return;
    check_due_ns_ = now_ns + kCheckEveryNs;
    for (const LinkChange& change : links_.take()) {
      for (Watched& w : watched_) {
        if (w.name == change.name) note_state(&w, change.is_up);
      }
    }
    nic_drops_ = 0;
    for (size_t i = 0; i < watched_.size(); ++i) check(static_cast<uint16_t>(i));
  }

  void note_state(Watched* w, bool is_up) {
    if (w->was_up && !is_up) ++progress_.interface_downs;
    w->was_up = is_up;
  }

  void check(uint16_t position) {
    Watched& w = watched_[position];
    const Interface now = interface_named(w.name);
    note_state(&w, now.index != 0 && now.is_up);
    // What the kernel had taken before is shown within one check more, and read first.
    const bool is_gone = w.ring != nullptr && now.index != w.ring->index();
    const bool may_close = is_gone && w.was_gone && w.ring->unread() == 0;
    w.was_gone = is_gone;
    if (may_close) {
      const RingCounts counts = w.ring->counts();
      w.counts_before.received += counts.received;
      w.counts_before.dropped += counts.dropped;
      w.ring.reset();
    }
    if (w.ring == nullptr && now.index != 0) {
      // A refusal now may be none the next time: it is still being made.
      if (PacketRing::open(now, position, w.options, &w.ring).ok()) {
        ++progress_.interface_reopens;
        w.nic_drops_at_first = nic_drops(w.name);
      }
    }
    const uint64_t dropped = nic_drops(w.name);
    nic_drops_ += dropped - std::min(dropped, w.nic_drops_at_first);
  }

  std::vector<Watched> watched_;
  size_t turn_ = 0;
  FrameList frames_;
  std::vector<pollfd> polled_;
  LinkWatch links_;
  int64_t check_due_ns_;
  int64_t now_ns_ = 0;
  SourceProgress progress_;
  uint64_t nic_drops_ = 0;
  std::string error_;  // a live source has none
};

}  // namespace

Status open_live(const LiveOptions& options, std::unique_ptr<Source>* out) {
  std::vector<Interface> interfaces;
  if (Status status = find_interfaces(options.interfaces, &interfaces); !status.ok()) return status;
  std::vector<Watched> watched;
  for (const Interface& interface : interfaces) {
    Watched w;
    w.name = interface.name;
    w.options = options.ring;
    w.was_up = interface.is_up;
    const int peer = peer_index(interface.name);
    // Of a cable whose ends are both watched, each frame is taken where it arrives.
    w.options.ignore_outgoing =
        peer != 0 && std::any_of(interfaces.begin(), interfaces.end(),
                                 [peer](const Interface& other) { return other.index == peer; });
    if (interface.index != 0) {
      const auto position = static_cast<uint16_t>(watched.size());
      if (Status status = PacketRing::open(interface, position, w.options, &w.ring); !status.ok()) {
        return status;
      }
      w.nic_drops_at_first = nic_drops(w.name);
    }
    watched.push_back(std::move(w));
  }
  *out = std::make_unique<LiveSource>(std::move(watched));
  return {};
}

}  // namespace thymus::capture
