// Picks the GOOSE, EtherCAT and PROFINET discovery frames that are worth a record: the first of a
// publisher or master, and those with a state, a set of commands or contents that were not heard of
// lately.
//
// The table is fixed at start, whatever stations say; where there is no room, what was heard of
// least recently gives way. A second of engine time gives at most kSaidPerSecond records, and what
// is more is counted. One thread owns a watch and shows it every packet in order.
#pragma once

#include <vector>

#include "base/hash.h"
#include "decode/packet_view.h"
#include "dpi/fieldbus/ethercat.h"
#include "dpi/fieldbus/goose.h"
#include "dpi/fieldbus/profinet_dcp.h"

namespace thymus::flow {

struct FieldbusCounters {
  uint64_t said = 0;
  uint64_t repeated = 0;
  uint64_t left_out = 0;
  uint64_t invalid = 0;
};

class FieldbusSink {
 public:
  virtual void on_goose(const decode::PacketView& view, const dpi::Goose& message) = 0;
  virtual void on_ethercat(const decode::PacketView& view, const dpi::Ethercat& frame) = 0;
  virtual void on_profinet(const decode::PacketView& view, const dpi::ProfinetDcp& message) = 0;

 protected:
  ~FieldbusSink() = default;
};

class FieldbusWatch {
 public:
  static constexpr size_t kHeard = 4096;
  static constexpr size_t kWays = 8;
  static constexpr uint32_t kSaidPerSecond = 1024;

  // `sink` outlives the watch.
  FieldbusWatch(HashKey secret, FieldbusSink* sink);

  void take(const decode::PacketView& view) {
    if (view.is_fieldbus()) [[unlikely]]
      take_message(view);
  }
  const FieldbusCounters& counters() const { return counters_; }

 private:
  struct Heard {
    uint64_t hash;
    int64_t heard_ns;
  };

  void take_message(const decode::PacketView& view);
  void take_profinet(const decode::PacketView& view);
  bool is_news(const decode::PacketView& view, uint64_t what, uint64_t state);
  bool note_heard(uint64_t hash, int64_t engine_ns);

  HashKey secret_;
  FieldbusSink* sink_;
  std::vector<Heard> heard_;
  int64_t second_;
  uint32_t n_in_second_ = 0;
  FieldbusCounters counters_;
};

}  // namespace thymus::flow
