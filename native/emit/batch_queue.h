// The queue between the lanes and one consumer: bounded, merged in the total order.
//
//   producers (lanes, the reader)            consumer (a shard worker, the publisher)
//     offer(batch, watermark)  ──► per-producer lists ──►  drain(buffer)
//     wait_for_room()                                      one merged batch a call
//
// A producer's watermark promises that it will offer nothing before it. An item may leave when it
// lies before the watermarks of all producers; so the merged stream does not depend on timing.
// `offer` never blocks and `wait_for_room` does: a producer offers to all its queues before it
// waits for any of them, so that no consumer waits for a watermark that another consumer holds
// back. A queue exceeds its limit by at most one batch per producer.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/ring.h"
#include "emit/batch.h"

namespace thymus::emit {

class BatchQueue {
 public:
  // `number` goes into the header of each drained batch.
  BatchQueue(uint32_t number, size_t producers, size_t limit_bytes);

  // Producer side; each producer from one thread. `batch` may be null: only the watermark moves.
  void offer(size_t producer, std::unique_ptr<Batch> batch, OrderKey watermark);
  // Blocks while the producer is over its share of the limit, unless aborted.
  void wait_for_room(size_t producer);
  bool has_room(size_t producer);
  // This producer will offer nothing more.
  void finish(size_t producer);
  // An empty batch, used before where there is one. As many are kept as were ever on their way at
  // once, which the limit bounds.
  std::unique_ptr<Batch> take_empty();

  // Consumer side; one thread at a time. Copies one merged batch (header, rows, events, heap) into
  // `out` and returns its bytes. When the time ran out: an empty batch if the watermark has moved,
  // 0 if not, and always 0 with a time of 0. -1 when all producers have finished and all was
  // drained, or after abort. REQUIRES: out holds at least kMinimumDrainBytes.
  int64_t drain(std::span<uint8_t> out, int timeout_ms);
  static constexpr size_t kMinimumDrainBytes = 256 * 1024;

  // Ends all waiting; drain returns -1 from now on.
  void abort();

 private:
  struct Cursor {
    std::unique_ptr<Batch> batch;
    size_t row = 0;
    size_t event = 0;  // byte offset
  };
  // Consecutive rows or one event of a batch that go out together.
  struct Run {
    const Batch* batch;
    size_t begin;
    size_t count;  // rows; 0: the event at byte `begin`
  };
  struct Sizes {
    size_t rows = 0;
    size_t event_bytes = 0;
    size_t events = 0;
    size_t heap = 0;
    size_t total() const;
  };
  struct Spent {
    size_t producer;
    std::unique_ptr<Batch> batch;
  };
  struct Producer {
    size_t bytes = 0;                      // offered and not yet drained; guarded by mutex_
    Ring<std::unique_ptr<Batch>> offered;  // guarded by mutex_
    OrderKey watermark{-1, -1, 0};         // guarded by mutex_
    bool finished = false;                 // guarded by mutex_
    Ring<Cursor> taken;                    // the consumer's
  };

  bool ready_locked() const;
  OrderKey limit_locked() const;
  bool all_finished_locked() const;
  static OrderKey head(const Cursor& cursor, bool* is_row);
  Producer* next_producer(OrderKey limit, OrderKey* rival, bool* is_row);
  bool plan(OrderKey limit, size_t capacity, Sizes* sizes);
  bool plan_rows(OrderKey rival, size_t capacity, Cursor* cursor, Sizes* sizes);
  bool plan_event(size_t capacity, Cursor* cursor, Sizes* sizes);
  int64_t write(std::span<uint8_t> out, const Sizes& sizes, OrderKey watermark, bool last) const;
  void give_back();
  OrderKey planned_end(OrderKey limit, bool complete) const;

  const uint32_t number_;
  const size_t share_bytes_;
  std::mutex mutex_;
  std::condition_variable consumer_wakes_;
  std::condition_variable producer_wakes_;
  std::vector<Producer> producers_;
  std::vector<std::unique_ptr<Batch>> empty_;
  size_t bytes_ = 0;          // offered and not yet drained
  OrderKey told_{-1, -1, 0};  // watermark of the last drained batch
  bool consumer_waits_ = false;
  bool aborted_ = false;
  bool ended_ = false;
  // The consumer's scratch: what leaves now, and batches that are used up by it.
  std::vector<Run> runs_;
  std::vector<Spent> spent_;
};

}  // namespace thymus::emit
