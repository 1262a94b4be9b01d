// The core's counters. The list is counters.def.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace thymus {

enum class Counter : size_t {
#define COUNTER(name, text) name,
#include "base/counters.def"
#undef COUNTER
  kCount
};

inline constexpr size_t kCounters = static_cast<size_t>(Counter::kCount);

// Written by one thread, read by any: a reader sees each value as of some recent block.
class CounterBlock {
 public:
  void set(Counter c, uint64_t v) {
    values_[static_cast<size_t>(c)].store(v, std::memory_order_relaxed);
  }
  uint64_t get(Counter c) const {
    return values_[static_cast<size_t>(c)].load(std::memory_order_relaxed);
  }

 private:
  alignas(64) std::array<std::atomic<uint64_t>, kCounters> values_{};
};

}  // namespace thymus
