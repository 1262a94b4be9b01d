// pcap: the first byte chooses the magic, so that every variant is reached at once.
#include "capture_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr uint32_t kMagics[] = {0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34};
  if (size == 0) return 0;
  uint32_t magic = kMagics[data[0] % 3];
  if (data[0] & 0x80) magic = __builtin_bswap32(magic);
  std::vector<uint8_t> file(sizeof magic);
  std::memcpy(file.data(), &magic, sizeof magic);
  file.insert(file.end(), data + 1, data + size);
  thymus::fuzz::read_memory(file);
  return 0;
}
