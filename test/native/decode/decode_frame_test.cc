#include <doctest/doctest.h>

#include "decode/describe.h"
#include "decode/packet_view.h"
#include "decode/samples.h"
#include "support/mangle.h"

namespace thymus::test {
namespace {

using decode::PacketView;

PacketView decode(uint16_t link_type, Bytes frame, uint32_t origlen = 0,
                  bool verify_checksums = false) {
  PacketView view;
  // Whatever was there before must not show through.
  std::memset(static_cast<void*>(&view), 0xa5, sizeof view);
  decode::decode_frame(link_type, frame, std::max<uint32_t>(origlen, frame.size()),
                       {.verify_checksums = verify_checksums}, &view);
  return view;
}

void check(const std::vector<Sample>& samples) {
  for (const Sample& sample : samples) {
    CAPTURE(sample.name);
    CHECK(describe(decode(sample.link_type, sample.bytes)) == sample.expected);
  }
}

void check_inside(const PacketView& v) {
  const bool is_inside = v.payload_offset <= v.caplen &&
                         v.payload_bytes <= v.caplen - v.payload_offset &&
                         v.payload_bytes <= v.payload_wire_bytes && v.ip_offset <= v.caplen &&
                         v.embedded_offset <= v.caplen && v.n_encap <= decode::kMaxEncapDepth;
  if (!is_inside) FAIL_CHECK(describe(v));
}

TEST_CASE("link: every link type leads to the packet") { check(link_samples()); }
TEST_CASE("network: IPv4, IPv6 and ARP") { check(network_samples()); }
TEST_CASE("transport: every protocol") { check(transport_samples()); }
TEST_CASE("tunnel: the packet inside wins") { check(tunnel_samples()); }

TEST_CASE("decode: survives every cut and every changed byte of every sample") {
  for (const Sample& sample : all_samples()) {
    CAPTURE(sample.name);
    mangle(sample.bytes, [&](Bytes frame) {
      check_inside(decode(sample.link_type, frame, static_cast<uint32_t>(sample.bytes.size())));
      check_inside(decode(sample.link_type, frame, 0, true));
    });
  }
}

TEST_CASE("decode: one packet of each kind has right checksums where they can be verified") {
  for (const Sample& sample : link_samples()) {
    CAPTURE(sample.name);
    CHECK_FALSE(decode(sample.link_type, sample.bytes, 0, true).bad_checksum);
  }
}

TEST_CASE("decode: fills every field of a blank frame") {
  const PacketView v = decode(1, {});
  CHECK(v.network == decode::Network::kNone);
  CHECK(v.caplen == 0);
  CHECK(v.protocol + v.ttl + v.tos + v.src_port + v.dst_port == 0);
  CHECK(v.ip_bytes + v.ip_offset + v.payload_offset + v.payload_bytes + v.payload_wire_bytes == 0);
  CHECK(v.tcp_flags + v.tcp_window + v.tcp_seq + v.tcp_ack + v.tcp_mss == 0);
  CHECK(v.tcp_window_scale == 0xff);
  CHECK(v.icmp_type + v.icmp_code + v.icmp_id + v.embedded_offset == 0);
  CHECK(v.fragment_id + v.fragment_offset + v.is_fragment + v.more_fragments == 0);
  CHECK_FALSE((v.transport_ok || v.bad_checksum || v.has_mac));
  CHECK(v.encap_depth + v.n_encap + v.tunnel_id == 0);
  CHECK(v.tunnel_type == decode::Encap::kNone);
  CHECK(v.vlan_outer == decode::kNoVlan);
  CHECK(v.vlan_inner == decode::kNoVlan);
  for (const IpAddress& a : {v.src, v.dst, v.outer_src, v.outer_dst}) CHECK(a.is_unspecified());
  CHECK(v.src_mac == MacAddress{});
  CHECK(v.dst_mac == MacAddress{});
  CHECK(v.n_anomalies == 1);
}

TEST_CASE("decode: leaves the times and the index to the caller") {
  PacketView v;
  v.ts_ns = 1;
  v.engine_ns = 2;
  v.index = 3;
  decode::decode_frame(1, {}, 0, {}, &v);
  CHECK(v.ts_ns == 1);
  CHECK(v.engine_ns == 2);
  CHECK(v.index == 3);
}

TEST_CASE("decode: a cut capture tells captured payload from payload on the wire") {
  std::vector<uint8_t> b = Packet()
                               .ethernet()
                               .ipv4("10.0.0.1", "10.0.0.2", 6)
                               .tcp(1, 2, 0x18, {1, 1, 1, 1})
                               .zeros(100)
                               .bytes();
  const auto whole = static_cast<uint32_t>(b.size());
  b.resize(14 + 20 + 24 + 10);
  PacketView v = decode(1, b, whole);
  CHECK(v.payload_bytes == 10);
  CHECK(v.payload_wire_bytes == 100);
  CHECK(v.n_anomalies == 0);
  b.resize(14 + 20 + 22);  // in the options
  v = decode(1, b, whole);
  CHECK(v.transport_ok);
  CHECK(v.payload_bytes == 0);
  CHECK(v.payload_wire_bytes == 100);
}

TEST_CASE("tcp: reads what a handshake announces") {
  const PacketView v =
      decode(kRawIp, Packet()
                         .ipv4("10.0.0.1", "10.0.0.2", 6)
                         .tcp(40000, 80, 0x12, {2, 4, 5, 0xb4, 4, 2, 3, 3, 7, 0, 0, 0})
                         .bytes());
  CHECK(v.tcp_mss == 1460);
  CHECK(v.tcp_window_scale == 7);
  CHECK(v.tcp_options == 0x1453);
  CHECK(v.tcp_flags == 0x12);
  CHECK(v.tcp_seq == 1000);
  CHECK(v.tcp_ack == 2000);
  CHECK(v.tcp_window == 8192);
}

TEST_CASE("ip: reads the fields of its header") {
  const PacketView v4 =
      decode(kEthernet, Packet().ethernet().ipv4("10.0.0.1", "10.0.0.2", 1).icmp(8, 3, 77).bytes());
  CHECK(v4.ttl == 64);
  CHECK(v4.tos == 0x10);
  CHECK(v4.ip_bytes == 28);
  CHECK(v4.ip_offset == 14);
  CHECK(v4.icmp_type == 8);
  CHECK(v4.icmp_code == 3);
  CHECK(v4.icmp_id == 77);
  CHECK(v4.fragment_id == 0x1234);
  CHECK(v4.src_mac == MacAddress{2, 0, 0, 0, 0, 1});
  CHECK(v4.dst_mac == MacAddress{2, 0, 0, 0, 0, 2});
  Packet head;
  const PacketView v6 = decode(kRawIp, add_datagram6(head).bytes());
  CHECK(v6.ttl == 61);
  CHECK(v6.tos == 0xab);
  CHECK(v6.ip_bytes == 53);
}

TEST_CASE(
    "tunnel: keeps the outermost addresses, and the stations of the carrier are not its own") {
  Packet p =
      Packet().ethernet().ipv4("192.0.2.1", "192.0.2.2", 4).ipv4("192.0.2.3", "192.0.2.4", 4);
  const PacketView v = decode(kEthernet, add_datagram(p).bytes());
  CHECK(v.outer_src == ip_address("192.0.2.1"));
  CHECK(v.outer_dst == ip_address("192.0.2.2"));
  CHECK(v.encap_depth == 2);
  CHECK_FALSE(v.has_mac);
}

TEST_CASE("tunnel: too deep ends at the deepest carrier that is still read") {
  Packet p;
  for (int i = 0; i < 12; ++i) p.ipv4("192.0.2.1", "192.0.2.2", 4);
  const PacketView v = decode(kRawIp, add_datagram(p).bytes());
  CHECK(v.n_encap == decode::kMaxEncapDepth);
  CHECK(v.protocol == 4);
  CHECK(v.anomalies[0] == decode::Anomaly::kTooManyLayers);
}

TEST_CASE("link: endless tags end") {
  Packet tags = Packet().ethernet(0x8100);
  for (int i = 0; i < 1000; ++i) tags.vlan(5, 0x8100);
  CHECK(decode(kEthernet, tags.bytes()).anomalies[0] == decode::Anomaly::kVlanTooManyLayers);
  Packet etags = Packet().ethernet(0x893f);
  for (int i = 0; i < 10000; ++i) etags.zeros(6).be16(0x893f);
  CHECK(decode(kEthernet, etags.bytes()).anomalies[0] == decode::Anomaly::kTooManyLayers);
}

}  // namespace
}  // namespace thymus::test
