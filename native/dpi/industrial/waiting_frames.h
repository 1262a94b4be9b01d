// Requests that wait for their response: whole messages in buffer 2, the oldest first.
#pragma once

#include <array>

#include "dpi/context.h"

namespace thymus::dpi {

// Part of a parser's zeroed state.
class WaitingFrames {
 public:
  static constexpr uint8_t kMaxFrames = 24;
  static constexpr size_t kMaxFrameBytes = 2054;

  bool empty() const { return n_ == 0; }
  bool full() const { return n_ == kMaxFrames; }
  // False when there is no room. REQUIRES: frame.size() <= kMaxFrameBytes.
  bool add(Bytes frame, Context* context) {
    Record record;
    if (full() || !context->buffers->append(kBuffer, write(frame, &record))) return false;
    ++n_;
    return true;
  }
  // Shows the oldest one to `use` and drops it. REQUIRES: !empty().
  template <typename Use>
  void take_oldest(Context* context, Use&& use) {
    const Bytes frame = first(context->buffers->view(kBuffer));
    use(frame);
    drop_first(frame, context);
  }
  // Shows the oldest one that `is_it` to `use` and drops it. False when there is none.
  template <typename IsIt, typename Use>
  bool take_match(Context* context, IsIt&& is_it, Use&& use) {
    Reader r(context->buffers->view(kBuffer));
    for (int n_before = 0; !r.empty(); ++n_before) {
      const Bytes frame = r.take(r.le16());
      if (!is_it(frame)) continue;
      use(frame);
      // Those before it go behind the others.
      for (int i = 0; i < n_before; ++i) rotate(context);
      drop_first(first(context->buffers->view(kBuffer)), context);
      return true;
    }
    return false;
  }

 private:
  static constexpr int kBuffer = 2;
  static constexpr size_t kLengthBytes = 2;
  using Record = std::array<uint8_t, kLengthBytes + kMaxFrameBytes>;

  static Bytes first(Bytes records) {
    Reader r(records);
    return r.take(r.le16());
  }
  // Gives the bytes that it used of `record`.
  static Bytes write(Bytes frame, Record* record) {
    const auto length = static_cast<uint16_t>(frame.size());
    std::memcpy(record->data(), &length, kLengthBytes);
    std::copy(frame.begin(), frame.end(), record->begin() + kLengthBytes);
    return Bytes(*record).first(kLengthBytes + frame.size());
  }
  void drop_first(Bytes frame, Context* context) {
    context->buffers->consume(kBuffer, kLengthBytes + frame.size());
    --n_;
  }
  void rotate(Context* context) {
    Record record;
    const Bytes written = write(first(context->buffers->view(kBuffer)), &record);
    context->buffers->consume(kBuffer, written.size());
    if (!context->buffers->append(kBuffer, written)) --n_;
  }

  uint8_t n_;
};

}  // namespace thymus::dpi
