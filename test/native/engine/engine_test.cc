#include "engine/engine.h"

#include <algorithm>
#include <cstdio>
#include <random>
#include <thread>

#include <doctest/doctest.h>
#include <unistd.h>

#include "capture/pcap_writer.h"
#include "support/fragmenter.h"
#include "support/packet_builder.h"

using namespace thymus;
using namespace thymus::test;

namespace {

constexpr int64_t kMs = 1'000'000;
constexpr uint16_t kEthernet = 1;
constexpr unsigned kUnreachable = 3, kPortUnreachable = 3;

// Attempts, connections, lookups, pings and ICMP errors of some hosts over a few minutes.
class Traffic {
 public:
  Traffic() : path_("/tmp/thymus_engine_test_" + std::to_string(getpid()) + ".pcap") {
    REQUIRE(capture::PcapWriter::create(path_, kEthernet, &writer_).ok());
    for (int i = 0; i < 6000; ++i) step();
    end_just_before_a_tick();
    REQUIRE(writer_->close().ok());
  }
  ~Traffic() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }
  uint64_t packets() const { return packets_; }
  uint64_t ip_packets() const { return packets_ - arp_messages_; }

 private:
  void step() {
    ts_ns_ += static_cast<int64_t>(random_() % 60) * kMs;
    const std::string client = "10.0.0." + std::to_string(1 + random_() % 20);
    const std::string server =
        (random_() % 2 ? "192.168.1." : "203.0.113.") + std::to_string(1 + random_() % 9);
    const unsigned port = 1024 + random_() % 300;
    switch (random_() % 7) {
      case 0:
        write(Packet().ethernet().ipv4(client, server, 6).tcp(port, 80, 0x02));
        break;
      case 1:
        write(Packet().ethernet().ipv4(client, server, 6).tcp(port, 443, 0x02));
        write(Packet().ethernet().ipv4(server, client, 6).tcp(443, port, 0x12));
        write(Packet().ethernet().ipv4(client, server, 6).tcp(port, 443, 0x18).text("hello"));
        write(Packet().ethernet().ipv4(server, client, 6).tcp(443, port, 0x14));
        break;
      case 2:
        write(query(client, server, port));
        break;
      case 3:
        write(query(client, server, port));
        write(Packet()
                  .ethernet()
                  .ipv4(server, client, 1)
                  .icmp(kUnreachable, kPortUnreachable)
                  .raw(quoted(client, server, port)));
        break;
      case 4:
        write_fragments(client, server, port);
        break;
      case 5:
        write(arp_reply(port % 3, client));
        ++arp_messages_;
        break;
      default:
        write(Packet().ethernet().ipv4(client, server, 1).icmp(8, 0, port));
        write(Packet().ethernet().ipv4(server, client, 1).icmp(0, 0, port));
    }
  }
  static Packet arp_reply(unsigned station, const std::string& client) {
    const IpAddress address = ip_address(client);
    Packet p;
    p.ethernet(0x0806).be16(1).be16(0x0800).u8(6).u8(4).be16(2);
    p.be32(0x02000000).be16(station).be32(address.v4_host_order());
    return p.zeros(6).be32(address.v4_host_order());
  }
  // In any order, and not always all of them; the lost ones are held to the end or to their
  // timeout.
  void write_fragments(const std::string& client, const std::string& server, unsigned port) {
    Packet large = query(client, server, port);
    Frame whole = large.zeros(random_() % 3000).bytes();
    put_16(&whole, kIpAt + 4, random_() & 0xffff);
    auto parts = fragments_of(whole, kIpAt, 8 + random_() % 60 * 8);
    std::shuffle(parts.begin(), parts.end(), random_);
    if (random_() % 3 == 0) parts.pop_back();
    // Some at the very same time.
    for (const Frame& part : parts) write(part, static_cast<int64_t>(random_() % 3) * 500);
  }
  // The records of the end then share their moment with those of a tick's timers.
  void end_just_before_a_tick() {
    constexpr int64_t kTick = 100 * kMs;
    ts_ns_ = (ts_ns_ / kTick + 2) * kTick - kMs - 1000;
    write(query("10.0.0.1", "192.168.1.1", 1024));
  }
  static Packet query(const std::string& client, const std::string& server, unsigned port) {
    Packet p;
    p.ethernet().ipv4(client, server).udp(port, 53);
    p.be16(7).be16(0x0100).be16(1).be16(0).be16(0).be16(0);
    return p.u8(3).text("www").u8(0).be16(1).be16(1);
  }
  static std::vector<uint8_t> quoted(const std::string& client, const std::string& server,
                                     unsigned port) {
    return Packet().ipv4(client, server).udp(port, 53).bytes();
  }
  void write(const Packet& packet) { write(packet.bytes(), kMs); }
  void write(const std::vector<uint8_t>& bytes, int64_t after_ns) {
    capture::Frame frame{};
    frame.data = bytes.data();
    frame.caplen = frame.origlen = static_cast<uint32_t>(bytes.size());
    frame.ts_ns = ts_ns_ += after_ns;
    frame.link_type = kEthernet;
    REQUIRE(writer_->write(frame).ok());
    ++packets_;
  }

