#include "base/digest.h"

#include <algorithm>
#include <bit>

#include "base/sha_blocks.h"

namespace thymus {
namespace digest_detail {
namespace {

// Whole part of 2^32 |sin(i + 1)|.
constexpr uint32_t kMd5Sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

constexpr int kMd5Turns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

}  // namespace

void Md5Core::mix(uint32_t* words, const uint8_t* block) {
  uint32_t a = words[0], b = words[1], c = words[2], d = words[3];
  for (uint32_t i = 0; i < 64; ++i) {
    uint32_t f, word;
    if (i < 16) {
      f = (b & c) | (~b & d);
      word = i;
    } else if (i < 32) {
      f = (d & b) | (~d & c);
      word = (5 * i + 1) % 16;
    } else if (i < 48) {
      f = b ^ c ^ d;
      word = (3 * i + 5) % 16;
    } else {
      f = c ^ (b | ~d);
      word = 7 * i % 16;
    }
    const uint32_t t = a + f + kMd5Sines[i] + load_le32(block + 4 * word);
    a = d;
    d = c;
    c = b;
    b += std::rotl(t, kMd5Turns[i / 16][i % 4]);
  }
  words[0] += a;
  words[1] += b;
  words[2] += c;
  words[3] += d;
}

void Sha1Core::mix(uint32_t* words, const uint8_t* block) {
  static const sha_blocks::Mix mix_block = sha_blocks::fastest_sha1();
  mix_block(words, block);
}

void Sha256Core::mix(uint32_t* words, const uint8_t* block) {
  static const sha_blocks::Mix mix_block = sha_blocks::fastest_sha256();
  mix_block(words, block);
}

}  // namespace digest_detail

template <typename Core>
void Digest<Core>::reset() {
  size_ = 0;
  std::copy_n(Core::kStart, Core::kWords, words_);
}

template <typename Core>
void Digest<Core>::update(Bytes bytes) {
  Reader r(bytes);
  const size_t waiting = size_ % kBlockBytes;
  size_ += bytes.size();
  if (waiting > 0) {
    const Bytes more = r.take_up_to(kBlockBytes - waiting);
    std::copy(more.begin(), more.end(), block_ + waiting);
    if (waiting + more.size() < kBlockBytes) return;
    Core::mix(words_, block_);
  }
  while (r.remaining() >= kBlockBytes) Core::mix(words_, r.take(kBlockBytes).data());
  std::copy(r.rest().begin(), r.rest().end(), block_);
}

template <typename Core>
typename Digest<Core>::Value Digest<Core>::value() const {
  uint32_t words[Core::kWords];
  std::copy_n(words_, Core::kWords, words);
  uint8_t tail[2 * kBlockBytes] = {};
  const size_t waiting = size_ % kBlockBytes;
  std::copy_n(block_, waiting, tail);
  tail[waiting] = 0x80;
  const size_t tail_bytes = waiting < kBlockBytes - 8 ? kBlockBytes : 2 * kBlockBytes;
  const uint64_t bits = Core::kBigEndian ? __builtin_bswap64(size_ * 8) : size_ * 8;
  std::memcpy(tail + tail_bytes - 8, &bits, 8);
  for (size_t at = 0; at < tail_bytes; at += kBlockBytes) Core::mix(words, tail + at);
  Value value;
  for (size_t i = 0; i < Core::kWords; ++i) {
    const uint32_t word = Core::kBigEndian ? __builtin_bswap32(words[i]) : words[i];
    std::memcpy(value.data() + 4 * i, &word, 4);
  }
  return value;
}

template class Digest<digest_detail::Md5Core>;
template class Digest<digest_detail::Sha1Core>;
template class Digest<digest_detail::Sha256Core>;

}  // namespace thymus
