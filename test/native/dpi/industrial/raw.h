// Bytes of messages, put together by hand.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace thymus::test {

using Raw = std::vector<uint8_t>;

inline Raw operator+(Raw a, const Raw& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
inline Raw be16(uint64_t n) { return {static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)}; }
inline Raw be32(uint64_t n) { return be16(n >> 16) + be16(n); }
inline Raw le16(uint64_t n) { return {static_cast<uint8_t>(n), static_cast<uint8_t>(n >> 8)}; }
inline Raw le32(uint64_t n) { return le16(n) + le16(n >> 16); }
inline Raw text(std::string_view t) { return {t.begin(), t.end()}; }
inline Raw zeros(size_t n) { return Raw(n, 0); }

}  // namespace thymus::test
