// The frames of the last moments, so that an incident's evidence holds what came before it.
//
// One thread puts frames in, any thread may look for some: memory is cut into chunks, and whoever
// looks keeps the chunks that it looks at alive, so that nobody waits for anybody but for the
// moment in which the list of chunks changes.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "capture/source.h"
#include "engine/evidence.h"

namespace thymus::engine {

class FrameStore {
 public:
  static constexpr size_t kChunkBytes = 1u << 20;

  // Keeps at most so many bytes of frames, at least two chunks.
  explicit FrameStore(size_t bytes);

  // The thread of the reader. The oldest chunk gives way.
  void push(capture::Block frames);
  // Writes what is kept of a request. Any thread.
  EvidenceResult save(EvidenceRequest request);

 private:
  struct Chunk {
    std::unique_ptr<uint8_t[]> bytes{new uint8_t[kChunkBytes]};
    std::atomic<size_t> used{0};
  };
  struct Header {
    int64_t ts_ns;
    uint32_t caplen;
    uint32_t origlen;
    uint16_t link_type;
    uint16_t interface;
    uint32_t reserved;
  };

  void next_chunk();

  size_t most_chunks_;
  std::mutex mutex_;
  std::deque<std::shared_ptr<Chunk>> chunks_;  // oldest first; guarded by mutex_
  Chunk* current_;                             // the last of them
};

}  // namespace thymus::engine
