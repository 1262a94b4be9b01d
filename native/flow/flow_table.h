// The flow table: an index of 8-byte entries over a pool of flows, both sized at start.
//
//   index: open addressing, linear probing, twice as many entries as flows
//          entry = {hash: low 32 bits of the key's hash, slot: position in the pool + 1, 0 empty}
//   pool:  flows at fixed places, reused last in first out: one that is free has in `hash` the
//          position of the next one
//   extras: what few flows need, in a pool of their own
//
// The entry holds the hash, so that a probe touches a flow only when 32 bits agree, and a deletion
// shifts later entries back without touching their flows. Callers hash a block of packets, prefetch
// its index entries, then its flows, then work: the misses of a block overlap.
// One thread owns a table. Memory is reserved at start and becomes resident as flows are used.
#pragma once

#include <cstdint>
#include <vector>

#include "base/reserved_array.h"
#include "flow/flow.h"
#include "stream/pool.h"

namespace thymus::flow {

class FlowTable {
 public:
  // What one flow may cost at most, with its extras and its tunnels, its place in the index (up to
  // four entries), in the timer wheel, among the unanswered, in the lists of those that are due,
  // and in the queues of held events.
  static constexpr size_t kBytesPerFlow =
      sizeof(Flow) + sizeof(FlowExtras) + sizeof(GtpTunnels) + 4 * 8 + 8 + 12 + 24 + 8;
  // REQUIRES: 16 <= max_flows <= 2^30.
  explicit FlowTable(uint32_t max_flows);

  // What prefetches is always inlined: GCC takes a function that does nothing else for pure and
  // drops the call.
  [[gnu::always_inline]] void prefetch_index(uint64_t hash) const {
    __builtin_prefetch(&index_[home(low(hash))], 1);
  }
  // Prefetches what every packet needs of the flow that the index suggests for this hash, if any.
  [[gnu::always_inline]] void prefetch_flow(uint64_t hash) const {
    const uint32_t h = low(hash);
    for (uint32_t i = home(h);; i = (i + 1) & index_mask_) {
      const Entry& e = index_[i];
      if (e.slot == 0) return;
      if (e.hash != h) continue;
      prefetch_lines(e.slot - 1, kHotBytes);
      return;
    }
  }
  // For flows that are due: first all of the flow, then, when that is there, its index entry.
  [[gnu::always_inline]] void prefetch_whole(uint32_t position) const {
    prefetch_lines(position, sizeof(Flow));
  }
  [[gnu::always_inline]] void prefetch_entry_of(uint32_t position) const {
    __builtin_prefetch(&index_[home(pool_[position].hash)], 1);
  }
  // Position of the flow in the pool, or kNoIndex.
  uint32_t find(const FlowKey& key, uint64_t hash) const {
    const uint32_t h = low(hash);
    for (uint32_t i = home(h);; i = (i + 1) & index_mask_) {
      const Entry& e = index_[i];
      if (e.slot == 0) return kNoIndex;
      if (e.hash == h && pool_[e.slot - 1].key == key) return e.slot - 1;
    }
  }
  // A zeroed flow with key and hash set. REQUIRES: not full, key absent.
  uint32_t insert(const FlowKey& key, uint64_t hash);
  // REQUIRES: the flow is live.
  void erase(uint32_t position);

  // Zeros of a flow that has none.
  const FlowExtras& extras(const Flow& flow) const { return extras_[flow.extras]; }
  // Makes them where there are none.
  FlowExtras& make_extras(Flow* flow);

  bool full() const { return size_ == max_flows_; }
  uint32_t size() const { return size_; }
  // The idlest of a sample of live flows; exact order would cost a list update per packet.
  // REQUIRES: size() > 0.
  uint32_t idlest();
  // All live flows, by position.
  void live(std::vector<uint32_t>* out) const;

  // REQUIRES: the flow is in the pool.
  uint32_t position_of(const Flow& flow) const { return static_cast<uint32_t>(&flow - &pool_[0]); }
  Flow& operator[](uint32_t position) { return pool_[position]; }
  const Flow& operator[](uint32_t position) const { return pool_[position]; }

 private:
  struct Entry {
    uint32_t hash;
    uint32_t slot;
  };
  static uint32_t low(uint64_t hash) { return static_cast<uint32_t>(hash); }
  uint32_t home(uint32_t hash) const { return hash & index_mask_; }
  [[gnu::always_inline]] void prefetch_lines(uint32_t position, size_t bytes) const {
    const auto* p = reinterpret_cast<const char*>(&pool_[position]);
    for (size_t line = 0; line < bytes; line += 64) __builtin_prefetch(p + line, 1);
  }

  uint32_t max_flows_;
  uint32_t index_mask_;
  uint32_t size_ = 0;
  uint32_t fresh_ = 0;  // pool positions below were used at least once
  uint32_t hand_ = 0;   // where the next eviction sample begins
  ReservedArray<Entry> index_;
  ReservedArray<Flow> pool_;
  stream::Pool<FlowExtras> extras_;
  uint32_t free_ = kNoIndex;
};

}  // namespace thymus::flow
