// What a run of the core is told. Checked by the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/address.h"
#include "capture/live/packet_ring.h"
#include "emit/judged_events.h"
#include "emit/record_writer.h"
#include "flow/tracker.h"
#include "fragment/reassembler.h"

namespace thymus::engine {

struct Options {
  std::vector<std::string> sources;  // captures, one stream in time order; "-": standard input
  bool is_live = false;              // `sources` are interfaces, or patterns of their names
  bool through_libpcap = false;      // and not through packet rings
  capture::RingOptions ring;         // of each interface
  size_t evidence_bytes = 0;         // of the last frames, kept for evidence
  uint32_t lanes = 1;                // 1..64
  uint32_t shards = 1;               // 1..64
  std::vector<uint32_t> pinned;  // CPUs of the reader and the lanes, round and round; empty: any
  bool publish = false;          // fill the publish queue
  emit::JudgedEvents judged;     // what the queues of shards get besides flows and sketches
  std::vector<Prefix> home_net;
  size_t queue_bytes = 32u << 20;  // of each queue
  int64_t flush_ns = emit::RecordWriter::kFlushNs;
  flow::TrackerOptions tracker;  // of each lane
  fragment::ReassemblerLimits fragments;
};

// Whether this process may run on a CPU.
bool may_run_on(uint32_t cpu);

}  // namespace thymus::engine
