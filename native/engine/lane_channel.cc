#include "engine/lane_channel.h"

#include <chrono>

#include "capture/source.h"

namespace thymus::engine {
namespace {

// One frame of any size fits into an empty block.
constexpr size_t kCopyBytes = capture::kMaxFrameBytes;

}  // namespace

LaneBlock::LaneBlock() {
  views.reserve(kPackets);
  roles.reserve(kPackets);
  bytes.reserve(kCopyBytes);
}

void LaneBlock::clear() {
  views.clear();
  roles.clear();
  bytes.clear();
}

void LaneBlock::add(const decode::PacketView& view, uint8_t role, bool copy_frame) {
  views.push_back(view);
  roles.push_back(role);
  if (!copy_frame) return;
  const size_t at = bytes.size();
  bytes.insert(bytes.end(), view.frame, view.frame + view.caplen);
  views.back().frame = bytes.data() + at;  // the capacity was reserved: the data does not move
}

std::unique_ptr<LaneBlock> LaneChannel::take_empty() {
  std::unique_lock lock(mutex_);
  emptied_.wait(lock, [this] { return !empty_.empty() || made_ < kBlocks || aborted_; });
  if (aborted_) return nullptr;
  if (empty_.empty()) {
    ++made_;
    return std::make_unique<LaneBlock>();
  }
  auto block = std::move(empty_.back());
  empty_.pop_back();
  return block;
}

bool LaneChannel::has_empty() {
  std::lock_guard lock(mutex_);
  return !empty_.empty() || made_ < kBlocks || aborted_;
}

void LaneChannel::push(std::unique_ptr<LaneBlock> block) {
  std::lock_guard lock(mutex_);
  full_.push_back(std::move(block));
  filled_.notify_one();
}

void LaneChannel::finish() {
  std::lock_guard lock(mutex_);
  finished_ = true;
  filled_.notify_one();
}

std::unique_ptr<LaneBlock> LaneChannel::pop(int timeout_ms, bool* ended) {
  std::unique_lock lock(mutex_);
  filled_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                   [this] { return !full_.empty() || finished_ || aborted_; });
  *ended = full_.empty() && (finished_ || aborted_);
  if (full_.empty()) return nullptr;
  return full_.pop_front();
}

void LaneChannel::give_back(std::unique_ptr<LaneBlock> block) {
  block->clear();
  std::lock_guard lock(mutex_);
  empty_.push_back(std::move(block));
  emptied_.notify_one();
}

void LaneChannel::abort() {
  std::lock_guard lock(mutex_);
  aborted_ = true;
  filled_.notify_all();
  emptied_.notify_all();
}

}  // namespace thymus::engine
