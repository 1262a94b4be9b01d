// Messages of a stream that say their own length. Of each the start is shown once, whole, and the
// rest is skipped, so that a message costs bounded memory however long it is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "dpi/context.h"
#include "dpi/lines.h"

namespace thymus::dpi {

// What the first bytes of a message tell.
struct Frame {
  enum class State : uint8_t { kShort, kKnown, kBroken };

  State state = State::kShort;  // kShort: not even the length is there; kBroken: no message at all
  uint64_t bytes = 0;           // of the whole message, header included
  size_t head_bytes = 0;        // of its start, that must be shown in one piece; at most `bytes`

  static Frame broken() { return {State::kBroken, 0, 0}; }
  static Frame of(uint64_t bytes, size_t most_head_bytes) {
    return {State::kKnown, bytes, static_cast<size_t>(std::min<uint64_t>(bytes, most_head_bytes))};
  }
};

inline constexpr size_t kMaxFrameHeadBytes = 16 * 1024;

// Where one direction stands between two calls. Part of a parser's zeroed state.
struct FrameCursor {
  uint64_t skip_bytes;  // of a message that was shown already
  bool is_lost;         // after a hole, until a segment is one whole message or several

  // After a hole.
  void lose(int buffer, Context* context) {
    context->buffers->clear(buffer);
    skip_bytes = 0;
    is_lost = true;
  }
};

enum class Framing : uint8_t { kGoesOn, kStopped, kBroken };

// Shows every message whose start is whole. `measure(bytes)` answers a Frame with
// head_bytes <= kMaxFrameHeadBytes and bytes > 0; `show(head, frame, n_behind)` says whether to go
// on, n_behind is how many bytes of the segment come behind what of the message is there.
template <typename Measure, typename Show>
Framing take_frames(FrameCursor* cursor, Context* context, int buffer, Bytes fresh,
                    Measure&& measure, Show&& show) {
  if (cursor->is_lost) {
    const Frame first = measure(fresh);
    if (first.state != Frame::State::kKnown || first.bytes > fresh.size()) return Framing::kGoesOn;
    cursor->is_lost = false;
  }
  Framing framing = Framing::kGoesOn;
  const bool is_kept =
      take_stream(context, buffer, fresh, [&](Bytes all, size_t n_behind) -> size_t {
        if (framing != Framing::kGoesOn) return all.size();
        if (cursor->skip_bytes > 0) {
          const size_t n = static_cast<size_t>(std::min<uint64_t>(cursor->skip_bytes, all.size()));
          cursor->skip_bytes -= n;
          return n;
        }
        const Frame frame = measure(all);
        if (frame.state == Frame::State::kBroken) {
          framing = Framing::kBroken;
          return 0;
        }
        if (frame.state == Frame::State::kShort || all.size() < frame.head_bytes) return 0;
        const size_t used = static_cast<size_t>(std::min<uint64_t>(frame.bytes, all.size()));
        cursor->skip_bytes = frame.bytes - used;
        if (!show(all.first(frame.head_bytes), frame, all.size() - used + n_behind)) {
          framing = Framing::kStopped;
        }
        return used;
      });
  return is_kept || framing != Framing::kGoesOn ? framing : Framing::kBroken;
}

}  // namespace thymus::dpi
