#include "flow/state_pool.h"

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

int StatePool::size_class(size_t bytes) {
  const size_t units = (bytes + kUnit - 1) / kUnit;
  return units <= 1 ? 0 : static_cast<int>(std::bit_width(units - 1));
}

uint32_t StatePool::allocate(size_t bytes) {
  const int k = size_class(bytes);
  assert(k < kClasses);
  uint32_t handle = free_[k];
  if (handle != kNoIndex) {
    std::memcpy(&free_[k], at(handle), sizeof(uint32_t));
    std::memset(at(handle), 0, bytes);
    return handle;
  }
  const size_t size = kUnit << k;
  if (limit_ - used_ < size) return kNoIndex;
  handle = static_cast<uint32_t>(used_ / kUnit);
  used_ += size;
  return handle;
}

void StatePool::free(uint32_t handle, size_t bytes) {
  const int k = size_class(bytes);
  std::memcpy(at(handle), &free_[k], sizeof(uint32_t));
  free_[k] = handle;
}

}  // namespace thymus::flow
