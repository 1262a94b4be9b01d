#include "inject/token_bucket.h"

#include <doctest/doctest.h>

namespace thymus::inject {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST_CASE("TokenBucket: gives a burst, then its rate") {
  TokenBucket bucket(10, 5);
  int64_t now = 100 * kSecond;
  for (int i = 0; i < 5; ++i) CHECK(bucket.take(1, now));
  CHECK_FALSE(bucket.take(1, now));
  now += kSecond / 10;
  CHECK(bucket.take(1, now));
  CHECK_FALSE(bucket.take(1, now));
}

TEST_CASE("TokenBucket: gives all or nothing") {
  TokenBucket bucket(10, 5);
  CHECK_FALSE(bucket.take(6, kSecond));
  CHECK(bucket.take(5, kSecond));
}

TEST_CASE("TokenBucket: keeps no more than its burst, and a clock that steps back gives nothing") {
  TokenBucket bucket(10, 5);
  CHECK(bucket.take(5, kSecond));
  CHECK(bucket.take(5, 1000 * kSecond));
  CHECK_FALSE(bucket.take(1, 500 * kSecond));
  CHECK_FALSE(bucket.take(1, 1000 * kSecond));
}

}  // namespace
}  // namespace thymus::inject
