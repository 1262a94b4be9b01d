// gzip (RFC 1952) through zlib.
#include <algorithm>
#include <limits>

#include <zlib.h>

#include "capture/decompressor.h"

namespace thymus::capture {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // the largest window; + 16 asks zlib for gzip alone

uInt clamp_to_uint(size_t n) {
  return static_cast<uInt>(std::min<size_t>(n, std::numeric_limits<uInt>::max()));
}

class GzipStream final : public Decompressor {
 public:
  explicit GzipStream(std::unique_ptr<ByteStream> stored)
      : Decompressor("gzip", std::move(stored)) {
    ready_ = inflateInit2(&zlib_, kGzipWindowBits) == Z_OK;
  }
  ~GzipStream() override { inflateEnd(&zlib_); }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

 protected:
  Step decode(Bytes in, std::span<uint8_t> out) override {
    if (!ready_) return {.broken = "zlib could not start"};
    zlib_.next_in = const_cast<Bytef*>(in.data());  // zlib reads it only
    zlib_.avail_in = clamp_to_uint(in.size());
    zlib_.next_out = out.data();
    zlib_.avail_out = clamp_to_uint(out.size());
    int result = inflate(&zlib_, Z_NO_FLUSH);
    Step step{.consumed = in.size() - zlib_.avail_in, .produced = out.size() - zlib_.avail_out};
    if (result == Z_STREAM_END) {
      step.member_ended = true;
      inflateReset(&zlib_);
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      step.broken = zlib_.msg ? zlib_.msg : "unknown content";
    }
    return step;
  }

 private:
  z_stream zlib_{};
  bool ready_ = false;
};

}  // namespace

std::unique_ptr<ByteStream> gunzip(std::unique_ptr<ByteStream> stored) {
  return std::make_unique<GzipStream>(std::move(stored));
}

}  // namespace thymus::capture
