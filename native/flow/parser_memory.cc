#include "flow/parser_memory.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace thymus::flow {
namespace {

constexpr size_t kSmallestBlock = 64;

}  // namespace

uint32_t ParserMemory::allocate_counted(size_t bytes) {
  const uint32_t handle = pool_.allocate(bytes);
  if (handle == kNoIndex) ++refusals_;
  return handle;
}

uint32_t ParserMemory::allocate(size_t state_bytes) {
  return allocate_counted(sizeof(Header) + state_bytes);
}

void ParserMemory::free(uint32_t handle, size_t state_bytes) {
  if (Slots* slots = slots_of(*header(handle))) {
    for (const Slot& slot : slots->buffers) {
      if (slot.capacity > 0) pool_.free(slot.handle, slot.capacity);
    }
    if (slots->scratch.capacity > 0) pool_.free(slots->scratch.handle, slots->scratch.capacity);
    pool_.free(header(handle)->slots_plus_one - 1, sizeof(Slots));
  }
  pool_.free(handle, sizeof(Header) + state_bytes);
}

void* ParserMemory::open(uint32_t handle) {
  open_ = header(handle);
  return open_ + 1;
}

ParserMemory::Slots* ParserMemory::make_slots() {
  if (open_->slots_plus_one == 0) {
    const uint32_t handle = allocate_counted(sizeof(Slots));
    if (handle == kNoIndex) return nullptr;
    open_->slots_plus_one = handle + 1;
  }
  return slots_of(*open_);
}

Bytes ParserMemory::view(int buffer) const {
  const Slots* slots = slots_of(*open_);
  if (slots == nullptr) return {};
  const Slot& slot = slots->buffers[buffer];
  if (slot.begin == slot.end) return {};
  return {bytes(slot) + slot.begin, slot.end - slot.begin};
}

bool ParserMemory::append(int buffer, Bytes added) {
  if (added.empty()) return true;
  Slots* slots = make_slots();
  if (slots == nullptr) return false;
  Slot& slot = slots->buffers[buffer];
  if (slot.end - slot.begin + added.size() > dpi::kMaxBufferBytes) return false;
  if (!make_room(&slot, added.size())) return false;
  std::memcpy(bytes(slot) + slot.end, added.data(), added.size());
  slot.end += static_cast<uint32_t>(added.size());
  return true;
}

// Room behind the end: what is there, else what was consumed, else a larger block.
bool ParserMemory::make_room(Slot* slot, size_t more) {
  if (slot->capacity - slot->end >= more) return true;
  const size_t kept = slot->end - slot->begin;
  if (slot->capacity >= kept + more) {
    std::memmove(bytes(*slot), bytes(*slot) + slot->begin, kept);
    slot->begin = 0;
    slot->end = static_cast<uint32_t>(kept);
    return true;
  }
  const size_t capacity = std::max(kSmallestBlock, std::bit_ceil(kept + more));
  const uint32_t handle = allocate_counted(capacity);
  if (handle == kNoIndex) return false;
  Slot grown{handle, static_cast<uint32_t>(capacity), 0, static_cast<uint32_t>(kept)};
  if (kept > 0) std::memcpy(bytes(grown), bytes(*slot) + slot->begin, kept);
  if (slot->capacity > 0) pool_.free(slot->handle, slot->capacity);
  *slot = grown;
  return true;
}

void ParserMemory::consume(int buffer, size_t n) {
  Slots* slots = slots_of(*open_);
  if (slots == nullptr) return;
  Slot& slot = slots->buffers[buffer];
  slot.begin += static_cast<uint32_t>(n);
  if (slot.begin != slot.end) return;
  slot.begin = slot.end = 0;
  if (slot.capacity == 0) return;
  pool_.free(slot.handle, slot.capacity);
  slot.capacity = 0;
}

std::span<uint8_t> ParserMemory::scratch(size_t bytes) {
  Slots* slots = make_slots();
  if (slots == nullptr) return {};
  Slot& slot = slots->scratch;
  if (slot.capacity != bytes) {
    if (slot.capacity > 0) pool_.free(slot.handle, slot.capacity);
    slot = {};
    if (bytes == 0) return {};
    const uint32_t handle = allocate_counted(bytes);
    if (handle == kNoIndex) return {};
    slot = {handle, static_cast<uint32_t>(bytes), 0, 0};
  }
  return {static_cast<uint8_t*>(pool_.at(slot.handle)), slot.capacity};
}

}  // namespace thymus::flow
