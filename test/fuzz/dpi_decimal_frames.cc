#include "parser_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return thymus::fuzz::fuzz_parsers(thymus::dpi::AppId::kXworm, data, size);
}
