// pcapng: behind a section header in the byte order that the first byte chooses.
#include "capture_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const bool is_swapped = data[0] & 1;
  std::vector<uint8_t> file;
  for (uint32_t word :
       {0x0a0d0d0au, 28u, 0x1a2b3c4du, is_swapped ? 0x00010000u : 1u, ~0u, ~0u, 28u}) {
    for (int i = 0; i < 4; ++i) {
      file.push_back(static_cast<uint8_t>(word >> 8 * (is_swapped ? 3 - i : i)));
    }
  }
  file.insert(file.end(), data + 1, data + size);
  thymus::fuzz::read_memory(file);
  return 0;
}
