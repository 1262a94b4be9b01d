#include "flow/segment_sketch.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/packet_builder.h"

using namespace thymus;
using namespace thymus::test;
using flow::SegmentSketch;

namespace {

constexpr int64_t kStartNs = 1'700'000'000'000'000'000;
constexpr unsigned kSyn = 0x02;
constexpr uint16_t kEthernet = 1;
constexpr unsigned kNtp = 123;
const std::string kVictim = "10.0.0.9";

// Keeps the windows of the home prefix 10.0.0.0/8, and their busiest destinations.
class Windows final : public flow::SketchSink {
 public:
  Windows() : home_({prefix()}), sketch_(&home_, this) {}

  void packet(const Packet& packet, int64_t after_ns = 0) {
    const std::vector<uint8_t> bytes = packet.bytes();
    decode::PacketView view;
    decode::decode_frame(kEthernet, bytes, static_cast<uint32_t>(bytes.size()), {}, &view);
    view.ts_ns = view.engine_ns = kStartNs + after_ns;
    view.index = index_++;
    sketch_.count(view);
  }
  // No packet comes until then.
  void wait(int64_t until_ns) {
    for (int64_t ns = 0; ns <= until_ns; ns += 10'000'000) sketch_.advance(kStartNs + ns);
  }
  // Ends the window.
  void finish() { sketch_.finish(); }

  void on_window(const flow::SketchWindow& window) override {
    if (window.segment != 0) return;
    windows.push_back(window);
    windows.back().top = {};
    top.emplace_back(window.top.begin(), window.top.end());
  }

  std::vector<flow::SketchWindow> windows;
  std::vector<std::vector<flow::SketchTop>> top;

 private:
  static Prefix prefix() {
    Prefix home;
    REQUIRE(parse_prefix("10.0.0.0/8", &home));
    return home;
  }

  flow::HomeNet home_;
  SegmentSketch sketch_;
  uint64_t index_ = 0;
};

Packet datagram(const std::string& from, unsigned port) {
  Packet p;
  p.ethernet().ipv4(from, kVictim).udp(port, 40000).zeros(400);
  return p;
}

std::string outside(int n) {
  return "198.51." + std::to_string(n / 250) + "." + std::to_string(n % 250 + 1);
}

}  // namespace

TEST_CASE("segment sketch: a second after connection requests it is told that nothing came") {
  constexpr int64_t kSecond = 1'000'000'000;
  Packet syn;
  syn.ethernet().ipv4(outside(1), kVictim, 6).tcp(50000, 80, kSyn);
  Windows seen;
  seen.packet(syn);
  SUBCASE("while nothing is on the wire") {
    seen.wait(kSecond - 1);
    REQUIRE(seen.windows.size() == 1);
    seen.wait(10 * kSecond);
  }
  SUBCASE("when a packet comes at last") {
    seen.packet(datagram(outside(2), 50000), 20 * kSecond);
    REQUIRE(seen.windows.size() == 2);
  }
  REQUIRE(seen.windows.size() == 2);
  CHECK(seen.windows[1].end_ns == seen.windows[0].end_ns + SegmentSketch::kSettleNs);
  CHECK(seen.windows[1].totals.packets_in == 0);
  CHECK(seen.windows[1].sources == 0);
  CHECK(seen.top[1].empty());
}

TEST_CASE("segment sketch: packets of the next second say themselves that time goes on") {
  Packet syn;
  syn.ethernet().ipv4(outside(1), kVictim, 6).tcp(50000, 80, kSyn);
  Windows seen;
  seen.packet(syn);
  for (int i = 1; i <= 20; ++i) seen.packet(datagram(outside(2), 50000), i * 100'000'000);
  seen.finish();
  CHECK(seen.windows.size() == 21);
}

TEST_CASE("segment sketch: answers of services that amplify are counted apart") {
  Windows seen;
  for (int i = 0; i < 40; ++i) seen.packet(datagram(outside(i), kNtp));
  for (int i = 0; i < 10; ++i) seen.packet(datagram(outside(i), 50000));
  Packet cut;  // no port can be read
  cut.ethernet().ipv4(outside(1), kVictim);
  seen.packet(cut);
  seen.finish();
  REQUIRE(seen.windows.size() == 1);
  const flow::SketchCounts& totals = seen.windows[0].totals;
  const uint64_t frame_bytes = datagram(outside(0), kNtp).size();
  CHECK(totals.udp_packets_in == 51);
  CHECK(totals.reflector_packets_in == 40);
  CHECK(totals.reflector_bytes_in == 40 * frame_bytes);
  REQUIRE(seen.top[0].size() == 1);
  CHECK(seen.top[0][0].counts.reflector_packets_in == 40);
  CHECK(seen.top[0][0].counts.reflector_bytes_in == 40 * frame_bytes);
}

TEST_CASE("segment sketch: many sources of a segment are told, and forgotten with the window") {
  constexpr int kSources = 12'000;
  Windows seen;
  for (int i = 0; i < kSources; ++i) seen.packet(datagram(outside(i), 50000));
  seen.finish();
  seen.packet(datagram(outside(1), 50000));
  seen.finish();
  REQUIRE(seen.windows.size() == 2);
  CHECK(seen.windows[0].sources == doctest::Approx(kSources).epsilon(0.1));
  CHECK(seen.windows[1].sources == 1);
  CHECK(seen.windows[1].totals.packets_in == 1);
}

TEST_CASE("segment sketch: sources count also where destinations are too many to tell apart") {
  Windows seen;
  constexpr int kHosts = 4000;
  for (int i = 0; i < kHosts; ++i) {
    Packet p;
    p.ethernet().ipv4(outside(i),
                      "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250));
    seen.packet(p.udp(50000, 40000));
  }
  seen.finish();
  REQUIRE(seen.windows.size() == 1);
  CHECK(seen.windows[0].destinations_dropped == kHosts - SegmentSketch::kDestinations);
  CHECK(seen.windows[0].sources == doctest::Approx(kHosts).epsilon(0.1));
  CHECK(seen.windows[0].totals.packets_in == kHosts);
}