  static constexpr size_t kIpAt = 14;

  std::string path_;
  std::unique_ptr<capture::PcapWriter> writer_;
  std::mt19937 random_{11};
  int64_t ts_ns_ = 1'700'000'000'000 * kMs;
  uint64_t packets_ = 0;
  uint64_t arp_messages_ = 0;
};

// All that one queue gave: rows with their details, then events with their fields.
struct Drained {
  std::vector<uint8_t> rows;
  std::vector<uint8_t> events;
  uint64_t packets = 0;  // of END records
  bool operator==(const Drained& o) const { return rows == o.rows && events == o.events; }
};

void add_batch(const uint8_t* batch, Drained* out) {
  emit::BatchHeader h;
  std::memcpy(&h, batch, sizeof h);
  for (uint32_t i = 0; i < h.n_rows; ++i) {
    emit::FlowRow row;
    std::memcpy(&row, batch + h.rows_offset + i * sizeof row, sizeof row);
    const uint8_t* detail = batch + h.heap_offset + row.heap_offset;
    row.heap_offset = 0;
    const auto* raw = reinterpret_cast<const uint8_t*>(&row);
    out->rows.insert(out->rows.end(), raw, raw + sizeof row);
    out->rows.insert(out->rows.end(), detail, detail + row.heap_bytes);
    if (row.event & emit::flow_events::kEnd) out->packets += row.orig_packets + row.resp_packets;
  }
  out->events.insert(out->events.end(), batch + h.events_offset, batch + h.heap_offset);
}

std::vector<Drained> run(const std::string& path, uint32_t lanes, size_t queue_bytes) {
  engine::Options options;
  options.sources = {path};
  options.lanes = lanes;
  options.shards = 2;
  options.publish = true;
  options.queue_bytes = queue_bytes;
  options.tracker.max_flows = 1 << 16;
  Prefix home;
  REQUIRE(parse_prefix("10.0.0.0/8", &home));
  options.home_net = {home};
  engine::Engine engine(options);
  std::vector<Drained> out(engine.queues());
  std::vector<std::thread> consumers;
  for (size_t q = 0; q < engine.queues(); ++q) {
    consumers.emplace_back([&engine, &out, q] {
      std::vector<uint8_t> buffer(emit::BatchQueue::kMinimumDrainBytes);
      for (int64_t n; (n = engine.drain(q, buffer, 50)) >= 0;) {
        if (n > 0) add_batch(buffer.data(), &out[q]);
      }
    });
  }
  for (std::thread& t : consumers) t.join();
  return out;
}

}  // namespace

TEST_CASE("engine: any number of lanes, and queues that are always full, give the same records") {
  const Traffic traffic;
  const std::vector<Drained> one = run(traffic.path(), 1, 32 << 20);
  REQUIRE(one.size() == 3);
  CHECK(one[2].packets == traffic.ip_packets());
  CHECK(one[0].rows.size() > 100'000);
  CHECK(one[2].events.size() > 100'000);
  for (const uint32_t lanes : {1u, 2u, 3u}) {
    CHECK(run(traffic.path(), lanes, 1) == one);
    CHECK(run(traffic.path(), lanes, 32 << 20) == one);
  }
}

TEST_CASE("engine: a source that is not there is reported, and the run ends") {
  engine::Options options;
  options.sources = {"/nonexistent/capture.pcap"};
  engine::Engine engine(options);
  std::vector<uint8_t> buffer(emit::BatchQueue::kMinimumDrainBytes);
  while (engine.drain(0, buffer, 100) >= 0) {
  }
  const engine::EngineStats stats = engine.stats();
  REQUIRE(stats.sources.size() == 1);
  CHECK(stats.sources[0].kind == engine::SourceReport::Kind::kUnreadable);
  CHECK_FALSE(stats.sources[0].error.empty());
}

TEST_CASE("engine: destroyed in the middle of a run, it lets go of everybody") {
  const Traffic traffic;
  engine::Options options;
  options.sources = {traffic.path()};
  options.lanes = 3;
  options.queue_bytes = 1;
  {
    engine::Engine engine(options);
  }
  engine::Engine stopped(options);
  stopped.stop();
  std::vector<uint8_t> buffer(emit::BatchQueue::kMinimumDrainBytes);
  while (stopped.drain(0, buffer, 100) >= 0) {
  }
  CHECK(stopped.stats().counters[0] <= traffic.packets());
}
