#include "engine/frame_store.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace thymus::engine {
namespace {

constexpr size_t kAlign = 8;

size_t aligned(size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

}  // namespace

static_assert(capture::kMaxFrameBytes + 64 <= FrameStore::kChunkBytes);

FrameStore::FrameStore(size_t bytes) : most_chunks_(std::max<size_t>(2, bytes / kChunkBytes)) {
  chunks_.push_back(std::make_shared<Chunk>());
  current_ = chunks_.back().get();
}

void FrameStore::push(capture::Block frames) {
  for (const capture::Frame& frame : frames) {
    const size_t size = sizeof(Header) + aligned(frame.caplen);
    if (current_->used.load(std::memory_order_relaxed) + size > kChunkBytes) next_chunk();
    const size_t used = current_->used.load(std::memory_order_relaxed);
    uint8_t* at = current_->bytes.get() + used;
    const Header header{frame.ts_ns,     frame.caplen,    frame.origlen,
                        frame.link_type, frame.interface, 0};
    std::memcpy(at, &header, sizeof header);
    std::memcpy(at + sizeof header, frame.data, frame.caplen);
    current_->used.store(used + size, std::memory_order_release);
  }
}

void FrameStore::next_chunk() {
  std::lock_guard lock(mutex_);
  std::shared_ptr<Chunk> next;
  if (chunks_.size() >= most_chunks_) {
    next = std::move(chunks_.front());
    chunks_.pop_front();
  }
  // Somebody is looking at it: it is theirs now.
  if (next == nullptr || next.use_count() > 1) next = std::make_shared<Chunk>();
  next->used.store(0, std::memory_order_relaxed);
  current_ = next.get();
  chunks_.push_back(std::move(next));
}

EvidenceResult FrameStore::save(EvidenceRequest request) {
  std::vector<std::shared_ptr<Chunk>> chunks;
  {
    std::lock_guard lock(mutex_);
    chunks.assign(chunks_.begin(), chunks_.end());
  }
  EvidenceCapture capture(std::move(request));
  EvidenceIndex index({&capture, 1});
  std::array<capture::Frame, capture::kBlockFrames> frames;
  for (const auto& chunk : chunks) {
    const size_t used = chunk->used.load(std::memory_order_acquire);
    for (size_t at = 0; at < used;) {
      size_t n = 0;
      for (; n < frames.size() && at < used; ++n) {
        Header header;
        std::memcpy(&header, chunk->bytes.get() + at, sizeof header);
        frames[n] = {chunk->bytes.get() + at + sizeof header,
                     header.ts_ns,
                     header.caplen,
                     header.origlen,
                     header.link_type,
                     header.interface,
                     0};
        at += sizeof header + aligned(header.caplen);
      }
      index.collect({frames.data(), n});
    }
  }
  return capture.finish();
}

}  // namespace thymus::engine
