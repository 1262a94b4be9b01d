// Events of TCP flows that wait until the peer acknowledges the bytes that completed them: only
// then are the bytes part of the stream (RFC 9293, 3.4).
//
//   ring:    [entry][entry] ... [filler]    in the order in which they came, oldest first
//   entry:   header, fields of the event, padding to 8 bytes
//   queues:  by the position of a flow: its first and its last entry, linked by the headers
//
// An entry that was said stays as a dead one until all before it are dead too; the ring starts over
// whenever it is empty, so that it touches little memory while acknowledgements come soon. One
// thread owns it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/event_writer.h"
#include "base/reserved_array.h"
#include "flow/flow.h"

namespace thymus::flow {

class HeldEvents {
 public:
  static constexpr size_t kRingBytes = 4u << 20;
  static constexpr size_t kBytesPerFlow = 8;

  struct Event {
    uint16_t type;
    Bytes fields;
    uint32_t truncations;
    bool from_originator;  // whom it is said to come from
    bool by_originator;    // who sent the bytes that completed it
    uint32_t end_seq;      // one past them
    int64_t since_ns;      // engine time at which it began to wait, never before that of others
  };

  // Flows are known by their positions, which are below `max_flows`.
  explicit HeldEvents(uint32_t max_flows)
      : ring_(kRingBytes / kUnit, Pages::kSmall), queues_(max_flows, Pages::kSmall) {}

  // Keeps a copy behind the flow's others; `is_first`: it has none. False: there is no room.
  bool add(uint32_t position, bool is_first, const Event& event);
  // The flow's oldest event, valid until the next add. REQUIRES: the flow has one.
  Event front(uint32_t position) const;
  // Forgets it. True when the flow has another one.
  bool pop(uint32_t position);
  // The flow whose event waits longest; kNoIndex when nothing waits.
  uint32_t oldest() const { return begin_ == end_ ? kNoIndex : header(begin_).position; }
  // Adds the flows whose events wait since `since_ns` or longer, once for each event.
  void waiting_since(int64_t since_ns, std::vector<uint32_t>* positions) const;

 private:
  static constexpr size_t kUnit = 8;
  // A filler has only the first two members.
  struct Header {
    uint32_t units;     // of the entry
    uint32_t position;  // kNoIndex: dead
    uint32_t next;      // place of the flow's next entry, kNoIndex at its last
    uint32_t end_seq;
    int64_t since_ns;
    uint32_t truncations;
    uint16_t field_bytes;
    uint16_t type;
    bool from_originator;
    bool by_originator;
  };
  struct Queue {
    uint32_t first;
    uint32_t last;
  };
  static_assert(sizeof(Queue) == kBytesPerFlow);
  static_assert(sizeof(Header) % kUnit == 0 && EventWriter::kCapacity <= UINT16_MAX);

  // begin_ and end_ count units without end; in the ring a place is theirs modulo its length.
  static constexpr uint32_t kUnits = kRingBytes / kUnit;
  static_assert((kUnits & (kUnits - 1)) == 0);
  static constexpr uint32_t at(uint32_t place) { return place & (kUnits - 1); }
  const Header& header(uint32_t place) const {
    return reinterpret_cast<const Header&>(ring_[at(place)]);
  }
  Header& header(uint32_t place) { return reinterpret_cast<Header&>(ring_[at(place)]); }
  bool make_room(uint32_t units);

  ReservedArray<uint64_t> ring_;
  ReservedArray<Queue> queues_;
  uint32_t begin_ = 0;  // of the oldest entry, which is not dead
  uint32_t end_ = 0;
};

}  // namespace thymus::flow
