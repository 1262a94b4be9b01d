#include "base/sha_blocks.h"

#include <algorithm>
#include <bit>

#include "base/bytes.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace thymus::sha_blocks {
namespace {

// First 32 bits of the fractions of the cube roots of the first 64 primes.
alignas(16) constexpr uint32_t kSha256Roots[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#if defined(__x86_64__)

bool has_sha_instructions() {
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}

[[gnu::target("sha,sse4.1,ssse3")]] __m128i load(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}
[[gnu::target("sha,sse4.1,ssse3")]] void store(void* p, __m128i value) {
  _mm_storeu_si128(static_cast<__m128i*>(p), value);
}

// Rounds 4 * first to 4 * last - 1 of SHA-1, which share a function. `e` holds what the next round
// takes for its fifth word: of the first four rounds it is that word itself.
template <int kFunction>
[[gnu::target("sha,sse4.1,ssse3")]] void sha1_rounds(int first, int last, __m128i* w, __m128i* abcd,
                                                     __m128i* before) {
  for (int i = first; i < last; ++i) {
    __m128i& next = w[i % 4];
    if (i >= 4) {
      const __m128i mixed = _mm_xor_si128(_mm_sha1msg1_epu32(next, w[(i + 1) % 4]), w[(i + 2) % 4]);
      next = _mm_sha1msg2_epu32(mixed, w[(i + 3) % 4]);
    }
    const __m128i e = i == 0 ? _mm_add_epi32(*before, next) : _mm_sha1nexte_epu32(*before, next);
    *before = *abcd;
    *abcd = _mm_sha1rnds4_epu32(*abcd, e, kFunction);
  }
}

[[gnu::target("sha,sse4.1,ssse3")]] void sha1_instructions(uint32_t* words, const uint8_t* block) {
  const __m128i reversed = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
  __m128i w[4];
  for (int i = 0; i < 4; ++i) w[i] = _mm_shuffle_epi8(load(block + 16 * i), reversed);
  const __m128i start = _mm_shuffle_epi32(load(words), 0x1b);
  const __m128i start_e = _mm_set_epi32(static_cast<int>(words[4]), 0, 0, 0);
  __m128i abcd = start, before = start_e;
  sha1_rounds<0>(0, 5, w, &abcd, &before);
  sha1_rounds<1>(5, 10, w, &abcd, &before);
  sha1_rounds<2>(10, 15, w, &abcd, &before);
  sha1_rounds<3>(15, 20, w, &abcd, &before);
  store(words, _mm_shuffle_epi32(_mm_add_epi32(abcd, start), 0x1b));
  words[4] = static_cast<uint32_t>(_mm_extract_epi32(_mm_sha1nexte_epu32(before, start_e), 3));
}

[[gnu::target("sha,sse4.1,ssse3")]] void sha256_instructions(uint32_t* words,
                                                             const uint8_t* block) {
  const __m128i swapped = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i w[4];
  for (int i = 0; i < 4; ++i) w[i] = _mm_shuffle_epi8(load(block + 16 * i), swapped);
  // The instructions want the eight words as ABEF and CDGH.
  const __m128i cdab = _mm_shuffle_epi32(load(words), 0xb1);
  const __m128i efgh = _mm_shuffle_epi32(load(words + 4), 0x1b);
  const __m128i start_abef = _mm_alignr_epi8(cdab, efgh, 8);
  const __m128i start_cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
  __m128i abef = start_abef, cdgh = start_cdgh;
  for (int i = 0; i < 16; ++i) {
    __m128i& next = w[i % 4];
    if (i >= 4) {
      const __m128i last = w[(i + 3) % 4];
      const __m128i mixed = _mm_add_epi32(_mm_sha256msg1_epu32(next, w[(i + 1) % 4]),
                                          _mm_alignr_epi8(last, w[(i + 2) % 4], 4));
      next = _mm_sha256msg2_epu32(mixed, last);
    }
    const __m128i sum = _mm_add_epi32(next, load(kSha256Roots + 4 * i));
    cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
    abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
  }
  const __m128i feba = _mm_shuffle_epi32(_mm_add_epi32(abef, start_abef), 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(_mm_add_epi32(cdgh, start_cdgh), 0xb1);
  store(words, _mm_blend_epi16(feba, dchg, 0xf0));
  store(words + 4, _mm_alignr_epi8(dchg, feba, 8));
}

#endif

}  // namespace

void sha1_plain(uint32_t* words, const uint8_t* block) {
  uint32_t w[80];
  for (int i = 0; i < 16; ++i) w[i] = load_be32(block + 4 * i);
  for (int i = 16; i < 80; ++i) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  uint32_t a = words[0], b = words[1], c = words[2], d = words[3], e = words[4];
  for (int i = 0; i < 80; ++i) {
    uint32_t f, k;
    if (i < 20) {
      f = (b & c) | (~b & d);
      k = 0x5a827999;
    } else if (i < 40) {
      f = b ^ c ^ d;
      k = 0x6ed9eba1;
    } else if (i < 60) {
      f = (b & c) | (b & d) | (c & d);
      k = 0x8f1bbcdc;
    } else {
      f = b ^ c ^ d;
      k = 0xca62c1d6;
    }
    const uint32_t t = std::rotl(a, 5) + f + e + k + w[i];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = t;
  }
  words[0] += a;
  words[1] += b;
  words[2] += c;
  words[3] += d;
  words[4] += e;
}

void sha256_plain(uint32_t* words, const uint8_t* block) {
  uint32_t w[64];
  for (int i = 0; i < 16; ++i) w[i] = load_be32(block + 4 * i);
  for (int i = 16; i < 64; ++i) {
    const uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
    const uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  uint32_t v[8];
  std::copy_n(words, 8, v);
  for (int i = 0; i < 64; ++i) {
    const uint32_t s1 = std::rotr(v[4], 6) ^ std::rotr(v[4], 11) ^ std::rotr(v[4], 25);
    const uint32_t chosen = (v[4] & v[5]) ^ (~v[4] & v[6]);
    const uint32_t t1 = v[7] + s1 + chosen + kSha256Roots[i] + w[i];
    const uint32_t s0 = std::rotr(v[0], 2) ^ std::rotr(v[0], 13) ^ std::rotr(v[0], 22);
    const uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    std::copy_backward(v, v + 7, v + 8);
    v[4] += t1;
    v[0] = t1 + t2;
  }
  for (int i = 0; i < 8; ++i) words[i] += v[i];
}

Mix fastest_sha1() {
#if defined(__x86_64__)
  if (has_sha_instructions()) return sha1_instructions;
#endif
  return sha1_plain;
}

Mix fastest_sha256() {
#if defined(__x86_64__)
  if (has_sha_instructions()) return sha256_instructions;
#endif
  return sha256_plain;
}

}  // namespace thymus::sha_blocks
