// One lane: the flows of its share of the input, and the records they make.
#pragma once

#include <span>

#include "base/counters.h"
#include "decode/packet_view.h"
#include "emit/record_writer.h"
#include "flow/tracker.h"

namespace thymus::engine {

// What a lane does with a packet.
namespace packet_role {
inline constexpr uint8_t kAccount = 1;  // it belongs to a flow of this lane
inline constexpr uint8_t kNotify = 2;   // it is an ICMP error that quotes a flow of this lane
}  // namespace packet_role

// How far the input was read: nothing before this is still to come.
struct Reached {
  int64_t engine_ns = 0;
  uint64_t index = 0;  // of the next packet
};

class Lane {
 public:
  Lane(const flow::TrackerOptions& options, const flow::HomeNet* home, size_t producer,
       std::span<emit::BatchQueue* const> shards, emit::BatchQueue* publish,
       int64_t flush_ns = emit::RecordWriter::kFlushNs, const emit::JudgedEvents& judged = {});

  // Packets in input order with what to do with each, then the time that the input has reached.
  void process(std::span<const decode::PacketView> views, std::span<const uint8_t> roles,
               Reached reached);
  // What is left out of the packets to come.
  void shed(flow::Shed level) { tracker_.shed(level); }
  // Hands over what there is: called before the lane waits.
  void flush() { writer_.flush(watermark_); }
  void finish(int64_t engine_ns);

  const CounterBlock& counters() const { return counters_; }

 private:
  void publish_counters();

  emit::RecordWriter writer_;
  flow::Tracker tracker_;
  emit::OrderKey watermark_{-1, -1, 0};
  CounterBlock counters_;
};

}  // namespace thymus::engine
