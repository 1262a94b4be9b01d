#include "flow/distinct_counter.h"

#include <cmath>

#include <doctest/doctest.h>

#include "base/hash.h"

using thymus::fold_multiply;
using thymus::kReplayHashKey;
using thymus::flow::DistinctCounter;

namespace {

// Of the address 10.0.0.0 + n, as the sketch hashes it.
uint64_t hash_of(uint64_t n) {
  return fold_multiply(kReplayHashKey.k0, (0xffff'0a00'0000 + n) ^ kReplayHashKey.k1);
}

double relative_error(uint32_t estimate, uint64_t truth) {
  return std::abs(static_cast<double>(estimate) / static_cast<double>(truth) - 1);
}

}  // namespace

TEST_CASE("distinct counter: neighbouring addresses are told apart, repeats are not counted") {
  constexpr double kThreeErrors = 0.1;
  DistinctCounter counter;
  CHECK(counter.estimate() == 0);
  uint64_t seen = 0;
  for (const uint64_t upto : {1, 3, 10, 100, 1000, 2500, 3000, 10'000, 100'000, 1'000'000}) {
    for (; seen < upto; ++seen) {
      counter.add(hash_of(seen));
      counter.add(hash_of(seen / 2));
    }
    CAPTURE(upto);
    CHECK(relative_error(counter.estimate(), upto) < kThreeErrors);
  }
}

TEST_CASE("distinct counter: clear forgets, whether little or much was seen") {
  DistinctCounter counter;
  for (const uint64_t n : {5, 64, 65, 5000, 7}) {
    for (uint64_t i = 0; i < n; ++i) counter.add(hash_of(i));
    CHECK(counter.estimate() > 0);
    counter.clear();
    CHECK(counter.estimate() == 0);
    counter.add(hash_of(1));
    CHECK(counter.estimate() == 1);
    counter.clear();
  }
}
