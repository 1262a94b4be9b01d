// Bounded reading of untrusted bytes. `decode` and `dpi` touch packet bytes only through this.
//
// A Reader is a cursor over a borrowed span. A read past the end sets the sticky failed flag,
// returns zero (or an empty span) and leaves the cursor at the end, so that a parser may read a
// whole header and check `ok()` once. No operation can touch a byte outside the span.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace thymus {

using Bytes = std::span<const uint8_t>;

inline std::string_view as_text(Bytes b) {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Loads from memory that the caller has already checked. Unaligned, any host.
template <typename T>
inline T load_native(const uint8_t* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
static_assert(std::endian::native == std::endian::little, "thymus supports little-endian hosts");
inline uint16_t load_be16(const uint8_t* p) { return __builtin_bswap16(load_native<uint16_t>(p)); }
inline uint32_t load_be32(const uint8_t* p) { return __builtin_bswap32(load_native<uint32_t>(p)); }
inline uint64_t load_be64(const uint8_t* p) { return __builtin_bswap64(load_native<uint64_t>(p)); }
inline uint16_t load_le16(const uint8_t* p) { return load_native<uint16_t>(p); }
inline uint32_t load_le32(const uint8_t* p) { return load_native<uint32_t>(p); }
inline uint64_t load_le64(const uint8_t* p) { return load_native<uint64_t>(p); }

class Reader {
 public:
  Reader() = default;
  explicit Reader(Bytes bytes) : begin_(bytes.data()), cur_(begin_), end_(begin_ + bytes.size()) {}

  bool ok() const { return !failed_; }
  size_t remaining() const { return static_cast<size_t>(end_ - cur_); }
  bool empty() const { return cur_ == end_; }
  size_t offset() const { return static_cast<size_t>(cur_ - begin_); }
  Bytes rest() const { return {cur_, remaining()}; }
  Bytes all() const { return {begin_, static_cast<size_t>(end_ - begin_)}; }

  uint8_t u8() { return need(1) ? *(cur_ - 1) : uint8_t{0}; }
  uint16_t be16() { return need(2) ? load_be16(cur_ - 2) : uint16_t{0}; }
  uint32_t be24() {
    return need(3) ? static_cast<uint32_t>(cur_[-3]) << 16 | load_be16(cur_ - 2) : 0;
  }
  uint32_t be32() { return need(4) ? load_be32(cur_ - 4) : 0; }
  uint64_t be64() { return need(8) ? load_be64(cur_ - 8) : 0; }
  uint16_t le16() { return need(2) ? load_le16(cur_ - 2) : uint16_t{0}; }
  uint32_t le32() { return need(4) ? load_le32(cur_ - 4) : 0; }
  uint64_t le64() { return need(8) ? load_le64(cur_ - 8) : 0; }
  bool skip(size_t n) { return need(n); }
  // The next n bytes; empty and failed when fewer remain.
  Bytes take(size_t n) { return need(n) ? Bytes{cur_ - n, n} : Bytes{}; }
  // The next n bytes or as many as remain; never fails.
  Bytes take_up_to(size_t n) {
    n = std::min(n, remaining());
    cur_ += n;
    return {cur_ - n, n};
  }
  // Moves to an absolute offset from the start of the span; fails when it lies outside.
  bool seek(size_t offset) {
    if (offset > static_cast<size_t>(end_ - begin_)) return fail();
    cur_ = begin_ + offset;
    return true;
  }
  // Looks without moving or failing: zero where the byte is not there.
  uint8_t peek_u8(size_t at = 0) const { return remaining() > at ? cur_[at] : uint8_t{0}; }
  uint16_t peek_be16(size_t at = 0) const {
    return remaining() >= 2 && at <= remaining() - 2 ? load_be16(cur_ + at) : uint16_t{0};
  }
  // A reader over the next n bytes (or as many as remain); this cursor moves past them.
  Reader sub(size_t n) { return Reader(take_up_to(n)); }
  bool fail() {
    failed_ = true;
    cur_ = end_;
    return false;
  }

 private:
  bool need(size_t n) {
    if (n > remaining()) [[unlikely]]
      return fail();
    cur_ += n;
    return true;
  }

  const uint8_t* begin_ = nullptr;
  const uint8_t* cur_ = nullptr;
  const uint8_t* end_ = nullptr;
  bool failed_ = false;
};

}  // namespace thymus
