// A plain sequence of bytes: a file or pipe as stored, or what a decompressor makes of one.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "capture/source.h"

namespace thymus::capture {

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Writes at least one byte into `into` and returns how many; 0 at the end or at an error.
  // REQUIRES: into is not empty.
  virtual size_t read(std::span<uint8_t> into) = 0;
  // What ended the stream early; empty when it just ended.
  virtual const std::string& error() const = 0;
  virtual SourceProgress progress() const = 0;
};

// Owns `fd`. `bytes_total` is 0 when unknown. With a `stop` flag, waiting for bytes ends the stream
// once it is set; for what may keep a reader waiting, such as pipes.
std::unique_ptr<ByteStream> stream_of_fd(int fd, uint64_t bytes_total,
                                         const std::atomic<bool>* stop);
// Borrows `bytes`.
std::unique_ptr<ByteStream> stream_of_memory(Bytes bytes);
std::unique_ptr<ByteStream> gunzip(std::unique_ptr<ByteStream> stored);
std::unique_ptr<ByteStream> unzstd(std::unique_ptr<ByteStream> stored);

// Whether the first bytes of a stream are those of gzip or zstd.
inline constexpr size_t kCompressionMagicBytes = 4;
bool is_compressed(Bytes head);

// `stored` itself, or its decompressor when it starts like gzip or zstd.
std::unique_ptr<ByteStream> decompressed(std::unique_ptr<ByteStream> stored);

}  // namespace thymus::capture
