// Reads events back from their tag-length-value form, for expectations.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/event_writer.h"

namespace thymus::test {

// The fields of an event or of an object in it.
class Fields {
 public:
  explicit Fields(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {}

  // Values of a field in order; a field that is no list has at most one.
  std::vector<std::vector<uint8_t>> all(uint16_t field) const {
    std::vector<std::vector<uint8_t>> values;
    Reader r(bytes_);
    while (!r.empty()) {
      const uint16_t number = r.le16();
      const Bytes value = r.take(r.le16());
      if (!r.ok()) break;
      if (number == field) values.emplace_back(value.begin(), value.end());
    }
    return values;
  }
  bool has(uint16_t field) const { return !all(field).empty(); }
  // "" and 0 where the field is absent; use has() where that matters.
  std::string text(uint16_t field) const {
    const auto values = all(field);
    return values.empty() ? "" : std::string(values[0].begin(), values[0].end());
  }
  uint64_t number(uint16_t field) const {
    uint64_t n = 0;
    const auto values = all(field);
    if (values.empty()) return 0;
    for (size_t i = values[0].size(); i-- > 0;) n = n << 8 | values[0][i];
    return n;
  }
  std::vector<Fields> objects(uint16_t field) const {
    std::vector<Fields> out;
    for (auto& value : all(field)) out.emplace_back(std::move(value));
    return out;
  }
  const std::vector<uint8_t>& raw() const { return bytes_; }
  // Whether the bytes are a sequence of whole fields.
  bool well_formed() const {
    Reader r(bytes_);
    while (!r.empty()) {
      r.skip(2);
      r.skip(r.le16());
    }
    return r.ok();
  }

 private:
  std::vector<uint8_t> bytes_;
};

struct Event {
  uint16_t type;
  Fields fields;
  uint32_t truncations;
  Side side;
};

// Keeps every event that a writer finishes.
class EventLog final : public EventWriter::Sink {
 public:
  void on_event(const FinishedEvent& e) override {
    events.push_back({e.type, Fields({e.fields.begin(), e.fields.end()}), e.truncations, e.side});
  }
  std::vector<Fields> of(uint16_t type) const {
    std::vector<Fields> out;
    for (const Event& e : events) {
      if (e.type == type) out.push_back(e.fields);
    }
    return out;
  }

  std::vector<Event> events;
};

}  // namespace thymus::test
