#include "fragment/reassembler.h"

#include <random>
#include <string>

#include <doctest/doctest.h>

#include "decode/describe.h"
#include "support/fragmenter.h"
#include "support/mangle.h"
#include "support/packet_builder.h"

using namespace thymus;
using namespace thymus::test;
using decode::PacketView;

namespace {

constexpr uint16_t kEthernet = 1, kRawIp = 101;
constexpr int64_t kSec = 1'000'000'000;
constexpr int64_t kStart = 1'700'000'000 * kSec + 1;

std::string repeated(size_t n) {
  std::string s;
  for (size_t i = 0; i < n; ++i) s += static_cast<char>('a' + (i * 7 + i / 26) % 26);
  return s;
}

struct Seen {
  PacketView view;
  std::string payload;
  bool whole() const { return !view.counts_only; }
};

// A reassembler behind the decoder, as the reader has it.
class Rig final : public fragment::PacketTaker {
 public:
  explicit Rig(fragment::ReassemblerLimits limits = {}, uint16_t link_type = kRawIp,
               bool verify = false)
      : link_type_(link_type),
        options_{.verify_checksums = verify},
        fragments(limits, kReplayHashKey, options_, this) {}

  void feed(Bytes frame, uint32_t cut_bytes = 0) {
    PacketView view;
    decode::decode_frame(link_type_, frame, static_cast<uint32_t>(frame.size()) + cut_bytes,
                         options_, &view);
    fragments.advance(now_ns);
    view.ts_ns = view.engine_ns = now_ns;
    view.index = index_++;
    if (view.is_fragment) {
      fragments.take(view);
    } else {
      on_packet(view);
    }
  }
  void feed(const std::vector<Frame>& frames) {
    for (const Frame& frame : frames) feed(Bytes(frame));
  }
  void on_packet(const PacketView& view) override {
    Seen s{view, {}};
    if (!view.counts_only) s.payload = as_text(view.payload());
    seen.push_back(s);
  }
  const Seen& last() const { return seen.back(); }
  std::vector<std::string> payloads() const {
    std::vector<std::string> out;
    for (const Seen& s : seen) {
      if (s.whole()) out.push_back(s.payload);
    }
    return out;
  }

 private:
  uint16_t link_type_;
  decode::DecodeOptions options_;
  uint64_t index_ = 0;

 public:
  fragment::Reassembler fragments;
  std::vector<Seen> seen;
  int64_t now_ns = kStart;
};

Frame datagram4(const std::string& text) {
  return Packet().ipv4("10.0.0.1", "10.0.0.2").udp(40000, 53).text(text).bytes();
}
Frame datagram6(const std::string& text) {
  return Packet().ipv6("2001:db8::1", "2001:db8::2").udp(40000, 53).text(text).bytes();
}

bool has_anomaly(const PacketView& view, decode::Anomaly anomaly) {
  return std::find(view.anomalies, view.anomalies + PacketView::kMaxAnomalies, anomaly) !=
         view.anomalies + PacketView::kMaxAnomalies;
}
uint64_t with_anomaly(const Rig& rig, decode::Anomaly anomaly) {
  return static_cast<uint64_t>(std::count_if(rig.seen.begin(), rig.seen.end(), [&](const Seen& s) {
    return has_anomaly(s.view, anomaly);
  }));
}

}  // namespace

TEST_CASE("reassembler: gives a datagram of either version as it was") {
  for (const bool v4 : {true, false}) {
    for (const size_t n : {1u, 100u, 1472u, 9000u, 65000u}) {
      const Frame packet = v4 ? datagram4(repeated(n)) : datagram6(repeated(n));
      Rig rig({}, kRawIp, true);
      const auto parts = fragments_of(packet, 0, n < 100 ? 8 : n < 9000 ? 24 : 1480);
      rig.feed(parts);
      REQUIRE(rig.seen.size() == parts.size());
      for (size_t i = 0; i < parts.size(); ++i) {
        const PacketView& view = rig.seen[i].view;
        CHECK(rig.seen[i].whole() == (i + 1 == parts.size()));
        CHECK(view.index == i);
        CHECK(view.origlen == parts[i].size());
        CHECK(view.src_port == 40000);
        CHECK(view.dst_port == 53);
        CHECK(view.is_fragment);
        CHECK_FALSE(view.is_truncated());
      }
      CHECK(rig.last().payload == repeated(n));
      CHECK(rig.last().view.transport_ok);
      CHECK(rig.last().view.ip_bytes == packet.size());
      CHECK(with_anomaly(rig, decode::Anomaly::kBadUdpChecksum) == 0);
      CHECK(rig.fragments.counters().reassembled == 1);
    }
  }
}

