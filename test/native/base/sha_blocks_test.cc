#include "base/sha_blocks.h"

#include <array>
#include <random>

#include <doctest/doctest.h>

namespace thymus::sha_blocks {
namespace {

void check_same(Mix plain, Mix fastest) {
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    std::array<uint8_t, 64> block;
    for (uint8_t& byte : block) byte = static_cast<uint8_t>(random());
    std::array<uint32_t, 8> expected;
    for (uint32_t& word : expected) word = static_cast<uint32_t>(random());
    std::array<uint32_t, 8> words = expected;
    plain(expected.data(), block.data());
    fastest(words.data(), block.data());
    REQUIRE(words == expected);
  }
}

}  // namespace

TEST_CASE("sha_blocks: the processor's instructions give what plain C++ gives") {
  check_same(sha1_plain, fastest_sha1());
  check_same(sha256_plain, fastest_sha256());
}

}  // namespace thymus::sha_blocks
