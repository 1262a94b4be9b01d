#include "emit/batch_queue.h"

#include <algorithm>
#include <random>
#include <thread>

#include <doctest/doctest.h>

using namespace thymus;
using namespace thymus::emit;

namespace {

FlowRow row_at(double time_us, double index) {
  FlowRow row{};
  row.time_us = time_us;
  row.order_index = index;
  return row;
}

EventRow event_at(double time_us, double index) {
  EventRow row{};
  row.time_us = time_us;
  row.order_index = index;
  return row;
}

struct Item {
  double time_us;
  double index;
  bool is_row;
  std::vector<uint8_t> body;
  bool operator==(const Item&) const = default;
};

// Rows and events of a drained batch, merged as a reader merges them.
std::vector<Item> items_of(std::span<const uint8_t> bytes) {
  BatchHeader h;
  std::memcpy(&h, bytes.data(), sizeof h);
  REQUIRE(h.magic == kBatchMagic);
  std::vector<Item> out;
  size_t event_offset = h.events_offset;
  uint32_t row = 0, event = 0;
  while (row < h.n_rows || event < h.n_events) {
    FlowRow r{};
    EventRow e{};
    if (row < h.n_rows) std::memcpy(&r, bytes.data() + h.rows_offset + row * sizeof r, sizeof r);
    if (event < h.n_events) std::memcpy(&e, bytes.data() + event_offset, sizeof e);
    const bool take_row =
        event == h.n_events || (row < h.n_rows && OrderKey{r.time_us, r.order_index, 0} <
                                                      OrderKey{e.time_us, e.order_index, 0});
    if (take_row) {
      const uint8_t* body = bytes.data() + h.heap_offset + r.heap_offset;
      out.push_back({r.time_us, r.order_index, true, {body, body + r.heap_bytes}});
      ++row;
    } else {
      const uint8_t* body = bytes.data() + event_offset + sizeof e;
      out.push_back({e.time_us, e.order_index, false, {body, body + e.body_bytes}});
      event_offset += event_stride(e.body_bytes);
      ++event;
    }
  }
  return out;
}

}  // namespace

TEST_CASE("batch queue: merges producers in order, whatever the batches and the timing") {
  for (uint32_t seed = 1; seed <= 8; ++seed) {
    constexpr size_t kProducers = 3;  // with a limit so small that all of them wait
    std::mt19937 random(seed);
    std::vector<std::vector<Item>> streams(kProducers);
    std::vector<Item> all;
    for (int i = 0; i < 6000; ++i) {
      std::vector<uint8_t> body(random() % 40);
      for (auto& b : body) b = static_cast<uint8_t>(random());
      Item item{std::floor(i / 5.0), static_cast<double>(i), random() % 3 != 0, body};
      all.push_back(item);
      streams[random() % kProducers].push_back(item);
    }
    BatchQueue queue(0, kProducers, 16 * 1024);
    std::vector<std::thread> producers;
    for (size_t p = 0; p < kProducers; ++p) {
      producers.emplace_back([&, p, batch_seed = random()]() mutable {
        std::mt19937 r(static_cast<uint32_t>(batch_seed));
        auto batch = queue.take_empty();
        for (const Item& item : streams[p]) {
          if (item.is_row) {
            batch->add_row(row_at(item.time_us, item.index), item.body);
          } else {
            batch->add_event(event_at(item.time_us, item.index), item.body);
          }
          if (batch->full() || r() % 50 == 0) {
            queue.offer(p, std::move(batch), {item.time_us, item.index, 1});
            batch = queue.take_empty();
            queue.wait_for_room(p);
          }
        }
        queue.offer(p, std::move(batch), {1e12, 1e12, 0});
        queue.finish(p);
      });
    }
    std::vector<uint8_t> buffer(BatchQueue::kMinimumDrainBytes);
    std::vector<Item> got;
    double watermark = -1;
    for (int64_t n; (n = queue.drain(buffer, 1000)) >= 0;) {
      if (n == 0) continue;
      BatchHeader h;
      std::memcpy(&h, buffer.data(), sizeof h);
      for (Item& item : items_of({buffer.data(), static_cast<size_t>(n)})) {
        REQUIRE(item.time_us >= watermark);
        got.push_back(std::move(item));
      }
      watermark = std::max(watermark, h.watermark_us);
    }
    for (auto& t : producers) t.join();
    REQUIRE(got.size() == all.size());
    CHECK(std::equal(got.begin(), got.end(), all.begin()));
  }
}

TEST_CASE("batch queue: nothing leaves before every producer's watermark") {
  BatchQueue queue(0, 2, 1 << 20);
  auto batch = queue.take_empty();
  batch->add_row(row_at(100, 1), {});
  queue.offer(0, std::move(batch), {200, 2, 0});
  std::vector<uint8_t> buffer(BatchQueue::kMinimumDrainBytes);
  CHECK(queue.drain(buffer, 1) == 0);
  queue.offer(1, nullptr, {150, 2, 0});
  const int64_t n = queue.drain(buffer, 1000);
  REQUIRE(n > 0);
  CHECK(items_of({buffer.data(), static_cast<size_t>(n)}).size() == 1);
}

TEST_CASE("batch queue: a consumer without records hears of time") {
  BatchQueue queue(0, 1, 1 << 20);
  queue.offer(0, nullptr, {10e6, 1, 0});
  std::vector<uint8_t> buffer(BatchQueue::kMinimumDrainBytes);
  REQUIRE(queue.drain(buffer, 1000) > 0);
  BatchHeader h;
  std::memcpy(&h, buffer.data(), sizeof h);
  CHECK(h.watermark_us == 10e6);
  CHECK(queue.drain(buffer, 1) == 0);
  queue.offer(0, nullptr, {15e6, 2, 0});
  CHECK(queue.drain(buffer, 1000) > 0);
}

TEST_CASE("batch queue: abort wakes whoever waits") {
  BatchQueue queue(0, 1, 1);
  auto batch = queue.take_empty();
  batch->add_row(row_at(100, 1), {});
  queue.offer(0, std::move(batch), {200, 2, 0});
  std::thread producer([&] { queue.wait_for_room(0); });
  queue.abort();
  producer.join();
  std::vector<uint8_t> buffer(BatchQueue::kMinimumDrainBytes);
  CHECK(queue.drain(buffer, 1000) == -1);
}
