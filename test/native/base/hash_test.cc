#include "base/hash.h"

#include <vector>

#include <doctest/doctest.h>

namespace thymus {

// Appendix A of the SipHash paper and the vectors of its reference implementation: key and input
// are 00 01 02 ...
TEST_CASE("siphash24: gives the reference values") {
  constexpr HashKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  constexpr uint64_t kExpected[] = {
      0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a,
      0x85676696d7fb7e2d, 0xcf2794e0277187b7, 0x18765564cd99a68d,
      0xcbc9466e58fee3ce, 0xab0200f58b01d137, 0x93f5f5799a932462,
  };
  std::vector<uint8_t> input;
  for (const uint64_t expected : kExpected) {
    CAPTURE(input.size());
    CHECK(siphash24(input, kKey) == expected);
    input.push_back(static_cast<uint8_t>(input.size()));
  }
  while (input.size() < 15) input.push_back(static_cast<uint8_t>(input.size()));
  CHECK(siphash24(input, kKey) == 0xa129ca6149be45e5);
}

TEST_CASE("siphash24: depends on both halves of the key") {
  const std::vector<uint8_t> input(20, 7);
  const uint64_t plain = siphash24(input, {});
  CHECK(siphash24(input, {1, 0}) != plain);
  CHECK(siphash24(input, {0, 1}) != plain);
}

TEST_CASE("fold_multiply: mixes both halves of the product") {
  CHECK(fold_multiply(3, 5) == 15);
  CHECK(fold_multiply(1ull << 63, 6) == 3);
  CHECK(fold_multiply(~0ull, ~0ull) == ~0ull);
}

}  // namespace thymus
