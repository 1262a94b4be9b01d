// The bytes of a handshake that CRYPTO frames bring (RFC 9000, 19.6) in pieces of any size and
// order, over several packets and datagrams.
//
// Pieces are kept in a buffer of the flow as they come, each behind its offset and length in four
// bytes each; sorted ranges say which bytes are there. When a message is whole it is put together.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "dpi/context.h"

namespace thymus::dpi::quic {

class CryptoStream {
 public:
  // A hello longer than this, or in more pieces with holes between them, is not read.
  static constexpr size_t kMaxBytes = 16 * 1024;
  static constexpr size_t kMaxRanges = 64;
  static constexpr size_t kMaxPieces = 512;

  // Of the zeroed bytes of a parser's state.
  void reset(Buffers* buffers, int buffer);
  // False when a piece lies outside what is kept.
  bool add(uint64_t offset, Bytes piece, Buffers* buffers, int buffer);
  // The first handshake message with its header, copied to `room`; empty while it is not whole.
  Bytes first_message(const Buffers& buffers, int buffer, std::span<uint8_t, kMaxBytes> room) const;

 private:
  struct Range {
    uint16_t begin;
    uint16_t end;
  };
  bool insert(Range range);
  void copy_pieces(const Buffers& buffers, int buffer, std::span<uint8_t> out) const;

  uint16_t n_ranges_;
  uint16_t n_pieces_;
  std::array<Range, kMaxRanges> ranges_;  // apart from each other, in order
};

}  // namespace thymus::dpi::quic
