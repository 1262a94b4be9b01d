#include "flow/held_events.h"

#include <cstring>

namespace thymus::flow {

bool HeldEvents::add(uint32_t position, bool is_first, const Event& event) {
  const auto units =
      static_cast<uint32_t>((sizeof(Header) + event.fields.size() + kUnit - 1) / kUnit);
  if (!make_room(units)) return false;
  const uint32_t place = at(end_);
  end_ += units;
  header(place) = {units,
                   position,
                   kNoIndex,
                   event.end_seq,
                   event.since_ns,
                   event.truncations,
                   static_cast<uint16_t>(event.fields.size()),
                   event.type,
                   event.from_originator,
                   event.by_originator};
  if (!event.fields.empty()) {
    std::memcpy(&header(place) + 1, event.fields.data(), event.fields.size());
  }
  Queue& queue = queues_[position];
  if (is_first) {
    queue.first = place;
  } else {
    header(queue.last).next = place;
  }
  queue.last = place;
  return true;
}

HeldEvents::Event HeldEvents::front(uint32_t position) const {
  const Header& h = header(queues_[position].first);
  const Bytes fields(reinterpret_cast<const uint8_t*>(&h + 1), h.field_bytes);
  return {h.type, fields, h.truncations, h.from_originator, h.by_originator, h.end_seq, h.since_ns};
}

bool HeldEvents::pop(uint32_t position) {
  Queue& queue = queues_[position];
  Header& first = header(queue.first);
  const uint32_t next = first.next;
  first.position = kNoIndex;
  while (begin_ != end_ && header(begin_).position == kNoIndex) begin_ += header(begin_).units;
  if (begin_ == end_) begin_ = end_ = 0;
  queue.first = next;
  return next != kNoIndex;
}

void HeldEvents::waiting_since(int64_t since_ns, std::vector<uint32_t>* positions) const {
  for (uint32_t place = begin_; place != end_; place += header(place).units) {
    const Header& h = header(place);
    if (h.position == kNoIndex) continue;
    if (h.since_ns > since_ns) return;
    positions->push_back(h.position);
  }
}

// An entry lies in one piece: where the rest of the ring is too short a filler takes it.
bool HeldEvents::make_room(uint32_t units) {
  const uint32_t rest = kUnits - at(end_);
  const uint32_t filler = rest < units ? rest : 0;
  if (end_ - begin_ + filler + units > kUnits) return false;
  if (filler > 0) {
    header(end_).units = filler;
    header(end_).position = kNoIndex;
    end_ += filler;
  }
  return true;
}

}  // namespace thymus::flow
