#include <utility>

#include "capture/byte_stream.h"
#include "capture/capture_source.h"
#include "capture/stream_supply.h"

namespace thymus::capture {
namespace {

class MemorySupply final : public ByteSupply {
 public:
  explicit MemorySupply(Bytes bytes) : bytes_(bytes) {}

  Bytes advance(size_t used, size_t) override {
    bytes_.skip(used);
    return bytes_.rest();
  }
  bool stable() const override { return true; }
  const std::string& error() const override { return error_; }
  SourceProgress progress() const override { return {bytes_.offset(), bytes_.all().size()}; }

 private:
  Reader bytes_;
  std::string error_;
};

constexpr char kName[] = "the capture in memory";

}  // namespace

Status open_memory(Bytes bytes, std::unique_ptr<Source>* out) {
  return open_supply(std::make_unique<MemorySupply>(bytes), kName, out);
}

Status open_memory_stream(Bytes bytes, size_t read_bytes, std::unique_ptr<Source>* out) {
  auto stream = decompressed(stream_of_memory(bytes));
  return open_supply(supply_from_stream(std::move(stream), read_bytes), kName, out);
}

}  // namespace thymus::capture
