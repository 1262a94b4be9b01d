#include "flow/payload_stats.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace thymus::flow {
namespace {

// kStep[c] = (c + 1) * log2(c + 1) - c * log2(c): what one more byte of a value seen c times adds
// to the sum of c * log2(c). With it one pass over the bytes is enough, and none over the counts.
const std::array<float, kEntropyBytes> kStep = [] {
  std::array<float, kEntropyBytes> table{};
  double before = 0;
  for (size_t c = 0; c < kEntropyBytes; ++c) {
    const double n = static_cast<double>(c + 1);
    const double after = n * std::log2(n);
    table[c] = static_cast<float>(after - before);
    before = after;
  }
  return table;
}();

const std::array<uint8_t, 256> kPrintable = [] {
  std::array<uint8_t, 256> table{};
  for (size_t c = 0x20; c < 0x7f; ++c) table[c] = 1;
  table['\t'] = table['\r'] = table['\n'] = 1;
  return table;
}();

// Fractions of log2 over [1, 2) in 64 steps, for quantise_gap.
const std::array<uint8_t, 64> kLogFraction = [] {
  std::array<uint8_t, 64> table{};
  for (size_t i = 0; i < 64; ++i) {
    table[i] = static_cast<uint8_t>(
        std::lround(10 * std::log2(1.0 + (static_cast<double>(i) + 0.5) / 64.0)));
  }
  return table;
}();

}  // namespace

PayloadStats payload_stats(Bytes payload) {
  const Bytes head = payload.first(std::min(payload.size(), kEntropyBytes));
  uint8_t counts[256] = {};  // 256 bytes of one value would wrap to 0 only after the last one
  float sum = 0;
  uint32_t printable = 0;
  for (const uint8_t byte : head) {
    sum += kStep[counts[byte]++];
    printable += kPrintable[byte];
  }
  const auto n = static_cast<float>(head.size());
  const float bits = std::log2(n) - sum / n;
  return {static_cast<uint8_t>(std::clamp(std::lround(bits * 31), 0l, 248l)),
          static_cast<uint8_t>(printable * 254 / head.size())};
}

uint8_t quantise_gap(int64_t gap_ns) {
  if (gap_ns < 1000) return 0;
  const uint64_t v = static_cast<uint64_t>(gap_ns) / 1000 + 1;
  const int log = 63 - __builtin_clzll(v);
  const uint64_t fraction = log >= 6 ? v >> (log - 6) & 63 : v << (6 - log) & 63;
  const int q = 10 * log + kLogFraction[fraction];
  return static_cast<uint8_t>(std::min(q, 255));
}

}  // namespace thymus::flow
