#include "flow/state_pool.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdlib>
#include <cstring>

#include <sys/mman.h>

namespace thymus::flow {

StatePool::StatePool(size_t limit_bytes) : limit_(limit_bytes) {
  void* p = mmap(nullptr, limit_, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) std::abort();
  madvise(p, limit_, MADV_HUGEPAGE);
  base_ = static_cast<uint8_t*>(p);
  for (uint32_t& head : free_) head = kNoIndex;
}

StatePool::~StatePool() { munmap(base_, limit_); }

StatePool::SizeClass StatePool::size_class(size_t bytes) {
  const size_t units = std::max<size_t>((bytes + kUnit - 1) / kUnit, 1);
  if (units <= kSmallClasses) return {static_cast<int>(units) - 1, units};
  // Rounded up to three digits in binary: 4 to 7, or 8, which begins the next power of two.
  const int shift = static_cast<int>(std::bit_width(units - 1)) - 3;
  const size_t digits = ((units - 1) >> shift) + 1;
  return {kSmallClasses + 4 * (shift - 1) + static_cast<int>(digits) - 5, digits << shift};
}

uint32_t StatePool::allocate(size_t bytes) {
  const SizeClass k = size_class(bytes);
  assert(k.number < kClasses);
  uint32_t handle = free_[k.number];
  if (handle != kNoIndex) {
    std::memcpy(&free_[k.number], at(handle), sizeof(uint32_t));
    std::memset(at(handle), 0, bytes);
    return handle;
  }
  const size_t size = k.units * kUnit;
  if (limit_ - used_ < size) return kNoIndex;
  handle = static_cast<uint32_t>(used_ / kUnit);
  used_ += size;
  return handle;
}

void StatePool::free(uint32_t handle, size_t bytes) {
  const int k = size_class(bytes).number;
  std::memcpy(at(handle), &free_[k], sizeof(uint32_t));
  free_[k] = handle;
}

}  // namespace thymus::flow
