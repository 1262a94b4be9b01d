#include "flow/flow_table.h"

#include <bit>
#include <cassert>

namespace thymus::flow {
namespace {

constexpr uint32_t kEvictionSample = 32;

}  // namespace

FlowTable::FlowTable(uint32_t max_flows)
    : max_flows_(max_flows),
      index_mask_(std::bit_ceil(max_flows * 2) - 1),
      index_(size_t{index_mask_} + 1),
      pool_(max_flows),
      extras_(max_flows) {
  assert(max_flows >= 16 && max_flows <= 1u << 30);
}

uint32_t FlowTable::insert(const FlowKey& key, uint64_t hash) {
  assert(!full());
  uint32_t position = free_;
  if (position != kNoIndex) {
    free_ = pool_[position].hash;
    std::memset(static_cast<void*>(&pool_[position]), 0, sizeof(Flow));
  } else {
    position = fresh_++;
  }
  Flow& flow = pool_[position];
  flow.key = key;
  flow.hash = low(hash);
  flow.live = 1;
  uint32_t i = home(flow.hash);
  while (index_[i].slot != 0) i = (i + 1) & index_mask_;
  index_[i] = {flow.hash, position + 1};
  ++size_;
  return position;
}

void FlowTable::erase(uint32_t position) {
  Flow& flow = pool_[position];
  assert(flow.live);
  uint32_t hole = home(flow.hash);
  while (index_[hole].slot != position + 1) hole = (hole + 1) & index_mask_;
  for (uint32_t i = (hole + 1) & index_mask_; index_[i].slot != 0; i = (i + 1) & index_mask_) {
    // An entry may move into the hole when its home does not lie between the two.
    if (((i - home(index_[i].hash)) & index_mask_) >= ((i - hole) & index_mask_)) {
      index_[hole] = index_[i];
      hole = i;
    }
  }
  index_[hole] = {0, 0};
  flow.live = 0;
  if (flow.extras != 0) extras_.give_back(flow.extras);
  flow.hash = free_;
  free_ = position;
  --size_;
}

FlowExtras& FlowTable::make_extras(Flow* flow) {
  if (flow->extras == 0) {
    flow->extras = extras_.take();
    extras_[flow->extras] = {};
  }
  return extras_[flow->extras];
}

uint32_t FlowTable::idlest() {
  assert(size_ > 0);
  uint32_t best = kNoIndex;
  for (uint32_t seen = 0; seen < kEvictionSample || best == kNoIndex; ++seen) {
    const uint32_t i = hand_;
    hand_ = hand_ + 1 < fresh_ ? hand_ + 1 : 0;
    if (!pool_[i].live) continue;
    if (best == kNoIndex || pool_[i].engine_last_ns < pool_[best].engine_last_ns) best = i;
  }
  return best;
}

void FlowTable::live(std::vector<uint32_t>* out) const {
  out->reserve(out->size() + size_);
  for (uint32_t i = 0; i < fresh_; ++i) {
    if (pool_[i].live) out->push_back(i);
  }
}

}  // namespace thymus::flow
