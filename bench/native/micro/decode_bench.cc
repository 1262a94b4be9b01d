// What it costs to decode one frame.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "decode/packet_view.h"
#include "support/packet_builder.h"

namespace {

using thymus::test::Packet;

constexpr uint16_t kEthernet = 1;
constexpr unsigned kIpv6 = 0x86dd, kTcp = 6, kAckPush = 0x18, kVxlanPort = 4789;

void decode(benchmark::State& state, const std::vector<uint8_t>& frame) {
  const thymus::decode::DecodeOptions options;
  thymus::decode::PacketView view;
  for (auto _ : state) {
    thymus::decode::decode_frame(kEthernet, frame, static_cast<uint32_t>(frame.size()), options,
                                 &view);
    benchmark::DoNotOptimize(view);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

Packet tcp_in_ipv4() {
  Packet p;
  p.ethernet().ipv4("10.0.0.1", "192.0.2.1", kTcp).tcp(40000, 443, kAckPush).zeros(64);
  return p;
}

void ethernet_ipv4_tcp(benchmark::State& state) { decode(state, tcp_in_ipv4().bytes()); }

void ethernet_ipv6_tcp(benchmark::State& state) {
  Packet p;
  p.ethernet(kIpv6).ipv6("2001:db8::1", "2001:db8::2", kTcp).tcp(40000, 443, kAckPush).zeros(64);
  decode(state, p.bytes());
}

void vxlan_ipv4_tcp(benchmark::State& state) {
  Packet p;
  p.ethernet().ipv4("198.51.100.1", "198.51.100.2").udp(50000, kVxlanPort);
  p.be32(0x08000000).be32(0x00123400).raw(tcp_in_ipv4().bytes());
  decode(state, p.bytes());
}

BENCHMARK(ethernet_ipv4_tcp);
BENCHMARK(ethernet_ipv6_tcp);
BENCHMARK(vxlan_ipv4_tcp);

}  // namespace
