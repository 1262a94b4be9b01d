// What a call of a parser costs, of every parser that has seeds of a fuzzer: half of the calls are
// below p50_ns, one in a hundred is above p99_ns, which a single large message or a whole
// transaction may be. Reading the clock is in both, some 25 ns.
//
// A seed is one byte of options, then segments: two bytes (bit 15: from the responder, the rest:
// length) and that many bytes (test/fuzz/parser_fuzz.h).
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "dpi/parser.h"
#include "flow/parser_memory.h"

namespace {

using namespace thymus;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr size_t kMostSamples = 1 << 20;
constexpr size_t kMemoryBytes = 16u << 20;

class NullSink final : public EventWriter::Sink, public dpi::Expectations {
 public:
  void on_event(const FinishedEvent& event) override {
    benchmark::DoNotOptimize(event.fields.data());
  }
  void expect(const dpi::Expectation&, Bytes) override {}
};

std::vector<std::vector<uint8_t>> seeds_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<std::vector<uint8_t>> seeds;
  for (const fs::path& file : files) {
    std::ifstream in(file, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return seeds;
}

uint32_t quantile(std::vector<uint32_t>* ns, size_t percent) {
  if (ns->empty()) return 0;
  const auto at = ns->begin() + static_cast<ptrdiff_t>((ns->size() - 1) * percent / 100);
  std::nth_element(ns->begin(), at, ns->end());
  return *at;
}

dpi::Transport transport_of(const dpi::Parser& parser) {
  if (parser.over_tcp) return dpi::Transport::kTcp;
  return parser.over_udp ? dpi::Transport::kUdp : dpi::Transport::kSctp;
}

const char* name_of(dpi::Transport transport) {
  if (transport == dpi::Transport::kTcp) return "/tcp";
  return transport == dpi::Transport::kUdp ? "/udp" : "/sctp";
}

class Rig {
 public:
  explicit Rig(const dpi::Parser& parser) : parser_(parser) {}

  // One flow, from its first segment to its end.
  void run(Bytes seed) {
    Reader r(seed);
    r.skip(1);
    const uint32_t handle = memory_.allocate(parser_.state_bytes);
    void* state = memory_.open(handle);
    uint32_t next_seq[2] = {};
    for (bool goes_on = true; goes_on && !r.empty();) {
      const uint16_t lead = r.be16();
      const bool forth = (lead & 0x8000) == 0;
      const Bytes data = r.take_up_to(lead & 0x7fff);
      const uint16_t client = 40000;
      const uint16_t server = parser_.ports.empty() ? uint16_t{9999} : parser_.ports[0];
      const dpi::Segment segment{data,
                                 0,
                                 forth,
                                 transport_of(parser_),
                                 forth ? client : server,
                                 forth ? server : client,
                                 0,
                                 0,
                                 next_seq[forth ? 0 : 1]};
      next_seq[forth ? 0 : 1] += static_cast<uint32_t>(data.size());
      dpi::Context context{&writer_, &memory_, &sink_, &options_, {}};
      const Clock::time_point start = Clock::now();
      const dpi::Answer answer = parser_.on_data(state, segment, &context);
      note(Clock::now() - start);
      goes_on = answer == dpi::Answer::kNeedMore || answer == dpi::Answer::kAccept;
    }
    dpi::Context context{&writer_, &memory_, &sink_, &options_, {}};
    if (parser_.on_end != nullptr) parser_.on_end(state, &context);
    memory_.free(handle, parser_.state_bytes);
  }
  std::vector<uint32_t>* samples() { return &samples_; }
  size_t n_calls() const { return n_calls_; }

 private:
  void note(Clock::duration taken) {
    ++n_calls_;
    if (samples_.size() == kMostSamples) return;
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(taken).count();
    samples_.push_back(static_cast<uint32_t>(ns));
  }

  const dpi::Parser& parser_;
  NullSink sink_;
  EventWriter writer_{&sink_};
  dpi::ParserOptions options_;
  flow::ParserMemory memory_{kMemoryBytes};
  std::vector<uint32_t> samples_;
  size_t n_calls_ = 0;
};

void call_parser(benchmark::State& state, const dpi::Parser& parser, const fs::path& folder) {
  const auto seeds = seeds_of(folder);
  Rig rig(parser);
  for (auto _ : state) {
    for (const auto& seed : seeds) rig.run(seed);
  }
  state.SetItemsProcessed(static_cast<int64_t>(rig.n_calls()));
  state.counters["p50_ns"] = quantile(rig.samples(), 50);
  state.counters["p99_ns"] = quantile(rig.samples(), 99);
}

[[maybe_unused]] const int kRegistered = [] {
  const fs::path corpus = fs::path(THYMUS_SOURCE_DIR) / "test/fuzz/corpus";
  for (const dpi::Parser* parser : dpi::parsers()) {
    std::string name = dpi::app_name(parser->app);
    std::replace(name.begin(), name.end(), '-', '_');
    const fs::path folder = corpus / std::string("dpi_").append(name);
    if (!fs::is_directory(folder)) continue;
    std::string title = "parser/";
    title.append(name).append(name_of(transport_of(*parser)));
    benchmark::RegisterBenchmark(title.c_str(), [parser, folder](benchmark::State& state) {
      call_parser(state, *parser, folder);
    });
  }
  return 0;
}();

}  // namespace
