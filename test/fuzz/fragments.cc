// Puts fragments together. Input: frames of raw IP, each after its length (2, little-endian; the
// upper 4 bits: seconds since the frame before).
#include <cstdlib>
#include <memory>

#include "fragment/reassembler.h"

namespace {

using namespace thymus;

constexpr uint16_t kRawIp = 101;

void require(bool holds) {
  if (!holds) std::abort();
}

class Counting final : public fragment::PacketTaker {
 public:
  void on_packet(const decode::PacketView& view) override {
    ++n;
    require(view.engine_ns >= last_ns);
    last_ns = view.engine_ns;
    require(view.counts_only || view.payload_bytes <= view.caplen - view.payload_offset);
    if (!view.counts_only) {
      for (const uint8_t byte : view.payload()) sum += byte;
    }
  }
  uint64_t n = 0;
  uint64_t sum = 0;
  int64_t last_ns = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reader input(Bytes{data, size});
  Counting taker;
  const decode::DecodeOptions options;
  fragment::Reassembler fragments({.datagrams = 4, .chunks = 40, .held = 6}, kReplayHashKey,
                                  options, &taker);
  uint64_t index = 0, taken = 0;
  int64_t now_ns = 0;
  while (!input.empty()) {
    const uint16_t lead = input.le16();
    const Bytes bytes = input.take_up_to(lead & 0x0fff);
    const auto frame = std::make_unique<uint8_t[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), frame.get());
    decode::PacketView view;
    decode::decode_frame(kRawIp, {frame.get(), bytes.size()}, static_cast<uint32_t>(bytes.size()),
                         options, &view);
    now_ns += (lead >> 12) * 1'000'000'000ll;
    fragments.advance(now_ns);
    view.ts_ns = view.engine_ns = now_ns;
    view.index = index++;
    if (!view.is_fragment) continue;
    fragments.take(view);
    ++taken;
  }
  fragments.finish(now_ns + 1000);
  require(taker.n == taken);
  return 0;
}
