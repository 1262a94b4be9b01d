#include "engine/memory.h"

#include <algorithm>
#include <cassert>

#include "capture/source.h"
#include "emit/batch.h"
#include "engine/lane_channel.h"
#include "flow/flow_table.h"
#include "flow/held_events.h"

namespace thymus::engine {
namespace {

// The reader's window (at most twice its largest read), its views, fragments held, sketch, stacks.
constexpr size_t kReaderBytes = 6u << 20;
// What fragments take with their usual limits.
constexpr size_t kFragmentBytes = 44u << 20;
constexpr size_t kLeastDividedBytes = 8u << 20;

size_t queues(const Options& options) { return options.shards + (options.publish ? 1u : 0u); }

}  // namespace

size_t fixed_bytes(const Options& options) {
  const size_t producers = options.lanes + size_t{1};
  // Besides its open batch each producer may go beyond its share of a queue by one.
  const size_t batches = 2 * producers * queues(options) * emit::Batch::kReservedBytes;
  const size_t block = LaneBlock::kPackets * (sizeof(decode::PacketView) + 1);
  const size_t copies = capture::kMaxFrameBytes;
  const size_t channels =
      options.lanes == 1 ? 0 : options.lanes * LaneChannel::kBlocks * (block + copies);
  return kReaderBytes + batches + channels + options.lanes * flow::HeldEvents::kRingBytes;
}

size_t least_memory_bytes(const Options& options) {
  return fixed_bytes(options) + options.lanes * kLeastDividedBytes;
}

void limit_memory(size_t bytes, Options* options) {
  assert(bytes >= least_memory_bytes(*options));
  const size_t divided = bytes - fixed_bytes(*options);
  const size_t of_lane = divided / options->lanes;
  flow::TrackerOptions& tracker = options->tracker;
  // Shares in sixteenths: seven for flows, four for queues, two each for parsers and for TCP
  // payload that waits, one for fragments.
  const size_t flows = of_lane * 7 / 16 / flow::FlowTable::kBytesPerFlow;
  tracker.max_flows = static_cast<uint32_t>(std::min<size_t>(tracker.max_flows, flows));
  tracker.parser_state_bytes = std::min(tracker.parser_state_bytes, of_lane / 8);
  tracker.stream_bytes = std::min(tracker.stream_bytes, of_lane / 8);
  const double part = std::min(1.0, static_cast<double>(divided) / 16 / kFragmentBytes);
  const auto lowered = [part](uint32_t limit, uint32_t usual) {
    constexpr uint32_t kLeast = 32;
    return std::min(limit, std::max(kLeast, static_cast<uint32_t>(usual * part)));
  };
  const fragment::ReassemblerLimits usual;
  options->fragments.datagrams = lowered(options->fragments.datagrams, usual.datagrams);
  options->fragments.chunks = lowered(options->fragments.chunks, usual.chunks);
  options->queue_bytes = std::min(options->queue_bytes, divided / 4 / queues(*options));
}

}  // namespace thymus::engine
