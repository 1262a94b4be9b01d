// A batch: rows, events and heap of one producer for one queue, in the total order.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "base/bytes.h"
#include "emit/generated/record_layout.h"

namespace thymus::emit {

inline constexpr uint32_t kBatchMagic = 0x54485942;

// First and second key of the total order; the third is within them.
struct OrderKey {
  double time_us = 0;
  double index = 0;
  uint32_t sub = 0;

  // After all others.
  static constexpr OrderKey end() {
    constexpr double kForever = std::numeric_limits<double>::infinity();
    return {kForever, kForever, 0};
  }
  bool operator<(const OrderKey& o) const {
    if (time_us != o.time_us) return time_us < o.time_us;
    if (index != o.index) return index < o.index;
    return sub < o.sub;
  }
};

// An event takes its header, its fields and padding to a multiple of 8.
inline size_t event_stride(uint32_t body_bytes) {
  return (sizeof(EventRow) + body_bytes + 7) & ~size_t{7};
}

// Memory is reserved once; a batch is cleared and used again.
class Batch {
 public:
  static constexpr size_t kRows = 512;
  static constexpr size_t kEventBytes = 128 * 1024;
  static constexpr size_t kHeapBytes = 96 * 1024;
  static constexpr size_t kReservedBytes = kRows * sizeof(FlowRow) + kEventBytes + kHeapBytes;

  Batch();
  void clear();
  bool empty() const { return rows_.empty() && events_.empty(); }
  // True when the next record or event might not fit.
  bool full() const;

  // Appends the row; its heap fields are set here.
  void add_row(const FlowRow& row, Bytes detail);
  // Appends the event; its body_bytes is set here.
  void add_event(const EventRow& row, Bytes body);

  const std::vector<FlowRow>& rows() const { return rows_; }
  Bytes events() const { return events_; }
  Bytes heap() const { return heap_; }
  uint32_t n_events() const { return n_events_; }

 private:
  std::vector<FlowRow> rows_;
  std::vector<uint8_t> events_;
  std::vector<uint8_t> heap_;
  uint32_t n_events_ = 0;
};

}  // namespace thymus::emit
