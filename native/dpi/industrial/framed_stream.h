// Messages that say their length near their start, as most industrial protocols have them, out of a
// stream or a datagram. Of a message longer than is kept the start is shown and the rest skipped,
// so that the same messages come out however the stream is cut.
#pragma once

#include "dpi/context.h"
#include "dpi/lines.h"
#include "dpi/parser.h"

namespace thymus::dpi {

// Part of a parser's zeroed state. Uses buffers 0 and 1.
class FramedStream {
 public:
  // What `measure` says of bytes that no message can begin with.
  static constexpr size_t kNoFrame = SIZE_MAX;

  // Shows each message of the segment: `on_frame(start, bytes)` gets its first max_kept bytes, or
  // all, and its length. `measure(bytes)` tells the length of the message at the start of `bytes`,
  // 0 when they are too few to tell. False when this segment holds bytes that are no message; then
  // the direction is passed over until a segment begins with one. REQUIRES: max_kept <= 32 KiB.
  template <typename Measure, typename OnFrame>
  bool show(const Segment& segment, size_t max_kept, Context* context, Measure&& measure,
            OnFrame&& on_frame) {
    if (segment.transport != Transport::kTcp) {
      return show_datagram(segment, max_kept, measure, on_frame);
    }
    Direction& direction = directions_[segment.from_originator ? 0 : 1];
    if (direction.is_lost) {
      const size_t length = measure(segment.data);
      if (length == 0 || length == kNoFrame) return true;
      direction.is_lost = false;
    }
    const int buffer = segment.from_originator ? 0 : 1;
    const bool is_kept = take_stream(context, buffer, segment.data, [&](Bytes all, size_t) {
      return take(all, max_kept, measure, on_frame, &direction);
    });
    if (is_kept && !direction.is_lost) return true;
    lose(segment.from_originator, context);
    return false;
  }

  // Bytes of a direction are missing.
  void lose(bool from_originator, Context* context) {
    directions_[from_originator ? 0 : 1] = {0, true};
    context->buffers->clear(from_originator ? 0 : 1);
  }
  // Whole messages so far.
  uint32_t n_frames() const { return n_frames_; }
  // For a parser that claims a flow with its first whole message, of whichever side.
  Answer answer() const {
    if (n_frames_ > 0) return Answer::kAccept;
    return directions_[0].is_lost && directions_[1].is_lost ? Answer::kReject : Answer::kNeedMore;
  }

 private:
  struct Direction {
    size_t n_skipped;  // bytes of a long message that are still to come
    bool is_lost;
  };

  template <typename Measure, typename OnFrame>
  bool show_datagram(const Segment& segment, size_t max_kept, Measure&& measure,
                     OnFrame&& on_frame) {
    Reader r(segment.data);
    while (!r.empty()) {
      const size_t length = measure(r.rest());
      if (length == 0 || length == kNoFrame || length > r.remaining()) {
        if (n_frames_ == 0) directions_[0].is_lost = directions_[1].is_lost = true;
        return false;
      }
      count_frame();
      on_frame(r.take(length).first(std::min(length, max_kept)), length);
    }
    return true;
  }

  template <typename Measure, typename OnFrame>
  size_t take(Bytes all, size_t max_kept, Measure&& measure, OnFrame&& on_frame,
              Direction* direction) {
    if (direction->is_lost) return all.size();
    if (direction->n_skipped > 0) {
      const size_t n = std::min(direction->n_skipped, all.size());
      direction->n_skipped -= n;
      return n;
    }
    const size_t length = measure(all);
    if (length == kNoFrame) {
      direction->is_lost = true;
      return all.size();
    }
    const size_t n_shown = std::min(length, max_kept);
    if (length == 0 || all.size() < n_shown) return 0;
    count_frame();
    on_frame(all.first(n_shown), length);
    const size_t n_used = std::min(length, all.size());
    direction->n_skipped = length - n_used;
    return n_used;
  }

  void count_frame() { n_frames_ += n_frames_ < UINT32_MAX ? 1 : 0; }

  Direction directions_[2];
  uint32_t n_frames_;
};

}  // namespace thymus::dpi
