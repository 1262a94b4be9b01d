// Which names a flow has used already, so that each is reported once however often it comes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/hash.h"

namespace thymus::dpi {

// Part of a parser's zeroed state.
class SeenNames {
 public:
  // True the first time; false again, and for all when kMost names were seen.
  bool is_new(std::string_view name) {
    const auto hash = static_cast<uint32_t>(siphash24(as_bytes(name), kReplayHashKey));
    const uint32_t* end = hashes_ + n_;
    if (n_ == kMost || std::find<const uint32_t*>(hashes_, end, hash) != end) return false;
    hashes_[n_++] = hash;
    return true;
  }

 private:
  static constexpr uint32_t kMost = 128;

  uint32_t hashes_[kMost];
  uint32_t n_;
};

}  // namespace thymus::dpi
