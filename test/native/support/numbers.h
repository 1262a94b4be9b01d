// Numbers as the bytes of a message under construction.
#pragma once

#include <cstdint>
#include <string>

namespace thymus::test {

// The low `bytes` bytes of a number, at most eight, the highest first.
inline std::string be(uint64_t value, int bytes = 4) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
  return out;
}

// The lowest first.
inline std::string le(uint64_t value, int bytes = 4) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
  return out;
}

}  // namespace thymus::test