TEST_CASE("reassembler: any order gives the same datagram, in the order of the input") {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    const std::string text = repeated(1 + random() % 5000);
    auto parts =
        fragments_of(round % 2 ? datagram4(text) : datagram6(text), 0, 8 + random() % 90 * 8);
    std::shuffle(parts.begin(), parts.end(), random);
    Rig rig;
    rig.feed(parts);
    REQUIRE(rig.seen.size() == parts.size());
    CHECK(rig.last().payload == text);
    for (size_t i = 0; i < parts.size(); ++i) {
      CHECK(rig.seen[i].view.origlen == parts[i].size());
      CHECK(rig.seen[i].view.src_port == 40000);
      CHECK((i == 0 || rig.seen[i - 1].view.index <= rig.seen[i].view.index));
    }
  }
}

TEST_CASE("reassembler: what repeats is ignored, before and after the datagram is complete") {
  const auto parts = fragments_of(datagram4(repeated(100)), 0, 40);
  Rig rig;
  rig.feed({parts[0], parts[0], parts[2], parts[1], parts[1]});
  CHECK(rig.payloads() == std::vector<std::string>{repeated(100)});
  CHECK(rig.seen.size() == 5);
  CHECK(rig.last().view.counts_only);
  CHECK(rig.last().view.dst_port == 53);
  CHECK(rig.fragments.counters().overlaps == 0);
  CHECK(rig.fragments.counters().ignored == 1);
  rig.feed(parts);
  CHECK(rig.payloads().size() == 2);
}

TEST_CASE("reassembler: IPv4 bytes that came first win, and the overlap is named") {
  const Frame packet = datagram4(repeated(100));
  Frame evil = packet;
  for (size_t i = 28; i < evil.size(); ++i) evil[i] = 'X';
  Rig rig;
  rig.feed({fragment4(packet, 0, 0, 40, true), fragment4(evil, 0, 16, 64, true),
            fragment4(packet, 0, 64, 108, false)});
  std::string expected = repeated(100);
  for (size_t i = 40 - 8; i < 64 - 8; ++i) expected[i] = 'X';
  CHECK(rig.last().payload == expected);
  CHECK(rig.fragments.counters().overlaps == 1);
  CHECK(has_anomaly(rig.seen[1].view, decode::Anomaly::kIpv4FragOverlap));
}

TEST_CASE("reassembler: an overlap ends a datagram of IPv6 (RFC 5722)") {
  const Frame packet = datagram6(repeated(100));
  Rig rig;
  rig.feed({fragment6(packet, 0, 0, 40, true), fragment6(packet, 0, 32, 64, true),
            fragment6(packet, 0, 64, 108, false), fragment6(packet, 0, 40, 64, true)});
  CHECK(rig.payloads().empty());
  CHECK(rig.seen.size() == 4);
  CHECK(has_anomaly(rig.seen[1].view, decode::Anomaly::kIpv6FragOverlap));
  Rig again;
  again.feed({fragment6(packet, 0, 0, 40, true), fragment6(packet, 0, 0, 40, true),
              fragment6(packet, 0, 40, 108, false)});
  CHECK(again.payloads() == std::vector<std::string>{repeated(100)});
}

TEST_CASE("reassembler: teardrop and other lies about the end are named and not believed") {
  const Frame packet = datagram4(repeated(100));
  Rig teardrop;
  teardrop.feed({fragment4(packet, 0, 0, 40, true), fragment4(packet, 0, 24, 28, false)});
  CHECK(teardrop.payloads().empty());
  CHECK(with_anomaly(teardrop, decode::Anomaly::kIpv4FragOverlap) == 1);
  Rig beyond;
  beyond.feed({fragment4(packet, 0, 40, 108, false), fragment4(packet, 0, 104, 160, true),
               fragment4(packet, 0, 80, 100, false), fragment4(packet, 0, 0, 40, true)});
  CHECK(beyond.payloads() == std::vector<std::string>{repeated(100)});
  CHECK(with_anomaly(beyond, decode::Anomaly::kIpv4FragOverlap) == 2);
}

