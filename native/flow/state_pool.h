// Memory for parser states: one reserved range, blocks of 64 << k bytes, a free list for each size.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flow/flow.h"

namespace thymus::flow {

// One thread owns a pool. A handle is the block's offset in units of 64 bytes.
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
  static constexpr size_t kUnit = 64;
  static constexpr int kClasses = 16;
  static int size_class(size_t bytes);

  uint8_t* base_;
  size_t limit_;
  size_t used_ = 0;
  uint32_t free_[kClasses];
};

}  // namespace thymus::flow
