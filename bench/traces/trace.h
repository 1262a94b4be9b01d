// What every kind of trace has in common: frames one after another, the same bytes each time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace thymus::bench {

inline constexpr int64_t kStartNs = 1'700'000'000'000'000'000;

struct TraceOptions {
  uint64_t packets = 0;  // 0: the kind's own number
  uint64_t concurrent = 50'000;
  uint64_t rate = 2'000'000;  // packets per second of packet time
  uint64_t seed = 1;
  uint64_t replicas = 40;
  std::vector<std::string> captures;  // of a mix
};

struct TraceFrame {
  Bytes bytes;  // valid until the next call
  int64_t ts_ns;
};

class Trace {
 public:
  virtual ~Trace() = default;
  // False when the trace is over.
  virtual bool next(TraceFrame* frame) = 0;
};

// Small packets: of the conversations 30 % are unanswered SYNs, 30 % a DNS question with its
// answer, 40 % a short TCP connection of 22 packets; each packet belongs to a random one of those
// under way.
std::unique_ptr<Trace> small_packets(const TraceOptions& options);
// Bulk: 274 connections that each carry thousands of segments of 1,460 bytes.
std::unique_ptr<Trace> bulk(const TraceOptions& options);
// A flood of SYNs, each from another address, over 60 seconds, and beside it 2,000 connections that
// exchange a segment each second.
std::unique_ptr<Trace> spoofed_sources(const TraceOptions& options);
// Replicas of captures with other addresses and right checksums, begun one after another and merged
// in time. Ends the process with a sentence when a capture cannot be read.
std::unique_ptr<Trace> mix(const TraceOptions& options);

[[noreturn]] void stop(const std::string& sentence, int exit_code);

// splitmix64
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  uint32_t below(uint64_t n) { return static_cast<uint32_t>(next() % n); }

 private:
  uint64_t state_;
};

}  // namespace thymus::bench
