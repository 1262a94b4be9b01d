// A short text built in place: names joined from parts, numbers, UTF-16 as UTF-8. What does not fit
// is left out, which `cut()` tells; a character is never split.
#pragma once

#include <array>
#include <charconv>
#include <cstring>
#include <string_view>

#include "base/bytes.h"

namespace thymus {

template <size_t N>
class TextBuilder {
 public:
  TextBuilder() = default;
  explicit TextBuilder(std::string_view text) { add(text); }

  TextBuilder& add(std::string_view text) {
    const size_t n = std::min(text.size(), N - size_);
    if (n > 0) std::memcpy(text_.data() + size_, text.data(), n);
    size_ += n;
    cut_ = cut_ || n < text.size();
    return *this;
  }
  TextBuilder& add(char c) { return add(std::string_view(&c, 1)); }
  TextBuilder& add_number(uint64_t value, int base = 10) {
    std::array<char, 64> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
    return add({digits.data(), static_cast<size_t>(end - digits.data())});
  }
  // Two digits for each byte.
  TextBuilder& add_hex(Bytes bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (const uint8_t byte : bytes) add(kDigits[byte >> 4]).add(kDigits[byte & 15]);
    return *this;
  }
  // The last `n_digits` hexadecimal digits of a number.
  TextBuilder& add_hex_number(uint64_t value, int n_digits) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (int shift = 4 * (n_digits - 1); shift >= 0; shift -= 4) add(kDigits[value >> shift & 15]);
    return *this;
  }
  // UTF-16, little-endian, without its zeros. Half of a surrogate pair becomes U+FFFD.
  TextBuilder& add_utf16le(Bytes bytes) {
    Reader r(bytes);
    while (r.remaining() >= 2 && !cut_) {
      uint32_t c = r.le16();
      if (c >= 0xd800 && c < 0xdc00) {
        Reader ahead = r;
        const uint32_t low = ahead.le16();
        const bool is_pair = ahead.ok() && low >= 0xdc00 && low < 0xe000;
        c = is_pair ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
        if (is_pair) r.skip(2);
      } else if (c >= 0xdc00 && c < 0xe000) {
        c = 0xfffd;
      }
      if (c != 0) add_character(c);
    }
    return *this;
  }
  // Single bytes without zeros.
  TextBuilder& add_bytes(Bytes bytes) {
    for (const uint8_t byte : bytes) {
      if (byte != 0) add(static_cast<char>(byte));
    }
    return *this;
  }
  void clear() {
    size_ = 0;
    cut_ = false;
  }
  bool empty() const { return size_ == 0; }
  bool cut() const { return cut_; }
  size_t size() const { return size_; }
  std::string_view view() const { return {text_.data(), size_}; }

 private:
  void add_character(uint32_t c) {
    std::array<char, 4> utf8;
    size_t n = 0;
    const auto put = [&](uint32_t byte) { utf8[n++] = static_cast<char>(byte); };
    if (c < 0x80) {
      put(c);
    } else if (c < 0x800) {
      put(0xc0 | c >> 6);
      put(0x80 | (c & 63));
    } else {
      if (c < 0x10000) {
        put(0xe0 | c >> 12);
      } else {
        put(0xf0 | c >> 18);
        put(0x80 | (c >> 12 & 63));
      }
      put(0x80 | (c >> 6 & 63));
      put(0x80 | (c & 63));
    }
    if (n > N - size_) {
      cut_ = true;
    } else {
      add({utf8.data(), n});
    }
  }

  std::array<char, N> text_;
  size_t size_ = 0;
  bool cut_ = false;
};

}  // namespace thymus
