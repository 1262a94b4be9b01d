// The flow table with as many live flows as the argument says, asked in random order.
#include <algorithm>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "flow/flow_key.h"
#include "flow/flow_table.h"

namespace {

using thymus::kReplayHashKey;
using namespace thymus::flow;

constexpr uint8_t kTcp = 6;

FlowKey key_of(uint32_t n) {
  FlowKey key{};
  const uint8_t host[4] = {10, 0, static_cast<uint8_t>(n >> 24), static_cast<uint8_t>(n >> 16)};
  const uint8_t server[4] = {192, 0, 2, 1};
  key.a = thymus::IpAddress::v4(host);
  key.b = thymus::IpAddress::v4(server);
  key.port_a = static_cast<uint16_t>(n);
  key.port_b = 443;
  key.protocol = kTcp;
  return key;
}

struct Filled {
  explicit Filled(uint32_t flows) : table(2 * flows) {
    for (uint32_t i = 0; i < flows; ++i) {
      keys.push_back(key_of(i));
      table.insert(keys[i], hash_key(keys[i], kReplayHashKey));
    }
    std::shuffle(keys.begin(), keys.end(), std::mt19937(1));
  }
  FlowTable table;
  std::vector<FlowKey> keys;
};

void lookup(benchmark::State& state) {
  Filled filled(static_cast<uint32_t>(state.range(0)));
  size_t i = 0;
  for (auto _ : state) {
    const FlowKey& key = filled.keys[i++ % filled.keys.size()];
    benchmark::DoNotOptimize(filled.table.find(key, hash_key(key, kReplayHashKey)));
  }
}

// As a lane does it: a block is hashed and prefetched before its flows are asked for.
void lookup_in_blocks(benchmark::State& state) {
  constexpr size_t kBlock = 32;
  Filled filled(static_cast<uint32_t>(state.range(0)));
  uint64_t hashes[kBlock];
  size_t i = 0;
  for (auto _ : state) {
    const FlowKey* keys = &filled.keys[i];
    i = i + 2 * kBlock > filled.keys.size() ? 0 : i + kBlock;
    for (size_t k = 0; k < kBlock; ++k) {
      hashes[k] = hash_key(keys[k], kReplayHashKey);
      filled.table.prefetch_index(hashes[k]);
    }
    for (const uint64_t hash : hashes) filled.table.prefetch_flow(hash);
    for (size_t k = 0; k < kBlock; ++k) {
      benchmark::DoNotOptimize(filled.table.find(keys[k], hashes[k]));
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kBlock));
}

void insert_and_erase(benchmark::State& state) {
  const auto flows = static_cast<uint32_t>(state.range(0));
  Filled filled(flows);
  uint32_t n = flows;
  for (auto _ : state) {
    const FlowKey key = key_of(n++);
    const uint32_t position = filled.table.insert(key, hash_key(key, kReplayHashKey));
    benchmark::DoNotOptimize(position);
    filled.table.erase(position);
    if (n == UINT32_MAX) n = flows;
  }
}

BENCHMARK(lookup)->Arg(1 << 10)->Arg(1 << 16)->Arg(1 << 19);
BENCHMARK(lookup_in_blocks)->Arg(1 << 10)->Arg(1 << 16)->Arg(1 << 19);
BENCHMARK(insert_and_erase)->Arg(1 << 10)->Arg(1 << 16)->Arg(1 << 19);

}  // namespace
