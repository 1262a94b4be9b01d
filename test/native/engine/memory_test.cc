#include "engine/memory.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>

#include "capture/pcap_writer.h"
#include "engine/engine.h"
#include "support/packet_builder.h"

using namespace thymus;
using namespace thymus::test;

namespace {

constexpr size_t kMib = 1u << 20;

// Anonymous memory of this process, bytes.
size_t anonymous_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stoul(line.substr(8)) * 1024;
  }
  return 0;
}

// A flood of requests, each of another source: as many flows as packets.
class Flood {
 public:
  explicit Flood(uint32_t packets)
      : path_("/tmp/thymus_memory_test_" + std::to_string(getpid()) + ".pcap") {
    std::unique_ptr<capture::PcapWriter> writer;
    REQUIRE(capture::PcapWriter::create(path_, 1, &writer).ok());
    std::vector<uint8_t> bytes =
        Packet().ethernet().ipv4("10.0.0.0", "192.168.1.1", 6).tcp(1024, 80, 0x02).bytes();
    constexpr size_t kSource = 14 + 12;
    for (uint32_t i = 0; i < packets; ++i) {
      const uint32_t source = __builtin_bswap32(0x0a000000 + i);
      std::memcpy(bytes.data() + kSource, &source, sizeof source);
      capture::Frame frame{};
      frame.data = bytes.data();
      frame.caplen = frame.origlen = static_cast<uint32_t>(bytes.size());
      frame.ts_ns = 1'700'000'000'000'000'000 + int64_t{i} * 5000;
      frame.link_type = 1;
      REQUIRE(writer->write(frame).ok());
    }
    REQUIRE(writer->close().ok());
  }
  ~Flood() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("limit_memory: what it divides fits, and lower limits stay") {
  for (const uint32_t lanes : {1u, 2u, 8u}) {
    engine::Options options;
    options.lanes = lanes;
    options.shards = 2;
    options.publish = true;
    const size_t bytes = std::max(64 * kMib, engine::least_memory_bytes(options));
    engine::limit_memory(bytes, &options);
    const flow::TrackerOptions& t = options.tracker;
    CHECK(t.max_flows >= 1024);
    const size_t of_lanes = lanes * (t.max_flows * flow::FlowTable::kBytesPerFlow +
                                     t.parser_state_bytes + t.stream_bytes);
    CHECK(engine::fixed_bytes(options) + of_lanes + 3 * options.queue_bytes <= bytes);

    engine::Options lower = options;
    lower.tracker.max_flows = 1024;
    lower.queue_bytes = 1;
    engine::limit_memory(bytes, &lower);
    CHECK(lower.tracker.max_flows == 1024);
    CHECK(lower.queue_bytes == 1);
  }
}

TEST_CASE("limit_memory: a flood of flows stays within 64 MiB and what had to go is counted") {
  constexpr uint32_t kPackets = 300'000;
  const Flood flood(kPackets);
  std::vector<uint8_t> buffer(kMib, 1);
  [[maybe_unused]] const size_t before = anonymous_bytes();
  size_t most = 0;
  engine::Options options;
  options.sources = {flood.path()};
  options.publish = true;
  engine::limit_memory(64 * kMib, &options);
  engine::Engine engine(options);
  for (bool ended[2] = {}; !ended[0] || !ended[1];) {
    for (size_t q = 0; q < 2; ++q) ended[q] = ended[q] || engine.drain(q, buffer, 5) < 0;
    most = std::max(most, anonymous_bytes());
  }
  const auto counter = [stats = engine.stats()](Counter c) {
    return stats.counters[static_cast<size_t>(c)];
  };
  CHECK(counter(Counter::packets) == kPackets);
  CHECK(counter(Counter::flows) == kPackets);
  CHECK(counter(Counter::flows_ended) + counter(Counter::unrecorded_flows) == kPackets);
  CHECK(counter(Counter::table_evictions) + counter(Counter::unrecorded_flows) > kPackets / 2);
#ifndef __SANITIZE_ADDRESS__  // which keeps what was freed
  CHECK(most > before);
  CHECK(most - before <= 64 * kMib);
#endif
}
