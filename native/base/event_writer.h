// Writes one event as tag-length-value into borrowed memory, by the schema of emit/events/.
//
// A field is {u16 number, u16 length, value}. Integers are little-endian in 1, 2, 4 or 8 bytes, as
// few as hold the value; strings are raw bytes; an object's value is a sequence of fields; a list
// is its field repeated. What does not fit is left out whole and counted, so that an event is
// always well-formed.
#pragma once

#include <bitset>
#include <cstdint>
#include <cstring>

#include "base/address.h"
#include "base/bytes.h"

namespace thymus {

// Which side an event is said to come from: its source address.
enum class Side : uint8_t {
  kSender,      // who sent the bytes that completed it
  kOriginator,  // the client, for transactions of a request and its response
  kResponder,
  kPacket,  // who sent the packet with which it is said; of a stream that is the receiver, whose
            // acknowledgement makes the bytes part of it
};

struct FinishedEvent {
  uint16_t type;
  Bytes fields;  // valid during the call
  uint32_t truncations;
  Side side;
};

// Kinds of events by number.
using EventKinds = std::bitset<1 << 16>;

// Memory for one event, reused. 32 KiB bounds an event.
class EventWriter {
 public:
  static constexpr size_t kCapacity = 32 * 1024;
  static constexpr int kMaxDepth = 4;
  // Takes finished events; called once per event, while the bytes are valid.
  class Sink {
   public:
    virtual void on_event(const FinishedEvent& event) = 0;

   protected:
    ~Sink() = default;
  };

  // Of kinds that are not wanted no field is written: they are handed over empty. Null: all are.
  explicit EventWriter(Sink* sink, const EventKinds* wanted = nullptr)
      : sink_(sink), wanted_(wanted) {}

  void begin(uint16_t type, Side side = Side::kSender) {
    type_ = type;
    side_ = side;
    size_ = 0;
    depth_ = 0;
    truncations_ = 0;
    writes_fields_ = wanted_ == nullptr || (*wanted_)[type];
    skip_depth_ = writes_fields_ ? 0 : 1;
  }
  // Hands the event to the sink.
  void end() { sink_->on_event({type_, {buffer_, size_t{size_}}, truncations_, side_}); }

  void put(uint16_t field, uint64_t v) {
    const uint16_t n = v <= 0xff ? 1 : v <= 0xffff ? 2 : v <= 0xffffffff ? 4 : 8;
    put_raw(field, &v, n);
  }
  void put_bool(uint16_t field, bool v) { put(field, v ? 1u : 0u); }
  void put_signed(uint16_t field, int64_t v) { put_raw(field, &v, 8); }
  void put_float(uint16_t field, double v) { put_raw(field, &v, 8); }
  void put_ip(uint16_t field, const IpAddress& v) { put_raw(field, v.bytes.data(), 16); }
  void put_bytes(uint16_t field, Bytes v) { put_raw(field, v.data(), v.size()); }
  void put_text(uint16_t field, std::string_view v) { put_raw(field, v.data(), v.size()); }
  // Nested object; everything until the matching close() belongs to it.
  void open(uint16_t field) {
    if (skip_depth_ > 0 || depth_ == kMaxDepth || size_ + 4 > kCapacity) {
      ++skip_depth_;
      truncations_ += writes_fields_ ? 1 : 0;
      return;
    }
    starts_[depth_++] = size_;
    header(field, 0);
  }
  void close() {
    if (skip_depth_ > 0) {
      --skip_depth_;
      return;
    }
    const size_t start = starts_[--depth_];
    const auto length = static_cast<uint16_t>(size_ - start - 4);
    std::memcpy(buffer_ + start + 2, &length, 2);
  }
  size_t size() const { return size_; }
  // Whether something was left out of this event so far.
  bool truncated() const { return truncations_ > 0; }

  // A moment to which the event can be set back, so that a nested object is there whole or not at
  // all. What was left out stays counted. REQUIRES: no object that was open then was closed since.
  struct Mark {
    uint32_t size;
    int depth;
    int skip_depth;
  };
  Mark mark() const { return {size_, depth_, skip_depth_}; }
  void rewind(Mark mark) {
    size_ = mark.size;
    depth_ = mark.depth;
    skip_depth_ = mark.skip_depth;
  }
  // Counts something that the caller itself had to leave out.
  void count_truncation() { ++truncations_; }

 private:
  void header(uint16_t field, uint16_t length) {
    std::memcpy(buffer_ + size_, &field, 2);
    std::memcpy(buffer_ + size_ + 2, &length, 2);
    size_ += 4;
  }
  void put_raw(uint16_t field, const void* p, size_t n) {
    if (skip_depth_ > 0) return;
    if (n > kCapacity || size_t{size_} + 4 + n > kCapacity) {
      ++truncations_;
      return;
    }
    header(field, static_cast<uint16_t>(n));
    if (n > 0) std::memcpy(buffer_ + size_, p, n);
    size_ += static_cast<uint32_t>(n);
  }

  Sink* sink_;
  const EventKinds* wanted_;
  bool writes_fields_ = true;
  uint32_t size_ = 0;
  uint32_t truncations_ = 0;
  uint32_t starts_[kMaxDepth] = {};
  int depth_ = 0;
  int skip_depth_ = 0;
  uint16_t type_ = 0;
  Side side_ = Side::kSender;
  uint8_t buffer_[kCapacity];
};

}  // namespace thymus
