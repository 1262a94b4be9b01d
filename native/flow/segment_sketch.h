// What each home prefix receives, in windows of 100 ms: totals and the busiest destinations.
//
// Counts in memory that is fixed at start, whatever sources do: floods are seen here, not in the
// flow table. Exact per destination until kDestinations are seen in one window; later ones are
// counted as dropped. Traffic with no end at home is kept under the last segment, ::/0.
// One thread owns a sketch; it sees every packet of the input in order.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "decode/packet_view.h"
#include "flow/distinct_counter.h"
#include "flow/home_net.h"

namespace thymus::flow {

struct SketchCounts {
  uint32_t syn_in;  // SYN without ACK, towards the destination
  uint32_t syn_ack_out;
  uint32_t ack_in;  // ACK without SYN or RST: handshakes that went on, and data
  uint32_t rst_out;
  uint32_t packets_in;
  uint32_t udp_packets_in;
  uint32_t icmp_packets_in;
  uint32_t reflector_packets_in;  // UDP from a port of a service that amplifies (reflector_ports.h)
  uint64_t reflector_bytes_in;
  uint64_t bytes_in;
};

struct SketchTop {
  IpAddress address;
  SketchCounts counts;
  uint32_t sources;  // estimate of distinct sources in the window (linear counting)
};

struct SketchWindow {
  Prefix prefix;
  int64_t end_ns;       // engine time, a multiple of kWindowNs
  uint64_t index_last;  // of the last packet in the window
  uint32_t segment;
  SketchCounts totals;
  uint32_t sources;  // estimate of distinct sources (HyperLogLog)
  uint32_t destinations_dropped;
  std::span<const SketchTop> top;  // by address, each at most once
};

class SketchSink {
 public:
  virtual void on_window(const SketchWindow& window) = 0;

 protected:
  ~SketchSink() = default;
};

class SegmentSketch {
 public:
  static constexpr int64_t kWindowNs = 100'000'000;
  // After a window with connection requests one is told of so much later at the latest, though
  // nothing came: by then it is clear which of them were never completed.
  static constexpr int64_t kSettleNs = 10 * kWindowNs;
  static constexpr uint32_t kDestinations = 2048;
  static constexpr size_t kTop = 16;  // by SYNs, and as many by packets
  // A destination below both floors in a window is in the totals only.
  static constexpr uint32_t kSynFloor = 3;
  static constexpr uint32_t kPacketFloor = 32;

  // `home` and `sink` outlive the sketch.
  SegmentSketch(const HomeNet* home, SketchSink* sink);

  // Closes the window that ends at or before this engine time.
  void advance(int64_t engine_ns) {
    if (engine_ns >= window_end_ns_) open_window(engine_ns);
  }
  // Closes the windows that end at or before the packet's engine time, then counts the packet.
  void count(const decode::PacketView& view);
  // Closes the open window.
  void finish();
  uint64_t drops() const { return drops_; }

 private:
  struct Destination {
    IpAddress address;
    SketchCounts counts;
    uint64_t source_bits[4];
    uint32_t segment;
  };
  struct Segment {
    SketchCounts totals{};
    DistinctCounter sources;
    uint32_t destinations_dropped = 0;
  };

  Destination* destination(const IpAddress& address, const decode::PacketView& view, bool create);
  uint32_t segment_of(const IpAddress& address, const IpAddress& other) const;
  void count_in(const decode::PacketView& view);
  void count_answer(const decode::PacketView& view);
  void open_window(int64_t engine_ns);
  void close_window();
  void settle(int64_t engine_ns);
  void close_segment(uint32_t segment);
  void collect_top(uint32_t segment);

  const HomeNet* home_;
  SketchSink* sink_;
  std::vector<Segment> segments_;
  // One tag for each place in the table: window number and 16 bits of the hash. A place is free
  // unless its tag carries the current window; the tags stay in the first-level cache.
  std::vector<uint32_t> tags_;
  std::unique_ptr<Destination[]> table_;
  std::vector<uint32_t> used_;
  std::vector<const Destination*> candidates_;
  std::vector<SketchTop> top_;
  int64_t window_end_ns_ = INT64_MIN;
  int64_t settle_ns_ = INT64_MAX;  // INT64_MAX: there is nothing to wait for
  uint32_t settle_segment_ = 0;
  uint64_t index_last_ = 0;
  uint32_t window_ = 0;  // 1..65535, then the tags are cleared
  uint64_t drops_ = 0;
};

}  // namespace thymus::flow
