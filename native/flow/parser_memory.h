// What a flow lends its parser: the state and the buffers of dpi::Context, in blocks of one pool.
#pragma once

#include <cstdint>

#include "dpi/context.h"
#include "flow/state_pool.h"

namespace thymus::flow {

// Points at one flow's memory at a time. One thread owns it.
class ParserMemory final : public dpi::Buffers {
 public:
  explicit ParserMemory(size_t limit_bytes) : pool_(limit_bytes) {}

  // A zeroed state without buffers, or kNoIndex when memory is used up.
  uint32_t allocate(size_t state_bytes);
  // REQUIRES: `handle` came from allocate(state_bytes) and was not freed since.
  void free(uint32_t handle, size_t state_bytes);
  // The state; the buffers are this flow's from here on.
  void* open(uint32_t handle);
  uint64_t refusals() const { return refusals_; }

  Bytes view(int buffer) const override;
  bool append(int buffer, Bytes bytes) override;
  void consume(int buffer, size_t n) override;
  std::span<uint8_t> scratch(size_t bytes) override;

 private:
  struct Slot {
    uint32_t handle;
    uint32_t capacity;  // 0: no block
    uint32_t begin;
    uint32_t end;
  };
  // Most flows end without having kept a byte.
  struct Slots {
    Slot buffers[dpi::kBuffers];
    Slot scratch;  // only handle and capacity are used
  };
  struct alignas(8) Header {
    uint32_t slots_plus_one;  // handle of the flow's Slots; 0: none yet
  };

  Header* header(uint32_t handle) { return static_cast<Header*>(pool_.at(handle)); }
  uint8_t* bytes(const Slot& slot) const { return static_cast<uint8_t*>(pool_.at(slot.handle)); }
  // Null when there are none.
  Slots* slots_of(const Header& header) const {
    if (header.slots_plus_one == 0) return nullptr;
    return static_cast<Slots*>(pool_.at(header.slots_plus_one - 1));
  }
  // Null, which is counted, when memory is used up.
  Slots* make_slots();
  uint32_t allocate_counted(size_t bytes);
  bool make_room(Slot* slot, size_t more);

  StatePool pool_;
  Header* open_ = nullptr;
  uint64_t refusals_ = 0;
};

}  // namespace thymus::flow
