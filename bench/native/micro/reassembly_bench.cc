// TCP payload through the reassembler, segments of 1,460 bytes.
#include <vector>

#include <benchmark/benchmark.h>

#include "stream/reassembler.h"

namespace {

using thymus::Bytes;
using namespace thymus::stream;

constexpr uint32_t kSegmentBytes = 1460;

struct Consumer final : Receiver {
  bool on_bytes(Bytes bytes, uint32_t) override {
    n_bytes += bytes.size();
    return true;
  }
  bool on_gap() override { return true; }
  size_t n_bytes = 0;
};

// Pushes groups of segments, each group from its last segment to its first.
void reassemble(benchmark::State& state) {
  const auto group = static_cast<uint32_t>(state.range(0));
  const std::vector<uint8_t> payload(kSegmentBytes, 'x');
  Reassembler reassembler(1 << 24);
  Consumer consumer;
  State stream{};
  reassembler.expect_first(0, 1, &stream);
  uint32_t seq = 1;
  for (auto _ : state) {
    for (uint32_t i = group; i-- > 0;) {
      const Segment segment{seq + i * kSegmentBytes, payload, kSegmentBytes, false, false};
      benchmark::DoNotOptimize(reassembler.push(0, segment, &stream, &consumer));
    }
    seq += group * kSegmentBytes;
  }
  const auto expected = static_cast<size_t>(state.iterations()) * group * kSegmentBytes;
  if (consumer.n_bytes != expected) state.SkipWithError("bytes are missing");
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * group));
  state.SetBytesProcessed(static_cast<int64_t>(expected));
}

BENCHMARK(reassemble)->Name("in_order")->Arg(1);
BENCHMARK(reassemble)->Name("out_of_order")->Arg(2)->Arg(16)->Arg(64);

}  // namespace
