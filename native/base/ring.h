// A queue in one array that doubles when full and never shrinks, so that what has warmed up
// allocates no more; std::deque allocates as its ends move.
#pragma once

#include <cassert>
#include <cstddef>
#include <utility>
#include <vector>

namespace thymus {

template <typename T>
class Ring {
 public:
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  // REQUIRES: not empty.
  T& front() {
    assert(size_ > 0);
    return items_[first_];
  }
  const T& front() const {
    assert(size_ > 0);
    return items_[first_];
  }
  void push_back(T item) {
    if (size_ == items_.size()) grow();
    items_[(first_ + size_++) & (items_.size() - 1)] = std::move(item);
  }
  // REQUIRES: not empty.
  T pop_front() {
    assert(size_ > 0);
    T item = std::exchange(items_[first_], T{});
    first_ = (first_ + 1) & (items_.size() - 1);
    --size_;
    return item;
  }

 private:
  void grow() {
    std::vector<T> larger(items_.empty() ? 8 : items_.size() * 2);
    for (size_t i = 0; i < size_; ++i) {
      larger[i] = std::move(items_[(first_ + i) & (items_.size() - 1)]);
    }
    items_ = std::move(larger);
    first_ = 0;
  }

  std::vector<T> items_;  // as many as a power of two, or none
  size_t first_ = 0;
  size_t size_ = 0;
};

}  // namespace thymus
