// Tells gzip and zstd from plain bytes by content, since names lie and pipes have none.
#include <algorithm>
#include <array>
#include <utility>

#include "capture/byte_stream.h"

namespace thymus::capture {
namespace {

constexpr uint16_t kGzipMagic = 0x1f8b;
constexpr uint32_t kZstdMagic = 0xfd2fb528;           // little endian
constexpr uint32_t kZstdSkippableMagic = 0x184d2a50;  // low four bits are free

bool is_gzip(Bytes head) { return Reader(head).peek_be16() == kGzipMagic; }

bool is_zstd(Bytes head) {
  uint32_t magic = Reader(head).le32();
  return magic == kZstdMagic || (magic & ~0xfu) == kZstdSkippableMagic;
}

// A stream whose first bytes were looked at already.
class PeekedStream final : public ByteStream {
 public:
  explicit PeekedStream(std::unique_ptr<ByteStream> rest) : rest_(std::move(rest)) {
    size_t n = 0;
    while (n < kCompressionMagicBytes) {
      size_t got = rest_->read(std::span(head_).subspan(n));
      if (got == 0) break;
      n += got;
    }
    unread_ = Reader({head_.data(), n});
  }
  Bytes head() const { return unread_.rest(); }

  size_t read(std::span<uint8_t> into) override {
    if (unread_.empty()) return rest_->read(into);
    Bytes part = unread_.take_up_to(into.size());
    std::copy(part.begin(), part.end(), into.begin());
    return part.size();
  }
  const std::string& error() const override { return rest_->error(); }
  SourceProgress progress() const override { return rest_->progress(); }

 private:
  std::unique_ptr<ByteStream> rest_;
  std::array<uint8_t, kCompressionMagicBytes> head_;
  Reader unread_;
};

}  // namespace

bool is_compressed(Bytes head) { return is_gzip(head) || is_zstd(head); }

std::unique_ptr<ByteStream> decompressed(std::unique_ptr<ByteStream> stored) {
  auto peeked = std::make_unique<PeekedStream>(std::move(stored));
  if (is_gzip(peeked->head())) return gunzip(std::move(peeked));
  if (is_zstd(peeked->head())) return unzstd(std::move(peeked));
  return peeked;
}

}  // namespace thymus::capture
