#include "support/mangle.h"

#include <set>
#include <vector>

#include <doctest/doctest.h>

namespace thymus::test {
namespace {

const std::vector<uint8_t> kSample{1, 2, 3};

TEST_CASE("mangle: gives every proper prefix once") {
  std::vector<size_t> sizes;
  each_prefix(kSample, [&](Bytes b) {
    CHECK(std::equal(b.begin(), b.end(), kSample.begin()));
    sizes.push_back(b.size());
  });
  CHECK(sizes == std::vector<size_t>{0, 1, 2});
}

TEST_CASE("mangle: gives every change of one byte once") {
  std::set<std::vector<uint8_t>> seen;
  each_byte_change(kSample, [&](Bytes b) {
    size_t n_changed = 0;
    for (size_t i = 0; i < b.size(); ++i) n_changed += b[i] != kSample[i];
    CHECK(n_changed == 1);
    seen.insert({b.begin(), b.end()});
  });
  CHECK(seen.size() == kSample.size() * 255);
}

}  // namespace
}  // namespace thymus::test
