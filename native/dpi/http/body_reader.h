// Where the body of an HTTP/1.x message ends (RFC 9112 sections 6 and 7), byte by byte: nothing of
// a body is kept.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace thymus::dpi::http {

// Zeroed memory is a reader whose body is over.
class BodyReader {
 public:
  void begin_counted(uint64_t bytes);
  void begin_chunked();
  void begin_until_close();

  // The next run of `data` that is content, or that is not: chunk sizes, line ends, trailers.
  struct Piece {
    size_t size;
    bool is_content;
  };
  // REQUIRES: !is_over() and data is not empty. Piece::size is at least 1.
  Piece next(Bytes data);
  // More content behind the end of the body, which some servers send and clients read.
  void count_extra(size_t bytes) { wire_bytes_ += bytes; }
  // Of `bytes` that were not captured, how many belong to the content. The rest is lost framing:
  // false when the reader cannot tell where it is afterwards.
  bool skip(uint64_t bytes, uint64_t* content_bytes);

  bool is_over() const { return phase_ == Phase::kOver; }
  // Whether a close of the connection ends the body properly.
  bool ends_with_connection() const { return phase_ == Phase::kUntilClose; }
  bool had_invalid_chunk() const { return had_invalid_chunk_; }
  uint64_t wire_bytes() const { return wire_bytes_; }  // so far, chunk sizes included

 private:
  enum class Phase : uint8_t {
    kOver,
    kCounted,
    kUntilClose,
    kChunkSize,
    kChunkExtension,
    kChunkData,
    kChunkEnd,
    kTrailer,
  };

  Piece framing(Bytes data);
  bool size_byte(uint8_t byte);
  void end_size_line();

  uint64_t left_;  // of the body or chunk; the size while it is read
  uint64_t wire_bytes_;
  Phase phase_;
  uint8_t n_digits_;
  bool line_has_content_;
  bool had_invalid_chunk_;
};

}  // namespace thymus::dpi::http
