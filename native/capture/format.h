// A capture format: records in, frames out. It sees bytes only through the window it is shown.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "capture/byte_supply.h"
#include "capture/source.h"

namespace thymus::capture {

// The frames of one block.
class FrameList {
 public:
  void clear() { count_ = 0; }
  bool full() const { return count_ == kBlockFrames; }
  // REQUIRES: not full.
  void push(const Frame& frame) { frames_[count_++] = frame; }
  Block block() const { return {frames_.data(), count_}; }

 private:
  size_t count_ = 0;
  std::array<Frame, kBlockFrames> frames_;
};

struct ParseStep {
  size_t used = 0;     // bytes of whole records
  size_t wanted = 0;   // bytes from there that the next record needs; at least 1
  std::string damage;  // what is wrong with the record there; empty when nothing is
};

class Format {
 public:
  virtual ~Format() = default;
  // Parses whole records from the start of `at_hand` until `frames` is full, the next record is
  // incomplete, or it is damaged. A damaged record is seen again, and refused again, by a call
  // that starts at it. The bytes of frames are those of `at_hand`.
  virtual ParseStep parse(Bytes at_hand, FrameList* frames) = 0;
};

// Recognises the format at the start of `supply`. `*header_bytes` of the window are then used.
// The status has a sentence about the capture called `name`.
Status open_format(ByteSupply* supply, const std::string& name, std::unique_ptr<Format>* format,
                   size_t* header_bytes);

}  // namespace thymus::capture
