// Lines of a stream: text up to LF, one CR before it left out. What is longer than a limit is
// given once, cut, and the rest of it skipped; so a line costs bounded memory and the same lines
// come out however the stream is cut into segments.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "dpi/context.h"

namespace thymus::dpi {

struct Line {
  std::string_view text;
  bool is_there = false;  // false: bytes were skipped, or there is no whole line yet
  bool is_cut = false;
};

// Where one direction stands between two calls. Part of a parser's zeroed state.
class LineReader {
 public:
  // The next line of `all`, the bytes of the direction that nobody used yet. Returns how many
  // bytes it used; 0: the line is not whole, `all` is to be shown again with more behind it.
  size_t next(Bytes all, size_t max_bytes, Line* line) {
    *line = {};
    const size_t lf = find_lf(all);
    if (skipping_) {
      skipping_ = lf == all.size();
      scanned_ = 0;
      return std::min(lf + 1, all.size());
    }
    if (lf == all.size() && all.size() <= max_bytes + 1) {
      scanned_ = static_cast<uint32_t>(all.size());
      return 0;
    }
    scanned_ = 0;
    skipping_ = lf == all.size();
    const bool has_cr = lf > 0 && lf < all.size() && all[lf - 1] == '\r';
    const size_t length = has_cr ? lf - 1 : lf;
    line->text = as_text(all.first(std::min(length, max_bytes)));
    line->is_there = true;
    line->is_cut = length > max_bytes;
    if (line->is_cut && n_cut_ < UINT32_MAX) ++n_cut_;
    return std::min(lf + 1, all.size());
  }

  // After a hole: the rest of the line that was under way is skipped.
  void resync() {
    skipping_ = true;
    scanned_ = 0;
  }
  uint32_t n_cut() const { return n_cut_; }

 private:
  size_t find_lf(Bytes all) const {
    const size_t from = std::min<size_t>(scanned_, all.size());
    const auto at = std::find(all.begin() + static_cast<std::ptrdiff_t>(from), all.end(), '\n');
    return static_cast<size_t>(at - all.begin());
  }

  uint32_t scanned_;  // bytes of `all` known to hold no LF
  uint32_t n_cut_;
  bool skipping_;
};

// take_messages in pieces that fit a buffer beside what is kept. `take(all, n_behind)` is told how
// many bytes of the segment come behind `all`.
template <typename Take>
bool take_stream(Context* context, int buffer, Bytes fresh, Take&& take) {
  constexpr size_t kPieceBytes = 16 * 1024;
  Reader r(fresh);
  while (!r.empty()) {
    const Bytes piece = r.take_up_to(kPieceBytes);
    const size_t n_behind = r.remaining();
    if (!take_messages(context, buffer, piece, [&](Bytes all) { return take(all, n_behind); })) {
      return false;
    }
  }
  return true;
}

}  // namespace thymus::dpi
