// A fixed number of equal items in reserved memory, which becomes resident as it is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "base/reserved_array.h"

namespace thymus::stream {

// One thread owns a pool. A handle names an item; 0 names none, and in its place are zeros.
template <typename T>
class Pool {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) >= sizeof(uint32_t));

 public:
  explicit Pool(size_t count) : items_(count + 1, Pages::kSmall), count_(count) {}

  // An item with any content, or 0 when all are taken.
  uint32_t take() {
    uint32_t handle = free_;
    if (handle != 0) {
      std::memcpy(&free_, &items_[handle], sizeof free_);
    } else if (touched_ < count_) {
      handle = static_cast<uint32_t>(++touched_);
    } else {
      return 0;
    }
    ++taken_;
    return handle;
  }
  // REQUIRES: `handle` came from take() and was not given back since.
  void give_back(uint32_t handle) {
    std::memcpy(static_cast<void*>(&items_[handle]), &free_, sizeof free_);
    free_ = handle;
    --taken_;
  }
  T& operator[](uint32_t handle) { return items_[handle]; }
  const T& operator[](uint32_t handle) const { return items_[handle]; }
  size_t taken() const { return taken_; }

 private:
  ReservedArray<T> items_;
  size_t count_;
  size_t touched_ = 0;
  size_t taken_ = 0;
  uint32_t free_ = 0;  // a free item begins with the handle of the next one
};

}  // namespace thymus::stream
