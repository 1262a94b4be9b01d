#include "dpi/http/content_decoder.h"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include <zlib.h>

#include "dpi/text.h"

namespace thymus::dpi::http {
namespace {

// zlib asks for its state once and for the window once; nothing is given back before the block is.
struct Arena {
  uint8_t* memory;
  size_t size;
  size_t used;
};

void* arena_alloc(void* opaque, unsigned items, unsigned size) {
  auto* arena = static_cast<Arena*>(opaque);
  const size_t wanted = (size_t{items} * size + 15) & ~size_t{15};
  if (wanted > arena->size - arena->used) return nullptr;
  return arena->memory + std::exchange(arena->used, arena->used + wanted);
}

void arena_free(void*, void*) {}

constexpr int kGzipBits = 15 + 16;
constexpr int kZlibBits = 15;
constexpr int kRawBits = -15;

// "deflate" should be zlib's format and often is the bare one. The first byte of zlib's names
// method 8 and a window of up to 32 KiB.
bool begins_zlib(uint8_t first) { return (first & 0x0f) == 8 && first >> 4 <= 7; }

}  // namespace

struct ContentDecoder::Layer {
  z_stream stream;
  Arena arena;
  Coding coding;
  bool is_begun;
  bool is_over;
  bool is_between;  // a member is over, another may follow
  bool gave_output;

  bool begin(uint8_t first) {
    is_begun = true;
    const int bits = coding == Coding::kGzip ? kGzipBits
                     : begins_zlib(first)    ? kZlibBits
                                             : kRawBits;
    return inflateInit2(&stream, bits) == Z_OK;
  }
};

size_t ContentDecoder::codings_in(std::string_view value, Coding* out, size_t room) {
  size_t n = 0;
  while (!value.empty()) {
    const size_t comma = std::min(value.find(','), value.size());
    const std::string_view name = value.substr(0, comma);
    value.remove_prefix(std::min(comma + 1, value.size()));
    const bool is_gzip = contains_nocase(name, "gzip");
    if (!is_gzip && !contains_nocase(name, "deflate")) continue;
    if (n < room) out[n] = is_gzip ? Coding::kGzip : Coding::kDeflate;
    ++n;
  }
  return n;
}

ContentDecoder* ContentDecoder::begin(std::span<uint8_t> memory, const Coding* codings,
                                      size_t n_layers) {
  static_assert(sizeof(ContentDecoder) + kMaxLayers * sizeof(Layer) < 1024);
  auto* decoder = new (memory.data()) ContentDecoder{};
  decoder->n_layers_ = static_cast<uint8_t>(n_layers);
  // The layers' heads follow the decoder, then their memory.
  const size_t heads = 1024;
  const size_t share = (memory.size() - heads) / n_layers & ~size_t{15};
  for (size_t i = 0; i < n_layers; ++i) {
    auto* layer = new (decoder->layer(i)) Layer{};
    layer->arena = {memory.subspan(heads + i * share).data(), share, 0};
    layer->coding = codings[i];
    layer->stream.zalloc = arena_alloc;
    layer->stream.zfree = arena_free;
    layer->stream.opaque = &layer->arena;
  }
  return decoder;
}

ContentDecoder::Layer* ContentDecoder::layer(size_t index) {
  return static_cast<Layer*>(static_cast<void*>(this + 1)) + index;
}

ContentDecoder::Result ContentDecoder::decode_to(Bytes coded, Target target) {
  if (is_plain_) {
    target.call(target.to, coded);
    return Result::kPlain;
  }
  const Bytes before{head_.data(), n_head_};
  const Result result = inflate_layer(n_layers_ - size_t{1}, coded, target);
  input_bytes_ += coded.size();
  // Only what is wrong from the start is taken as it is.
  if (result == Result::kPlain) {
    if (output_bytes_ > 0) return Result::kBroken;
    is_plain_ = true;
    target.call(target.to, before);
    target.call(target.to, coded);
    return result;
  }
  if (output_bytes_ == 0) {
    const Bytes more = Reader(coded).take_up_to(head_.size() - n_head_);
    std::copy(more.begin(), more.end(), head_.begin() + n_head_);
    n_head_ = static_cast<uint8_t>(n_head_ + more.size());
  }
  return result;
}

// Layers are numbered from the innermost; the outermost comes first.
ContentDecoder::Result ContentDecoder::inflate_layer(size_t index, Bytes coded, Target target) {
  while (!coded.empty()) {
    size_t n_left = 0;
    const Result result = inflate_member(index, coded, target, &n_left);
    if (result != Result::kDecoded) return result;
    coded = coded.last(n_left);
  }
  return Result::kDecoded;
}

// Up to the end of `coded` or of a member; then *n_left bytes are behind it.
ContentDecoder::Result ContentDecoder::inflate_member(size_t index, Bytes coded, Target target,
                                                      size_t* n_left) {
  Layer& own = *layer(index);
  if (own.is_over) return Result::kDecoded;
  if (std::exchange(own.is_between, false) && coded.front() != 0x1f) {
    own.is_over = true;
    return Result::kDecoded;
  }
  if (!own.is_begun && !own.begin(coded.front())) return Result::kBroken;
  // zlib does not write to its input.
  own.stream.next_in = const_cast<uint8_t*>(coded.data());
  own.stream.avail_in = static_cast<unsigned>(coded.size());
  std::array<uint8_t, kOutputBytes> output;
  for (;;) {
    own.stream.next_out = output.data();
    own.stream.avail_out = static_cast<unsigned>(output.size());
    const int status = inflate(&own.stream, Z_SYNC_FLUSH);
    const size_t n = output.size() - own.stream.avail_out;
    if (n > 0) {
      own.gave_output = true;
      output_bytes_ += n;
      if (output_bytes_ > kFreeOutputBytes &&
          output_bytes_ / kMaxRatio > input_bytes_ + coded.size()) {
        return Result::kBomb;
      }
      const Bytes content{output.data(), n};
      if (index == 0) {
        target.call(target.to, content);
      } else {
        const Result inner = inflate_layer(index - 1, content, target);
        if (inner != Result::kDecoded) return inner;
      }
    }
    if (status == Z_STREAM_END) {
      // Members may follow each other (RFC 1952, section 2.2).
      own.is_over = own.coding != Coding::kGzip || inflateReset(&own.stream) != Z_OK;
      own.is_between = true;
      *n_left = own.stream.avail_in;
      return Result::kDecoded;
    }
    if (status != Z_OK && status != Z_BUF_ERROR) {
      return own.gave_output ? Result::kBroken : Result::kPlain;
    } else if (own.stream.avail_in == 0 && own.stream.avail_out > 0) {
      return Result::kDecoded;
    } else if (status == Z_BUF_ERROR && n == 0) {
      return Result::kDecoded;
    }
  }
}

}  // namespace thymus::dpi::http
