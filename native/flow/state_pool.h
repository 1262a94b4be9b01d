// Memory for parser states: one reserved range, blocks of many sizes, a free list for each size.
// Sizes are multiples of 16 bytes up to 128, and above it four between a power of two and the next:
// no block is larger than what it holds by more than a quarter. Most flows need 16 or 80 bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flow/flow.h"

namespace thymus::flow {

// One thread owns a pool. A handle is the block's offset in units of 16 bytes.
class StatePool {
 public:
  explicit StatePool(size_t limit_bytes);
  ~StatePool();
  StatePool(const StatePool&) = delete;
  StatePool& operator=(const StatePool&) = delete;

  // A zeroed block, or kNoIndex when the pool is used up.
  uint32_t allocate(size_t bytes);
  // REQUIRES: `handle` came from allocate(bytes) and was not freed since.
  void free(uint32_t handle, size_t bytes);
  void* at(uint32_t handle) const { return base_ + size_t{handle} * kUnit; }

 private:
  static constexpr size_t kUnit = 16;
  static constexpr int kSmallClasses = 8;  // of 1 to 8 units
  static constexpr int kClasses = 64;
  struct SizeClass {
    int number;
    size_t units;
  };
  static SizeClass size_class(size_t bytes);

  uint8_t* base_;
  size_t limit_;
  size_t used_ = 0;
  uint32_t free_[kClasses];
};

}  // namespace thymus::flow
