// Keyed hashes. SipHash-2-4 (Aumasson, Bernstein 2012) where an attacker chooses the input and the
// result leaves the process; a keyed multiply-fold for the flow table, where speed counts.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace thymus {

struct HashKey {
  uint64_t k0 = 0;
  uint64_t k1 = 0;
};

// Fixed keys make a replay repeatable; a live run draws them at start.
inline constexpr HashKey kReplayHashKey{0x7468796d75733031ull, 0x73656c666e6f7421ull};

uint64_t siphash24(Bytes data, HashKey key);

inline uint64_t fold_multiply(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace thymus
