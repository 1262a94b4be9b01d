// Picks the ARP and neighbour discovery messages that are worth a record, and notices when an
// address moves to another station.
//
// Both tables are fixed at start, whatever stations say. What was said in a second of engine time
// is said once: a message with the same operation, addresses and MACs is counted as repeated,
// and one that finds its part of the table full is counted as left out, so that a second gives at
// most kSaid records. Bindings keep kBindings addresses; where there is no room, the one that was
// heard of least recently gives way. One thread owns a watch and shows it every packet in order.
#pragma once

#include <vector>

#include "base/hash.h"
#include "decode/neighbour.h"

namespace thymus::flow {

struct NeighbourCounters {
  uint64_t said = 0;
  uint64_t repeated = 0;
  uint64_t left_out = 0;
  uint64_t invalid = 0;
};

class NeighbourSink {
 public:
  // `previous` is the station that the announced address belonged to before; zeros: to none.
  virtual void on_neighbour(const decode::PacketView& view, const decode::Neighbour& message,
                            const MacAddress& previous) = 0;

 protected:
  ~NeighbourSink() = default;
};

class NeighbourWatch {
 public:
  static constexpr size_t kSaid = 4096;
  static constexpr size_t kBindings = 16384;
  static constexpr size_t kWays = 8;

  // `sink` outlives the watch.
  NeighbourWatch(HashKey secret, NeighbourSink* sink);

  void take(const decode::PacketView& view) {
    if (decode::may_be_neighbour(view)) [[unlikely]]
      take_message(view);
  }
  const NeighbourCounters& counters() const { return counters_; }

 private:
  enum class Place : uint8_t { kNew, kRepeated, kNoRoom };
  struct Said {
    uint64_t hash;
    int64_t second;
  };
  struct Binding {
    uint64_t hash;
    int64_t heard_ns;
    MacAddress mac;  // zeros: free
  };

  void take_message(const decode::PacketView& view);
  Place note_said(uint64_t hash, int64_t second);
  MacAddress bind(uint64_t hash, const MacAddress& mac, int64_t engine_ns);

  HashKey secret_;
  NeighbourSink* sink_;
  std::vector<Said> said_;
  std::vector<Binding> bindings_;
  NeighbourCounters counters_;
};

}  // namespace thymus::flow
