// Zstandard (RFC 8878) through libzstd.
#include <zstd.h>

#include "capture/decompressor.h"

namespace thymus::capture {
namespace {

// A frame may ask for a window of up to 2 TiB; zstd itself refuses more than this by default.
constexpr int kMaxWindowLog = 27;  // 128 MiB

class ZstdStream final : public Decompressor {
 public:
  explicit ZstdStream(std::unique_ptr<ByteStream> stored)
      : Decompressor("zstd", std::move(stored)), zstd_(ZSTD_createDCtx()) {
    if (zstd_) ZSTD_DCtx_setParameter(zstd_, ZSTD_d_windowLogMax, kMaxWindowLog);
  }
  ~ZstdStream() override { ZSTD_freeDCtx(zstd_); }
  ZstdStream(const ZstdStream&) = delete;
  ZstdStream& operator=(const ZstdStream&) = delete;

 protected:
  Step decode(Bytes in, std::span<uint8_t> out) override {
    if (!zstd_) return {.broken = "zstd could not start"};
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    size_t result = ZSTD_decompressStream(zstd_, &output, &input);
    Step step{.consumed = input.pos, .produced = output.pos, .member_ended = result == 0};
    if (ZSTD_isError(result)) step.broken = ZSTD_getErrorName(result);
    return step;
  }

 private:
  ZSTD_DCtx* zstd_;
};

}  // namespace

std::unique_ptr<ByteStream> unzstd(std::unique_ptr<ByteStream> stored) {
  return std::make_unique<ZstdStream>(std::move(stored));
}

}  // namespace thymus::capture
