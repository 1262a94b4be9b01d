// A pattern: how the payload of one message of a protocol looks, as data. What patterns.def lists
// is read when compiling.
//
// The bytes at fixed places are written in words: `4a` one byte, `4.` and `.4` one nibble, `00-1f`
// a range, `..` any byte, 'GET' text, @12 goes to offset 12.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "dpi/app.h"
#include "dpi/parser.h"

namespace thymus::dpi {

// One byte of a pattern: (byte & mask) lies in [low, high].
struct ByteRange {
  uint8_t mask = 0;
  uint8_t low = 0;
  uint8_t high = 0;

  constexpr bool holds(uint8_t byte) const { return (byte & mask) >= low && (byte & mask) <= high; }
  // How much more than noise a match says, in bits, rounded down.
  constexpr int bits() const {
    return std::popcount(mask) - static_cast<int>(std::bit_width(unsigned{high} - low));
  }
};

// Bytes at fixed places.
struct Bits {
  static constexpr size_t kCapacity = 64;
  std::array<ByteRange, kCapacity> bytes{};
  uint8_t size = 0;

  constexpr Bits() = default;
  consteval Bits(const char* notation) {
    std::string_view words(notation);
    while (!words.empty()) {
      if (words[0] == ' ') {
        words.remove_prefix(1);
      } else if (words[0] == '\'') {
        text(&words);
      } else if (words[0] == '@') {
        words.remove_prefix(1);
        size = static_cast<uint8_t>(decimal(&words));
      } else {
        byte(&words);
      }
    }
  }

  // REQUIRES: at + size <= payload.size().
  constexpr bool match(Bytes payload, size_t at) const {
    for (size_t i = 0; i < size; ++i) {
      if (!bytes[i].holds(payload[at + i])) return false;
    }
    return true;
  }
  constexpr int bits() const {
    int n = 0;
    for (size_t i = 0; i < size; ++i) n += bytes[i].bits();
    return n;
  }

 private:
  // Not constexpr: a word that cannot be read does not compile.
  static void unreadable_pattern();

  static consteval uint8_t hex(char c) {
    if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
    if (c < 'a' || c > 'f') unreadable_pattern();
    return static_cast<uint8_t>(c - 'a' + 10);
  }
  static consteval uint8_t octet(std::string_view word) {
    return static_cast<uint8_t>(hex(word[0]) << 4 | hex(word[1]));
  }
  static consteval unsigned decimal(std::string_view* words) {
    unsigned n = 0;
    while (!words->empty() && words->front() != ' ') {
      n = n * 10 + static_cast<unsigned>(words->front() - '0');
      words->remove_prefix(1);
    }
    return n;
  }
  consteval void add(ByteRange range) {
    if (size == kCapacity) unreadable_pattern();
    bytes[size++] = range;
  }
  consteval void text(std::string_view* words) {
    words->remove_prefix(1);
    while ((*words)[0] != '\'') {
      const auto c = static_cast<uint8_t>((*words)[0]);
      add({0xff, c, c});
      words->remove_prefix(1);
    }
    words->remove_prefix(1);
  }
  consteval void byte(std::string_view* words) {
    const std::string_view w = words->substr(0, words->find(' '));
    words->remove_prefix(w.size());
    if (w == "..") {
      add({});
    } else if (w.size() == 5 && w[2] == '-') {
      add({0xff, octet(w.substr(0, 2)), octet(w.substr(3))});
    } else if (w.size() == 2 && w[0] == '.') {
      add({0x0f, hex(w[1]), hex(w[1])});
    } else if (w.size() == 2 && w[1] == '.') {
      const auto high = static_cast<uint8_t>(hex(w[0]) << 4);
      add({0xf0, high, high});
    } else if (w.size() == 2) {
      add({0xff, octet(w), octet(w)});
    } else {
      unreadable_pattern();
    }
  }
};

// How long the payload must be, and whether it says so itself.
struct Length {
  enum class Field : uint8_t { kNone, kU8, kBe16, kBe24, kBe32, kLe16, kLe24, kLe32 };
  size_t min = 0;
  size_t max = SIZE_MAX;
  Field field = Field::kNone;
  uint8_t at = 0;     // of the field
  uint8_t scale = 1;  // bytes that the field counts in
  uint16_t add = 0;   // bytes that the field does not count
  uint8_t chunk = 0;  // the payload is several of that many bytes, all with the same first byte

  bool match(Bytes payload, size_t wire_bytes) const;
  constexpr int bits() const {
    constexpr int kWidth[] = {0, 8, 16, 24, 32, 16, 24, 32};
    return kWidth[static_cast<size_t>(field)] + (min == max ? 8 : 0) + (chunk != 0 ? 15 : 0);
  }
};

struct Pattern {
  // What all patterns must give, so that noise does not pass, and what of it a usual port gives,
  // which either side may have.
  static constexpr int kEvidenceBits = 24;
  static constexpr int kPortBits = 15;
  static constexpr size_t kSearchBytes = 512;

  AppId app;
  Transport transport;
  uint16_t port;  // 0: any
  Bits head;      // from the first byte on
  Length length{};
  Bits tail{};                // up to the last byte
  std::string_view inside{};  // somewhere in the first kSearchBytes
  uint8_t times = 1;          // payloads of the flow that must look like this

  // Apart from `times`.
  bool match(const Segment& segment) const;
  constexpr int bits() const {
    const int text = inside.empty() ? 0 : static_cast<int>(inside.size()) * 8 - 8;
    return head.bits() + tail.bits() + length.bits() + text;
  }
  constexpr int evidence() const { return bits() * times + (port != 0 ? kPortBits : 0); }
};

// Lengths of patterns.def. The field at an offset gives the length of the payload without `add`
// bytes, in units of `scale`.
constexpr Length exactly(size_t n) { return {.min = n, .max = n}; }
constexpr Length between(size_t min, size_t max) { return {.min = min, .max = max}; }
constexpr Length at_least(size_t min) { return {.min = min}; }
constexpr Length chunks_of(uint8_t n) { return {.min = size_t{2} * n, .chunk = n}; }
constexpr Length by_field(Length::Field field, uint8_t at, uint16_t add, uint8_t scale) {
  return {.field = field, .at = at, .scale = scale, .add = add};
}
constexpr Length u8(uint8_t at, uint16_t add = 0) {
  return by_field(Length::Field::kU8, at, add, 1);
}
constexpr Length be16(uint8_t at, uint16_t add = 0, uint8_t scale = 1) {
  return by_field(Length::Field::kBe16, at, add, scale);
}
constexpr Length be24(uint8_t at, uint16_t add = 0) {
  return by_field(Length::Field::kBe24, at, add, 1);
}
constexpr Length be32(uint8_t at, uint16_t add = 0) {
  return by_field(Length::Field::kBe32, at, add, 1);
}
constexpr Length le16(uint8_t at, uint16_t add = 0) {
  return by_field(Length::Field::kLe16, at, add, 1);
}
constexpr Length le24(uint8_t at, uint16_t add = 0) {
  return by_field(Length::Field::kLe24, at, add, 1);
}
constexpr Length le32(uint8_t at, uint16_t add = 0) {
  return by_field(Length::Field::kLe32, at, add, 1);
}

// All patterns, in the order of patterns.def.
std::span<const Pattern> patterns();
// The one with the most evidence that a payload matches, or null.
const Pattern* match_pattern(const Segment& segment);

}  // namespace thymus::dpi
