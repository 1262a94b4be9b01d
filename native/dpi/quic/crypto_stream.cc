#include "dpi/quic/crypto_stream.h"

#include <algorithm>
#include <cstring>

namespace thymus::dpi::quic {
namespace {

constexpr size_t kPieceHeaderBytes = 8;
constexpr size_t kMessageHeaderBytes = 4;

}  // namespace

void CryptoStream::reset(Buffers* buffers, int buffer) {
  buffers->clear(buffer);
  n_ranges_ = 0;
  n_pieces_ = 0;
}

bool CryptoStream::add(uint64_t offset, Bytes piece, Buffers* buffers, int buffer) {
  if (piece.empty()) return true;
  if (offset > kMaxBytes || piece.size() > kMaxBytes - offset || n_pieces_ == kMaxPieces) {
    return false;
  }
  const auto begin = static_cast<uint16_t>(offset);
  const auto end = static_cast<uint16_t>(offset + piece.size());
  for (size_t i = 0; i < n_ranges_; ++i) {
    if (ranges_[i].begin <= begin && end <= ranges_[i].end) return true;  // a repetition
  }
  if (!insert({begin, end})) return false;
  std::array<uint8_t, kPieceHeaderBytes> header;
  const auto offset32 = static_cast<uint32_t>(offset);
  const auto size32 = static_cast<uint32_t>(piece.size());
  std::memcpy(header.data(), &offset32, 4);
  std::memcpy(header.data() + 4, &size32, 4);
  ++n_pieces_;
  return buffers->append(buffer, header) && buffers->append(buffer, piece);
}

// Melts the range with those that it touches.
bool CryptoStream::insert(Range range) {
  size_t from = 0;
  while (from < n_ranges_ && ranges_[from].end < range.begin) ++from;
  size_t to = from;
  while (to < n_ranges_ && ranges_[to].begin <= range.end) {
    range.begin = std::min(range.begin, ranges_[to].begin);
    range.end = std::max(range.end, ranges_[to].end);
    ++to;
  }
  const auto begin = ranges_.begin();
  if (from == to) {
    if (n_ranges_ == kMaxRanges) return false;
    std::copy_backward(begin + from, begin + n_ranges_, begin + n_ranges_ + 1);
    ++n_ranges_;
  } else {
    std::copy(begin + to, begin + n_ranges_, begin + from + 1);
    n_ranges_ = static_cast<uint16_t>(n_ranges_ - (to - from - 1));
  }
  ranges_[from] = range;
  return true;
}

Bytes CryptoStream::first_message(const Buffers& buffers, int buffer,
                                  std::span<uint8_t, kMaxBytes> room) const {
  if (n_ranges_ == 0 || ranges_[0].begin != 0) return {};
  const size_t there = ranges_[0].end;
  if (there < kMessageHeaderBytes) return {};
  copy_pieces(buffers, buffer, room.first(kMessageHeaderBytes));
  Reader header(room.first(kMessageHeaderBytes));
  header.skip(1);
  const size_t size = kMessageHeaderBytes + header.be24();
  if (size > there) return {};
  copy_pieces(buffers, buffer, room.first(size));
  return room.first(size);
}

void CryptoStream::copy_pieces(const Buffers& buffers, int buffer, std::span<uint8_t> out) const {
  Reader r(buffers.view(buffer));
  while (!r.empty()) {
    const size_t offset = r.le32();
    const Bytes piece = r.take(r.le32());
    if (offset >= out.size()) continue;
    const size_t n = std::min(piece.size(), out.size() - offset);
    std::copy_n(piece.begin(), n, out.begin() + static_cast<std::ptrdiff_t>(offset));
  }
}

}  // namespace thymus::dpi::quic
