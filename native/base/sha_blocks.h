// One block of SHA-1 and SHA-256 (FIPS 180-4): in plain C++, and with the SHA instructions of x86
// where the processor has them.
#pragma once

#include <cstdint>

namespace thymus::sha_blocks {

// Mixes 64 bytes into the 5 or 8 words of a digest under way.
using Mix = void (*)(uint32_t* words, const uint8_t* block);

void sha1_plain(uint32_t* words, const uint8_t* block);
void sha256_plain(uint32_t* words, const uint8_t* block);
// What this processor does fastest.
Mix fastest_sha1();
Mix fastest_sha256();

}  // namespace thymus::sha_blocks
