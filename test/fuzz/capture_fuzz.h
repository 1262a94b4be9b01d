// What the capture targets share: read a source to its end and check what it promises.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "capture/capture_source.h"
#include "capture/source.h"

namespace thymus::fuzz {

inline void require(bool promise) {
  if (!promise) std::abort();
}

// What is left of a source when it was read: enough to tell two readings apart.
struct Reading {
  uint64_t n_frames = 0;
  uint64_t digest = 0;
  std::string error;
  bool operator==(const Reading&) const = default;
};

inline void check(const capture::Frame& frame, Reading* reading) {
  require(frame.caplen <= capture::kMaxFrameBytes && frame.caplen <= frame.origlen);
  require(frame.ts_ns >= 0 && frame.ts_ns <= capture::kMaxTimeNs);
  uint64_t digest = reading->digest * 31 + static_cast<uint64_t>(frame.ts_ns) + frame.origlen;
  for (uint8_t byte : Bytes(frame.data, frame.caplen)) digest = digest * 31 + byte;
  reading->digest = digest * 31 + frame.link_type + frame.interface;
  ++reading->n_frames;
}

// Stops after `max_blocks`, since a few bytes may inflate to very many.
inline Reading read_all(capture::Source* source, int max_blocks = 4096) {
  Reading reading;
  capture::Block block;
  capture::ReadState state = capture::ReadState::kFrames;
  while (max_blocks-- > 0) {
    state = source->next(&block);
    if (state != capture::ReadState::kFrames) break;
    require(!block.empty() && block.size() <= capture::kBlockFrames);
    for (const capture::Frame& frame : block) check(frame, &reading);
  }
  if (state != capture::ReadState::kFrames) require(source->next(&block) == state);
  require((state == capture::ReadState::kDamaged) == !source->error().empty());
  reading.error = source->error();
  return reading;
}

inline void read_memory(Bytes bytes) {
  std::unique_ptr<capture::Source> source;
  if (capture::open_memory(bytes, &source).ok()) read_all(source.get());
}

}  // namespace thymus::fuzz
