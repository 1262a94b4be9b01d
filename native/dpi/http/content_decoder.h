// Content codings gzip and deflate (RFC 9110 section 8.4.1), up to two of them one over the other.
// All memory is one block of fixed size that the caller lends; nothing is allocated.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace thymus::dpi::http {

class ContentDecoder {
 public:
  static constexpr size_t kMaxLayers = 2;
  // zlib's state and window; the zlib inside Node, which an addon uses, takes more than 40 KiB.
  static constexpr size_t kBytesPerLayer = 48 * 1024;
  static constexpr size_t kOutputBytes = 8 * 1024;  // the most that `use` is shown at once
  // Output beyond the first is refused when it is more than the second times the input: a bomb.
  static constexpr uint64_t kFreeOutputBytes = 1 << 20;
  static constexpr uint64_t kMaxRatio = 256;

  enum class Coding : uint8_t { kNone, kGzip, kDeflate };
  enum class Result : uint8_t {
    kDecoded,
    kPlain,   // this is not coded, in spite of its name: the bytes are the content
    kBroken,  // the rest cannot be decoded
    kBomb,
  };

  // The codings that a Content-Encoding field names, the outermost last. Returns how many there
  // are, which may be more than kMaxLayers.
  static size_t codings_in(std::string_view value, Coding* out, size_t room);

  // `memory` is n_layers * kBytesPerLayer bytes, aligned for any type, and begins a decoder.
  static ContentDecoder* begin(std::span<uint8_t> memory, const Coding* codings, size_t n_layers);

  // The decoder that lies in `memory`.
  static ContentDecoder* in(std::span<uint8_t> memory) {
    return static_cast<ContentDecoder*>(static_cast<void*>(memory.data()));
  }

  // Decodes `coded` and calls `use(Bytes)` with what comes out.
  template <typename Use>
  Result decode(Bytes coded, Use&& use) {
    auto call = [](void* to, Bytes bytes) { (*static_cast<Use*>(to))(bytes); };
    return decode_to(coded, {call, &use});
  }

 private:
  struct Target {
    void (*call)(void* to, Bytes bytes);
    void* to;
  };
  Result decode_to(Bytes coded, Target target);

  struct Layer;
  Result inflate_layer(size_t index, Bytes coded, Target target);
  Result inflate_member(size_t index, Bytes coded, Target target, size_t* n_left);
  Layer* layer(size_t index);

  uint64_t input_bytes_;
  uint64_t output_bytes_;
  std::array<uint8_t, 16> head_;  // of the input, while there is no output
  uint8_t n_head_;
  uint8_t n_layers_;
  bool is_plain_;
};

}  // namespace thymus::dpi::http
