// Damaged copies of a sample, for every decoder and parser: what reads untrusted bytes must survive
// all of them. Under ASan a step outside a copy ends the test, for each lies in a heap allocation
// of its exact size.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

#include "base/bytes.h"

namespace thymus::test {

// A copy with nothing readable around it. Also for a size of zero.
class ExactCopy {
 public:
  explicit ExactCopy(Bytes bytes)
      : size_(bytes.size()), data_(std::make_unique<uint8_t[]>(bytes.size())) {
    std::copy(bytes.begin(), bytes.end(), data_.get());
  }
  Bytes bytes() const { return {data_.get(), size_}; }
  uint8_t& operator[](size_t i) { return data_[i]; }

 private:
  size_t size_;
  std::unique_ptr<uint8_t[]> data_;
};

// Calls `use(Bytes)` with every proper prefix of `sample`, from none of it to all but one byte.
template <typename Use>
void each_prefix(Bytes sample, Use&& use) {
  for (size_t n = 0; n < sample.size(); ++n) use(ExactCopy(sample.first(n)).bytes());
}

// Calls `use(Bytes)` with `sample` changed in one byte, for every byte and every other value.
template <typename Use>
void each_byte_change(Bytes sample, Use&& use) {
  ExactCopy copy(sample);
  for (size_t i = 0; i < sample.size(); ++i) {
    for (unsigned change = 1; change < 256; ++change) {
      copy[i] = static_cast<uint8_t>(sample[i] ^ change);
      use(copy.bytes());
    }
    copy[i] = sample[i];
  }
}

// The whole sample, and both kinds of damage.
template <typename Use>
void mangle(Bytes sample, Use&& use) {
  use(ExactCopy(sample).bytes());
  each_prefix(sample, use);
  each_byte_change(sample, use);
}

}  // namespace thymus::test
