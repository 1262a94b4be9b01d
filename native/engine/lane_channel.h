// Packets on their way from the reader to a lane: a bounded ring of blocks, one writer, one reader.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "base/ring.h"
#include "decode/packet_view.h"
#include "engine/lane.h"

namespace thymus::engine {

struct LaneBlock {
  static constexpr size_t kPackets = 256;

  std::vector<decode::PacketView> views;
  std::vector<uint8_t> roles;
  std::vector<uint8_t> bytes;  // copies of frames whose source does not keep them
  Reached reached;
  flow::Shed shed = flow::Shed::kNothing;  // what is left out of its packets

  LaneBlock();
  void clear();
  // Room for one more packet of `frame_bytes` to be copied (0: not copied)?
  bool fits(size_t frame_bytes) const {
    return views.size() < kPackets && bytes.capacity() - bytes.size() >= frame_bytes;
  }
  void add(const decode::PacketView& view, uint8_t role, bool copy_frame);
};

class LaneChannel {
 public:
  static constexpr size_t kBlocks = 32;

  // Reader side. An empty block; blocks while all are on their way. Null after abort.
  std::unique_ptr<LaneBlock> take_empty();
  bool has_empty();
  void push(std::unique_ptr<LaneBlock> block);
  void finish();

  // Lane side. The next block; null when none came within the time or none will come (`ended`).
  std::unique_ptr<LaneBlock> pop(int timeout_ms, bool* ended);
  void give_back(std::unique_ptr<LaneBlock> block);

  void abort();

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable emptied_;
  Ring<std::unique_ptr<LaneBlock>> full_;
  std::vector<std::unique_ptr<LaneBlock>> empty_;
  size_t made_ = 0;
  bool finished_ = false;
  bool aborted_ = false;
};

}  // namespace thymus::engine
