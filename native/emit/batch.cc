#include "emit/batch.h"

#include "base/event_writer.h"

namespace thymus::emit {
namespace {

// The most that one record or event adds.
constexpr size_t kMostEvent = sizeof(EventRow) + EventWriter::kCapacity + 8;
constexpr size_t kMostDetail = EventWriter::kCapacity;

}  // namespace

Batch::Batch() {
  rows_.reserve(kRows);
  events_.reserve(kEventBytes);
  heap_.reserve(kHeapBytes);
}

void Batch::clear() {
  rows_.clear();
  events_.clear();
  heap_.clear();
  n_events_ = 0;
}

bool Batch::full() const {
  return rows_.size() == kRows || events_.size() + kMostEvent > kEventBytes ||
         heap_.size() + kMostDetail > kHeapBytes;
}

void Batch::add_row(const FlowRow& row, Bytes detail) {
  rows_.push_back(row);
  rows_.back().heap_offset = static_cast<uint32_t>(heap_.size());
  rows_.back().heap_bytes = static_cast<uint32_t>(detail.size());
  heap_.insert(heap_.end(), detail.begin(), detail.end());
}

void Batch::add_event(const EventRow& row, Bytes body) {
  const size_t at = events_.size();
  events_.resize(at + event_stride(static_cast<uint32_t>(body.size())));
  EventRow header = row;
  header.body_bytes = static_cast<uint32_t>(body.size());
  std::memcpy(events_.data() + at, &header, sizeof header);
  if (!body.empty()) std::memcpy(events_.data() + at + sizeof header, body.data(), body.size());
  ++n_events_;
}

}  // namespace thymus::emit
