// Texts that wait in a buffer of the flow until their event can be written, each with a number that
// says what it is: {u8 kind, u16 length, text}.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "dpi/context.h"

namespace thymus::dpi {

class KeptFields {
 public:
  static constexpr size_t kMaxTextBytes = 4096;
  static constexpr size_t kHeaderBytes = 3;

  // Keeps at most `max_bytes` in all, so that they fit an event.
  KeptFields(Buffers* buffers, int buffer, size_t max_bytes)
      : buffers_(buffers), buffer_(buffer), max_bytes_(max_bytes) {}

  // False when there is no room. A text longer than kMaxTextBytes is cut.
  bool add(uint8_t kind, std::string_view text) const {
    text = text.substr(0, kMaxTextBytes);
    const size_t size = kHeaderBytes + text.size();
    if (buffers_->view(buffer_).size() + size > max_bytes_) return false;
    std::array<uint8_t, kHeaderBytes + kMaxTextBytes> field;
    field[0] = kind;
    field[1] = static_cast<uint8_t>(text.size() >> 8);
    field[2] = static_cast<uint8_t>(text.size());
    std::copy(text.begin(), text.end(), field.begin() + kHeaderBytes);
    return buffers_->append(buffer_, {field.data(), size});
  }

  bool empty() const { return buffers_->view(buffer_).empty(); }

  // Calls `visit(kind, text)` in the order of arrival. It may not add.
  template <typename Visit>
  void each(Visit&& visit) const {
    Reader r(buffers_->view(buffer_));
    while (!r.empty()) {
      const uint8_t kind = r.u8();
      visit(kind, as_text(r.take(r.be16())));
    }
  }

  // The oldest; valid until something is added. REQUIRES: !empty().
  uint8_t front_kind() const { return Reader(buffers_->view(buffer_)).u8(); }
  std::string_view front() const {
    Reader r(buffers_->view(buffer_));
    r.skip(1);
    return as_text(r.take(r.be16()));
  }
  void pop() const { buffers_->consume(buffer_, kHeaderBytes + front().size()); }
  void clear() const { buffers_->clear(buffer_); }

 private:
  Buffers* buffers_;
  int buffer_;
  size_t max_bytes_;
};

}  // namespace thymus::dpi
