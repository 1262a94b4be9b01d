// The refilled window: any read size gives what one window over the whole gives; compressed
// content of any kind is survived.
#include "capture/byte_stream.h"
#include "capture_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace thymus;
  if (size == 0) return 0;
  Bytes file(data + 1, size - 1);
  std::unique_ptr<capture::Source> streamed;
  const bool is_open = capture::open_memory_stream(file, data[0] + size_t{1}, &streamed).ok();
  if (capture::is_compressed(file)) {
    if (is_open) fuzz::read_all(streamed.get(), 64);
    return 0;
  }
  std::unique_ptr<capture::Source> whole;
  fuzz::require(capture::open_memory(file, &whole).ok() == is_open);
  if (is_open) fuzz::require(fuzz::read_all(streamed.get()) == fuzz::read_all(whole.get()));
  return 0;
}
