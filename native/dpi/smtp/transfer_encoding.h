// Content-Transfer-Encoding (RFC 2045 section 6) undone in pieces. Zeroed memory is a fresh
// decoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "dpi/text.h"

namespace thymus::dpi {

// Whatever is no base64 digit is skipped, as RFC 2045 wants; other than blanks it is remembered.
class Base64Decoder {
 public:
  // Returns the bytes written to `out`, which has room for text.size().
  size_t decode(std::string_view text, uint8_t* out) {
    size_t n = 0;
    for (const char c : text) {
      const int digit = digit_of(c);
      if (digit < 0) {
        found_bad_ |= c != '=' && !is_blank(c);
        continue;
      }
      bits_ = bits_ << 6 | static_cast<uint32_t>(digit);
      n_bits_ = static_cast<uint8_t>(n_bits_ + 6);
      if (n_bits_ < 8) continue;
      n_bits_ = static_cast<uint8_t>(n_bits_ - 8);
      out[n++] = static_cast<uint8_t>(bits_ >> n_bits_);
    }
    return n;
  }
  bool found_bad() const { return found_bad_; }

 private:
  static int digit_of(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (is_digit(c)) return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
  }

  uint32_t bits_;
  uint8_t n_bits_;  // of bits_, not yet written
  bool found_bad_;
};

// Lines come without their ends; an "=" at the end of a line joins it with the next.
class QuotedPrintableDecoder {
 public:
  // Returns the bytes written to `out`, which has room for text.size() + kMaxHeld.
  size_t decode(std::string_view text, uint8_t* out) {
    size_t n = 0;
    for (const char c : text) {
      switch (held_) {
        case 0:
          if (c == '=') {
            held_ = 1;
          } else {
            out[n++] = static_cast<uint8_t>(c);
          }
          break;
        case 1:
          first_ = c;
          held_ = 2;
          break;
        default:
          held_ = 0;
          n += escaped(c, out + n);
      }
    }
    return n;
  }
  // The line is over. True when the next one belongs to it.
  bool end_line() {
    const bool is_soft = held_ == 1 || (held_ == 2 && is_blank(first_));
    found_bad_ |= held_ == 2 && !is_soft;
    held_ = 0;
    return is_soft;
  }
  bool found_bad() const { return found_bad_; }

  static constexpr size_t kMaxHeld = 2;

 private:
  static int hex_of(char c) {
    if (is_digit(c)) return c - '0';
    const char lower = ascii_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  }
  size_t escaped(char second, uint8_t* out) {
    const int high = hex_of(first_);
    const int low = hex_of(second);
    if (high >= 0 && low >= 0) {
      out[0] = static_cast<uint8_t>(high << 4 | low);
      return 1;
    }
    found_bad_ = true;
    out[0] = '=';
    out[1] = static_cast<uint8_t>(first_);
    out[2] = static_cast<uint8_t>(second);
    return 3;
  }

  char first_;
  uint8_t held_;  // bytes of an escape that is under way: none, "=", "=X"
  bool found_bad_;
};

}  // namespace thymus::dpi
