#include "emit/batch_queue.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>

namespace thymus::emit {
namespace {

// A consumer without records still hears of time: at each detector tick and each second.
constexpr double kTellEveryUs = 1e6;
constexpr double kTickUs = 5e6;

size_t align8(size_t n) { return (n + 7) & ~size_t{7}; }

template <typename Row>
OrderKey key_of(const Row& row) {
  return {row.time_us, row.order_index, row.order_sub};
}

EventRow event_at(const Batch& batch, size_t offset) {
  EventRow row;
  std::memcpy(&row, batch.events().data() + offset, sizeof row);
  return row;
}

size_t heap_bytes(const Batch& batch, size_t begin, size_t count) {
  const FlowRow& first = batch.rows()[begin];
  const FlowRow& last = batch.rows()[begin + count - 1];
  return last.heap_offset + last.heap_bytes - first.heap_offset;
}

}  // namespace

size_t BatchQueue::Sizes::total() const {
  return sizeof(BatchHeader) + rows * sizeof(FlowRow) + event_bytes + align8(heap);
}

BatchQueue::BatchQueue(uint32_t number, size_t producers, size_t limit_bytes)
    : number_(number), share_bytes_(limit_bytes / producers), producers_(producers) {}

void BatchQueue::offer(size_t producer, std::unique_ptr<Batch> batch, OrderKey watermark) {
  std::lock_guard lock(mutex_);
  if (batch != nullptr && !aborted_) {
    producers_[producer].bytes += Batch::kReservedBytes;
    producers_[producer].offered.push_back(std::move(batch));
  }
  assert(!(watermark < producers_[producer].watermark));
  producers_[producer].watermark = watermark;
  if (consumer_waits_ && ready_locked()) consumer_wakes_.notify_one();
}

bool BatchQueue::has_room(size_t producer) {
  std::lock_guard lock(mutex_);
  return producers_[producer].bytes <= share_bytes_ || aborted_;
}

void BatchQueue::wait_for_room(size_t producer) {
  std::unique_lock lock(mutex_);
  producer_wakes_.wait(
      lock, [this, producer] { return producers_[producer].bytes <= share_bytes_ || aborted_; });
}

void BatchQueue::finish(size_t producer) {
  std::lock_guard lock(mutex_);
  producers_[producer].finished = true;
  producers_[producer].watermark = OrderKey::end();
  consumer_wakes_.notify_one();
}

std::unique_ptr<Batch> BatchQueue::take_empty() {
  {
    std::lock_guard lock(mutex_);
    if (!empty_.empty()) {
      auto batch = std::move(empty_.back());
      empty_.pop_back();
      return batch;
    }
  }
  return std::make_unique<Batch>();
}

void BatchQueue::abort() {
  std::lock_guard lock(mutex_);
  aborted_ = true;
  consumer_wakes_.notify_all();
  producer_wakes_.notify_all();
}

OrderKey BatchQueue::limit_locked() const {
  OrderKey limit = OrderKey::end();
  for (const Producer& p : producers_) limit = std::min(limit, p.watermark);
  return limit;
}

bool BatchQueue::all_finished_locked() const {
  return std::all_of(producers_.begin(), producers_.end(),
                     [](const Producer& p) { return p.finished; });
}

// Something may leave, or time has gone on far enough to be told.
bool BatchQueue::ready_locked() const {
  if (aborted_ || all_finished_locked()) return true;
  const OrderKey limit = limit_locked();
  for (const Producer& p : producers_) {
    bool is_row;
    if (!p.taken.empty()) {
      if (head(p.taken.front(), &is_row) < limit) return true;
    } else if (!p.offered.empty()) {
      const Batch& b = *p.offered.front();
      if (!b.rows().empty() && key_of(b.rows()[0]) < limit) return true;
      if (b.n_events() > 0 && key_of(event_at(b, 0)) < limit) return true;
    }
  }
  if (limit.time_us < 0) return false;
  return told_.time_us < 0 || limit.time_us - told_.time_us >= kTellEveryUs ||
         std::floor(limit.time_us / kTickUs) != std::floor(told_.time_us / kTickUs);
}

// The earlier of the next row and the next event. REQUIRES: one of them exists.
OrderKey BatchQueue::head(const Cursor& cursor, bool* is_row) {
  const Batch& b = *cursor.batch;
  const bool has_row = cursor.row < b.rows().size();
  const bool has_event = cursor.event < b.events().size();
  if (!has_event) {
    *is_row = true;
    return key_of(b.rows()[cursor.row]);
  }
  const OrderKey event = key_of(event_at(b, cursor.event));
  if (has_row) {
    const OrderKey row = key_of(b.rows()[cursor.row]);
    *is_row = row < event;
    return *is_row ? row : event;
  }
  *is_row = false;
  return event;
}

// The producer whose head comes first before `limit`, or null. `rival` is the earliest head of the
// others (or the limit): a run may go on up to it.
BatchQueue::Producer* BatchQueue::next_producer(OrderKey limit, OrderKey* rival, bool* is_row) {
  Producer* next = nullptr;
  OrderKey first = limit;
  *rival = limit;
  for (Producer& p : producers_) {
    while (!p.taken.empty() && p.taken.front().row == p.taken.front().batch->rows().size() &&
           p.taken.front().event == p.taken.front().batch->events().size()) {
      spent_.push_back({static_cast<size_t>(&p - producers_.data()), p.taken.pop_front().batch});
    }
    if (p.taken.empty()) continue;
    bool row;
    const OrderKey key = head(p.taken.front(), &row);
    if (key < first) {
      *rival = first;
      first = key;
      *is_row = row;
      next = &p;
    } else if (key < *rival) {
      *rival = key;
    }
  }
  return next;
}

// Chooses what leaves, in order, until the limit or the capacity; moves the cursors past it.
// Returns true when all that lies before the limit was chosen.
bool BatchQueue::plan(OrderKey limit, size_t capacity, Sizes* sizes) {
  runs_.clear();
  OrderKey rival;
  bool is_row = false;
  while (Producer* next = next_producer(limit, &rival, &is_row)) {
    Cursor* cursor = &next->taken.front();
    const bool fits =
        is_row ? plan_rows(rival, capacity, cursor, sizes) : plan_event(capacity, cursor, sizes);
    if (!fits) return false;
  }
  return true;
}

bool BatchQueue::plan_rows(OrderKey rival, size_t capacity, Cursor* cursor, Sizes* sizes) {
  const Batch& b = *cursor->batch;
  if (cursor->event < b.events().size()) {
    rival = std::min(rival, key_of(event_at(b, cursor->event)));
  }
  const size_t begin = cursor->row;
  do {
    const size_t heap = heap_bytes(b, cursor->row, 1);
    Sizes more = *sizes;
    more.rows += 1;
    more.heap += heap;
    if (more.total() > capacity) break;
    *sizes = more;
    ++cursor->row;
  } while (cursor->row < b.rows().size() && key_of(b.rows()[cursor->row]) < rival);
  if (cursor->row == begin) return false;
  runs_.push_back({&b, begin, cursor->row - begin});
  return true;
}

bool BatchQueue::plan_event(size_t capacity, Cursor* cursor, Sizes* sizes) {
  const Batch& b = *cursor->batch;
  const size_t stride = event_stride(event_at(b, cursor->event).body_bytes);
  Sizes more = *sizes;
  more.events += 1;
  more.event_bytes += stride;
  if (more.total() > capacity) return false;
  *sizes = more;
  runs_.push_back({&b, cursor->event, 0});
  cursor->event += stride;
  return true;
}

int64_t BatchQueue::write(std::span<uint8_t> out, const Sizes& sizes, OrderKey watermark,
                          bool last) const {
  BatchHeader header{};
  header.magic = kBatchMagic;
  header.layout = kLayoutHash;
  header.total_bytes = static_cast<uint32_t>(sizes.total());
  header.n_rows = static_cast<uint32_t>(sizes.rows);
  header.n_events = static_cast<uint32_t>(sizes.events);
  header.rows_offset = sizeof header;
  header.events_offset = static_cast<uint32_t>(header.rows_offset + sizes.rows * sizeof(FlowRow));
  header.heap_offset = static_cast<uint32_t>(header.events_offset + sizes.event_bytes);
  header.watermark_us = watermark.time_us;
  header.watermark_index = watermark.index;
  header.queue = number_;
  header.flags = last ? 1 : 0;
  std::memcpy(out.data(), &header, sizeof header);
  uint8_t* row = out.data() + header.rows_offset;
  uint8_t* event = out.data() + header.events_offset;
  uint8_t* const heap = out.data() + header.heap_offset;
  size_t heap_at = 0;
  for (const Run& run : runs_) {
    if (run.count == 0) {
      const size_t stride = event_stride(event_at(*run.batch, run.begin).body_bytes);
      std::memcpy(event, run.batch->events().data() + run.begin, stride);
      event += stride;
      continue;
    }
    const FlowRow* from = &run.batch->rows()[run.begin];
    const size_t heap_run = heap_bytes(*run.batch, run.begin, run.count);
    if (heap_run > 0) {
      std::memcpy(heap + heap_at, run.batch->heap().data() + from->heap_offset, heap_run);
    }
    for (size_t i = 0; i < run.count; ++i, row += sizeof(FlowRow)) {
      FlowRow copy = from[i];
      copy.heap_offset = static_cast<uint32_t>(heap_at + copy.heap_offset - from->heap_offset);
      std::memcpy(row, &copy, sizeof copy);
    }
    heap_at += heap_run;
  }
  return header.total_bytes;
}

// Before which nothing is still to come, once this batch is out.
OrderKey BatchQueue::planned_end(OrderKey limit, bool complete) const {
  if (complete) return limit;
  OrderKey end = limit;
  bool is_row;
  for (const Producer& p : producers_) {
    if (!p.taken.empty()) end = std::min(end, head(p.taken.front(), &is_row));
  }
  return end;
}

void BatchQueue::give_back() {
  std::lock_guard lock(mutex_);
  if (spent_.empty()) return;
  for (auto& [producer, batch] : spent_) {
    producers_[producer].bytes -= Batch::kReservedBytes;
    batch->clear();
    empty_.push_back(std::move(batch));
  }
  spent_.clear();
  producer_wakes_.notify_all();
}

int64_t BatchQueue::drain(std::span<uint8_t> out, int timeout_ms) {
  OrderKey limit;
  bool finished;
  {
    std::unique_lock lock(mutex_);
    if (ended_ || aborted_) return -1;
    consumer_waits_ = true;
    consumer_wakes_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                             [this] { return ready_locked(); });
    consumer_waits_ = false;
    if (aborted_) return -1;
    limit = limit_locked();
    // Who waited in vain still hears how far time has come: another consumer may wait for it.
    const bool moved = timeout_ms > 0 && limit.time_us >= 0 && told_ < limit;
    if (!ready_locked() && !moved) return 0;
    finished = all_finished_locked();
    for (Producer& p : producers_) {
      while (!p.offered.empty()) p.taken.push_back({p.offered.pop_front()});
    }
  }
  Sizes sizes;
  const bool complete = plan(limit, out.size(), &sizes);
  const bool last = finished && complete;
  const OrderKey end = planned_end(limit, complete);
  const int64_t written = write(out, sizes, end, last);
  told_ = end;
  ended_ = last;
  give_back();
  return written;
}

}  // namespace thymus::emit
