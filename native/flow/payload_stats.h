// Entropy and printable share of the first bytes of a direction.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace thymus::flow {

inline constexpr size_t kEntropyBytes = 256;

struct PayloadStats {
  uint8_t entropy;    // Shannon entropy of the byte histogram in bits, times 31: 0..248
  uint8_t printable;  // share of bytes 0x20..0x7e, tab, CR and LF, times 254
};

// Looks at no more than kEntropyBytes. REQUIRES: not empty.
PayloadStats payload_stats(Bytes payload);

// round(10 * log2(1 + us)), at most 255; what the record calls a quantised gap.
uint8_t quantise_gap(int64_t gap_ns);

}  // namespace thymus::flow
