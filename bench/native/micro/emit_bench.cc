// Records on their way: a row into the batches of its queues, a batch out of a queue, and blocks
// from one thread to another.
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "emit/batch_queue.h"
#include "emit/record_writer.h"
#include "engine/lane_channel.h"

namespace {

using namespace thymus;

constexpr size_t kQueueBytes = 64u << 20;

flow::Flow ended_flow() {
  flow::Flow flow{};
  const uint8_t client[4] = {10, 0, 0, 1}, server[4] = {192, 0, 2, 1};
  flow.key.a = IpAddress::v4(client);
  flow.key.b = IpAddress::v4(server);
  flow.key.protocol = 6;
  flow.orig_internal = true;
  return flow;
}

// A record into the shard's queue and, with its detail, into the publish queue; both are drained
// as they fill.
void row_emit_and_drain(benchmark::State& state) {
  const flow::Flow flow = ended_flow();
  emit::BatchQueue shard(0, 1, kQueueBytes), publish(1, 1, kQueueBytes);
  emit::BatchQueue* const shards[] = {&shard};
  emit::RecordWriter writer(0, shards, &publish, kReplayHashKey);
  std::vector<uint8_t> out(1 << 20);
  uint64_t index = 0;
  for (auto _ : state) {
    writer.on_flow(flow, {}, nullptr, emit::flow_events::kEnd, flow::EndReason::kIdleTimeout,
                   {static_cast<int64_t>(index) * 1000, index, 0});
    if (++index % emit::Batch::kRows != 0) continue;
    for (emit::BatchQueue* queue : {&shard, &publish}) {
      while (queue->drain(out, 0) > 0) {
      }
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

// Batches of rows from several producers, whose times alternate, merged into one.
void batch_drain(benchmark::State& state) {
  const auto producers = static_cast<size_t>(state.range(0));
  emit::BatchQueue queue(0, producers, kQueueBytes);
  std::vector<uint8_t> out(4 << 20);
  emit::FlowRow row{};
  double time_us = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (size_t producer = 0; producer < producers; ++producer) {
      auto batch = queue.take_empty();
      for (size_t i = 0; i < emit::Batch::kRows; ++i) {
        row.time_us = time_us + static_cast<double>(i * producers + producer);
        batch->add_row(row, {});
      }
      queue.offer(producer, std::move(batch), {time_us + 1e6, 0, 0});
    }
    time_us += 1e6;
    state.ResumeTiming();
    while (queue.drain(out, 0) > 0) {
    }
  }
  state.SetItemsProcessed(
      static_cast<int64_t>(state.iterations() * producers * emit::Batch::kRows));
}

// Blocks of packets through a channel to a thread that only gives them back.
void lane_hand_over(benchmark::State& state) {
  engine::LaneChannel channel;
  std::thread lane([&channel] {
    for (bool ended = false; !ended;) {
      auto block = channel.pop(100, &ended);
      if (block != nullptr) channel.give_back(std::move(block));
    }
  });
  for (auto _ : state) channel.push(channel.take_empty());
  channel.finish();
  lane.join();
}

BENCHMARK(row_emit_and_drain);
BENCHMARK(batch_drain)->Arg(1)->Arg(2)->Arg(4);
BENCHMARK(lane_hand_over)->UseRealTime();

}  // namespace