TEST_CASE("reassembler: fragments that end beyond the largest packet are not kept") {
  const Frame packet = datagram4(repeated(100));
  Rig rig;
  rig.feed({fragment4(packet, 0, 0, 40, true), fragment4(packet, 0, 65528, 65600, false),
            fragment4(packet, 0, 65504, 65535, false)});
  CHECK(rig.payloads().empty());
  CHECK(rig.fragments.counters().ignored == 1);
  CHECK(has_anomaly(rig.seen[1].view, decode::Anomaly::kIpv4FragPktTooLarge));
}

TEST_CASE("reassembler: a TCP header cut into tiny fragments is whole again") {
  const Frame packet =
      Packet().ipv4("10.0.0.1", "10.0.0.2", 6).tcp(40000, 80, 0x18).text("GET / HTTP/1.1").bytes();
  Rig rig;
  rig.feed(fragments_of(packet, 0, 8));
  CHECK(rig.seen.size() == 5);
  CHECK(rig.seen[1].view.dst_port == 80);
  CHECK(rig.last().view.tcp_flags == 0x18);
  CHECK(rig.last().payload == "GET / HTTP/1.1");
}

TEST_CASE("reassembler: fragments of an echo belong to its exchange") {
  const Frame packet =
      Packet().ipv4("10.0.0.1", "10.0.0.2", 1).icmp(8, 0, 77).text(repeated(50)).bytes();
  Rig rig;
  rig.feed({fragment4(packet, 0, 24, 58, false), fragment4(packet, 0, 0, 24, true)});
  REQUIRE(rig.seen.size() == 2);
  for (const Seen& s : rig.seen) {
    CHECK(s.view.icmp_id == 77);
    CHECK(s.view.icmp_type == 8);
    CHECK(s.view.transport_ok);
  }
}

TEST_CASE("reassembler: what is fragmented outside a tunnel is decoded on inside it") {
  Packet inner;
  inner.ipv4("10.1.0.1", "10.1.0.2").udp(40000, 53).text(repeated(200));
  const Frame ip_in_ip = Packet().ipv4("192.0.2.1", "192.0.2.2", 4).raw(inner.bytes()).bytes();
  const Frame gre =
      Packet().ipv4("192.0.2.1", "192.0.2.2", 47).be16(0).be16(0x0800).raw(inner.bytes()).bytes();
  const Frame vxlan = Packet()
                          .ipv4("192.0.2.1", "192.0.2.2")
                          .udp(50000, 4789)
                          .be32(0x08000000)
                          .be32(7 << 8)
                          .ethernet()
                          .raw(inner.bytes())
                          .bytes();
  for (const Frame& packet : {ip_in_ip, gre, vxlan}) {
    Rig rig;
    rig.feed(fragments_of(packet, 0, 64));
    CHECK(rig.last().payload == repeated(200));
    CHECK(rig.last().view.src == ip_address("10.1.0.1"));
    CHECK(rig.last().view.outer_src == ip_address("192.0.2.1"));
    CHECK(rig.last().view.n_encap == 1);
    CHECK(rig.seen[0].view.src == ip_address("192.0.2.1"));
  }
}

TEST_CASE("reassembler: fragments inside a tunnel keep its identity, and may be fragments twice") {
  const Frame datagram = datagram4(repeated(300));
  std::vector<Frame> outside;
  for (const Frame& part : fragments_of(datagram, 0, 120)) {
    outside.push_back(Packet()
                          .ethernet()
                          .ipv4("192.0.2.1", "192.0.2.2")
                          .udp(50000, 4789)
                          .be32(0x08000000)
                          .be32(7 << 8)
                          .ethernet()
                          .raw(part)
                          .bytes());
  }
  Rig inside({}, kEthernet);
  inside.feed(outside);
  CHECK(inside.last().payload == repeated(300));
  CHECK(inside.last().view.tunnel_id == 7);
  CHECK(inside.last().view.outer_dst == ip_address("192.0.2.2"));

  Rig twice({}, kEthernet);
  for (size_t i = 0; i < outside.size(); ++i) {
    auto parts = fragments_of(outside[i], 14, 48);
    for (Frame& part : parts) put_16(&part, 18, 100 + i);
    twice.feed(parts);
  }
  CHECK(twice.last().payload == repeated(300));
  CHECK(twice.last().view.tunnel_id == 7);
  CHECK(twice.fragments.counters().reassembled == outside.size() + 1);
}

