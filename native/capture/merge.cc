// The k-way merge. A binary heap holds the sources that have frames, by the time of their next
// frame and then by position; whole runs are copied while one source stays the earliest.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "capture/source.h"

namespace thymus::capture {
namespace {

struct Input {
  std::unique_ptr<Source> source;  // null once it ended and nothing points into it
  uint32_t position;
  Block unread;
  SourceProgress progress;  // the last one, when source is null
};

bool is_earlier(const Frame& a, uint32_t a_position, const Frame& b, uint32_t b_position) {
  return a.ts_ns != b.ts_ns ? a.ts_ns < b.ts_ns : a_position < b_position;
}

// Puts the earliest on the top of a heap.
bool is_later(const Input* a, const Input* b) {
  return is_earlier(b->unread.front(), b->position, a->unread.front(), a->position);
}

class Merge final : public MergedSource {
 public:
  explicit Merge(std::vector<std::unique_ptr<Source>> sources)
      : errors_(sources.size()),
        stable_(std::all_of(sources.begin(), sources.end(),
                            [](const auto& source) { return source->stable(); })) {
    inputs_.reserve(sources.size());
    for (auto& source : sources) {
      inputs_.push_back({std::move(source), static_cast<uint32_t>(inputs_.size()), {}, {}});
      hungry_.push_back(&inputs_.back());
    }
    frames_.reserve(kBlockFrames);
  }

  ReadState next(Block* block) override {
    *block = {};
    frames_.clear();
    feed_hungry();
    if (!hungry_.empty()) return ReadState::kWait;
    while (!heap_.empty() && hungry_.empty() && frames_.size() < kBlockFrames) take_run();
    if (frames_.empty()) return error_.empty() ? ReadState::kEnd : ReadState::kDamaged;
    *block = frames_;
    return ReadState::kFrames;
  }
  bool stable() const override { return stable_; }
  const std::string& error() const override { return error_; }
  const std::vector<std::string>& errors() const override { return errors_; }

  SourceProgress progress() const override {
    SourceProgress sum;
    bool is_total_known = true;
    for (const Input& input : inputs_) {
      SourceProgress one = input.source ? input.source->progress() : input.progress;
      sum.bytes_read += one.bytes_read;
      sum.bytes_total += one.bytes_total;
      is_total_known = is_total_known && one.bytes_total > 0;
    }
    if (!is_total_known) sum.bytes_total = 0;
    return sum;
  }

 private:
  // Nothing given earlier is looked at any more, so that every source may go on.
  void feed_hungry() {
    std::erase_if(hungry_, [this](Input* input) { return feed(input); });
  }

  // False when the source has to wait.
  bool feed(Input* input) {
    ReadState state = input->source->next(&input->unread);
    if (state == ReadState::kWait) return false;
    if (state != ReadState::kFrames) {
      retire(input);
      return true;
    }
    heap_.push_back(input);
    std::push_heap(heap_.begin(), heap_.end(), is_later);
    return true;
  }

  void retire(Input* input) {
    errors_[input->position] = input->source->error();
    if (error_.empty()) error_ = input->source->error();
    if (input->source->stable()) return;  // frames in the hands of others point into it
    input->progress = input->source->progress();
    input->source.reset();
  }

  // Moves frames of the earliest source while it stays the earliest and the block has room.
  void take_run() {
    std::pop_heap(heap_.begin(), heap_.end(), is_later);
    Input* input = heap_.back();
    heap_.pop_back();
    const Input* rival = heap_.empty() ? nullptr : heap_.front();
    do {
      frames_.push_back(input->unread.front());
      frames_.back().source = input->position;
      input->unread = input->unread.subspan(1);
    } while (!input->unread.empty() && frames_.size() < kBlockFrames &&
             (!rival || is_earlier(input->unread.front(), input->position, rival->unread.front(),
                                   rival->position)));
    put_back(input);
  }

  // A source that is not stable may not be read while the block holds frames of it.
  void put_back(Input* input) {
    if (!input->unread.empty()) {
      heap_.push_back(input);
      std::push_heap(heap_.begin(), heap_.end(), is_later);
    } else if (!input->source->stable() || !feed(input)) {
      hungry_.push_back(input);
    }
  }

  std::vector<Input> inputs_;  // never grows: the lists below point into it
  std::vector<Input*> heap_;
  std::vector<Input*> hungry_;  // have no frames and have not ended
  std::vector<Frame> frames_;
  std::vector<std::string> errors_;
  std::string error_;
  const bool stable_;
};

}  // namespace

std::unique_ptr<MergedSource> merge_sources(std::vector<std::unique_ptr<Source>> sources) {
  return std::make_unique<Merge>(std::move(sources));
}

}  // namespace thymus::capture
