#include "base/ring.h"

#include <deque>
#include <memory>
#include <random>

#include <doctest/doctest.h>

using thymus::Ring;

TEST_CASE("ring: gives what a deque gives") {
  Ring<std::unique_ptr<int>> ring;
  std::deque<int> expected;
  std::mt19937 random(3);
  for (int i = 0; i < 20'000; ++i) {
    // Grows at first, later empties as often as it fills.
    if (expected.empty() || random() % (i < 500 ? 5 : 2) != 0) {
      ring.push_back(std::make_unique<int>(i));
      expected.push_back(i);
    } else {
      CHECK(*ring.front() == expected.front());
      CHECK(*ring.pop_front() == expected.front());
      expected.pop_front();
    }
    CHECK(ring.size() == expected.size());
    CHECK(ring.empty() == expected.empty());
  }
}