TEST_CASE("reassembler: stations and VLANs of the first fragment are those of the datagram") {
  const Frame packet = Packet()
                           .ethernet(0x8100)
                           .vlan(42)
                           .ipv4("10.0.0.1", "10.0.0.2")
                           .udp(40000, 53)
                           .text(repeated(64))
                           .bytes();
  Rig rig({}, kEthernet);
  rig.feed(fragments_of(packet, 18, 32));
  CHECK(rig.last().payload == repeated(64));
  CHECK(rig.last().view.vlan_outer == 42);
  CHECK(rig.last().view.has_mac);
  CHECK(rig.last().view.src_mac[5] == 1);
}

TEST_CASE("reassembler: without its first fragment a datagram leaves after 30 seconds, unnamed") {
  const auto parts = fragments_of(datagram4(repeated(200)), 0, 64);
  Rig rig;
  rig.feed({parts[1], parts[2]});
  CHECK(rig.seen.empty());
  rig.now_ns += 29 * kSec;
  rig.feed(Bytes(datagram6("x")));
  CHECK(rig.seen.size() == 1);
  rig.now_ns += 3 * kSec;
  rig.feed(Bytes(datagram6("x")));
  REQUIRE(rig.seen.size() == 4);
  CHECK(rig.seen[1].view.index == 0);
  CHECK(rig.seen[2].view.index == 1);
  CHECK(rig.seen[1].view.dst_port == 0);
  CHECK(rig.seen[1].view.ts_ns == kStart);
  CHECK(rig.seen[1].view.engine_ns == 1'700'000'031 * kSec + 1000);
  CHECK(has_anomaly(rig.seen[1].view, decode::Anomaly::kIpv4FragIgnored));
  CHECK(rig.fragments.counters().incomplete == 1);
}

TEST_CASE("reassembler: fragments cut by the snap length leave, the first with what it has") {
  const auto parts = fragments_of(datagram4(repeated(200)), 0, 64);
  Rig rig;
  rig.feed(Bytes(parts[0]).first(60), 24);
  rig.feed(Bytes(parts[1]));
  CHECK(rig.payloads() == std::vector<std::string>{repeated(200).substr(0, 32)});
  CHECK(rig.seen.size() == 2);
  CHECK(rig.last().view.dst_port == 53);
}

TEST_CASE("reassembler: a flood of what is never completed stays within its memory") {
  const fragment::ReassemblerLimits limits{.datagrams = 64, .chunks = 80, .held = 32};
  Rig rig(limits);
  CHECK(rig.fragments.memory_bytes() < 1 << 20);
  std::mt19937 random(3);
  const Frame packet = datagram4(repeated(9000));
  for (int i = 0; i < 20000; ++i) {
    const size_t from = random() % 1100 * 8;
    Frame part = fragment4(packet, 0, from, from + 8 + random() % 100 * 8, true);
    put_16(&part, 4, random() % 5000);
    rig.now_ns += 1'000'000;
    rig.feed(Bytes(part));
  }
  CHECK(rig.fragments.counters().evicted > 1000);
  const auto good = fragments_of(packet, 0, 1480);
  rig.feed(good);
  CHECK(rig.last().payload == repeated(9000));
  CHECK(rig.fragments.finish(rig.now_ns + 1000));
  CHECK(rig.seen.size() == 20000 + good.size());
  int64_t time = 0;
  for (const Seen& s : rig.seen) {
    CHECK(s.view.engine_ns >= time);
    time = s.view.engine_ns;
  }
}

TEST_CASE("reassembler: no damage to a fragment makes it step outside or lose a packet") {
  for (const bool v4 : {true, false}) {
    const auto parts = fragments_of(v4 ? datagram4(repeated(40)) : datagram6(repeated(40)), 0, 16);
    Rig rig({.datagrams = 16, .chunks = 40, .held = 8});
    size_t fed = 0;
    for (const Frame& part : parts) {
      mangle(part, [&](Bytes damaged) {
        rig.now_ns += 1000;
        rig.feed(damaged);
        ++fed;
      });
    }
    rig.fragments.finish(rig.now_ns + 1000);
    CHECK(rig.seen.size() == fed);
  }
}
