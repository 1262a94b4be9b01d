// MD5 (RFC 1321), SHA-1 and SHA-256 (FIPS 180-4) as names of things: flows, fingerprints, files,
// certificates. Fixed size, no allocation, input in pieces of any size.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace thymus {

namespace digest_detail {

// All three mix blocks of 64 bytes into a few words; a core says how and in which byte order.
struct Md5Core {
  static constexpr size_t kWords = 4;
  static constexpr bool kBigEndian = false;
  static constexpr uint32_t kStart[kWords] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  static void mix(uint32_t* words, const uint8_t* block);
};

struct Sha1Core {
  static constexpr size_t kWords = 5;
  static constexpr bool kBigEndian = true;
  static constexpr uint32_t kStart[kWords] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
                                              0xc3d2e1f0};
  static void mix(uint32_t* words, const uint8_t* block);
};

struct Sha256Core {
  static constexpr size_t kWords = 8;
  static constexpr bool kBigEndian = true;
  static constexpr uint32_t kStart[kWords] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                              0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  static void mix(uint32_t* words, const uint8_t* block);
};

}  // namespace digest_detail

// A digest under way. Of parser state, which begins as zeroed bytes, call reset() first.
template <typename Core>
class Digest {
 public:
  static constexpr size_t kBytes = Core::kWords * 4;
  static constexpr size_t kBlockBytes = 64;
  using Value = std::array<uint8_t, kBytes>;

  Digest() { reset(); }
  void reset();
  void update(Bytes bytes);
  // The value for all bytes so far; further updates go on as if it had not been asked for.
  Value value() const;
  static Value of(Bytes bytes) {
    Digest digest;
    digest.update(bytes);
    return digest.value();
  }

 private:
  uint64_t size_;
  uint32_t words_[Core::kWords];
  uint8_t block_[kBlockBytes];  // its first size_ % 64 bytes wait for the rest
};

using Md5 = Digest<digest_detail::Md5Core>;
using Sha1 = Digest<digest_detail::Sha1Core>;
using Sha256 = Digest<digest_detail::Sha256Core>;

// Lower-case hex, two digits a byte.
template <size_t kSize>
std::array<char, 2 * kSize> hex_of(const std::array<uint8_t, kSize>& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<char, 2 * kSize> hex;
  for (size_t i = 0; i < kSize; ++i) {
    hex[2 * i] = kDigits[bytes[i] >> 4];
    hex[2 * i + 1] = kDigits[bytes[i] & 0xf];
  }
  return hex;
}

}  // namespace thymus
