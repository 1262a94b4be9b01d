#include "decode/embedded.h"

#include <doctest/doctest.h>

#include "decode/describe.h"
#include "decode/samples.h"
#include "support/mangle.h"

namespace thymus::test {
namespace {

decode::PacketView decode(Bytes frame) {
  decode::PacketView view;
  decode::decode_frame(kRawIp, frame, static_cast<uint32_t>(frame.size()), {}, &view);
  return view;
}

// A router's complaint about the first `n` bytes of `about`.
std::vector<uint8_t> unreachable(std::vector<uint8_t> about, size_t n) {
  about.resize(std::min(n, about.size()));
  return Packet().ipv4("10.0.0.9", "10.0.0.1", 1).icmp(3, 3).raw(about).bytes();
}
std::vector<uint8_t> udp_to_dns() {
  return Packet().ipv4("10.0.0.1", "10.0.0.2").udp(40000, 53).text("hello").bytes();
}

TEST_CASE("embedded: finds the ports of a quoted datagram") {
  decode::PacketView quoted;
  REQUIRE(decode_embedded(decode(unreachable(udp_to_dns(), 28)), &quoted));
  CHECK(quoted.src == ip_address("10.0.0.1"));
  CHECK(quoted.dst == ip_address("10.0.0.2"));
  CHECK(quoted.src_port == 40000);
  CHECK(quoted.dst_port == 53);
  CHECK(quoted.protocol == decode::ip_protocol::kUdp);
  CHECK(quoted.transport_ok);
}

TEST_CASE("embedded: eight bytes of TCP are enough, seven are not") {
  const auto syn = Packet().ipv4("10.0.0.1", "10.0.0.2", 6).tcp(40000, 80, 0x02).bytes();
  decode::PacketView quoted;
  REQUIRE(decode_embedded(decode(unreachable(syn, 28)), &quoted));
  CHECK(quoted.transport_ok);
  CHECK(quoted.dst_port == 80);
  REQUIRE(decode_embedded(decode(unreachable(syn, 27)), &quoted));
  CHECK_FALSE(quoted.transport_ok);
}

TEST_CASE("embedded: ICMPv6 quotes IPv6") {
  const auto about = Packet().ipv6("2001:db8::1", "2001:db8::2").udp(40000, 53).bytes();
  const auto error =
      Packet().ipv6("2001:db8::9", "2001:db8::1", 58).icmpv6(1, 4).raw(about).bytes();
  decode::PacketView quoted;
  REQUIRE(decode_embedded(decode(error), &quoted));
  CHECK(quoted.src_port == 40000);
  CHECK(quoted.dst_port == 53);
}

TEST_CASE("embedded: nothing is found where nothing is quoted") {
  decode::PacketView quoted;
  CHECK_FALSE(decode_embedded(decode(unreachable(udp_to_dns(), 19)), &quoted));
  CHECK_FALSE(decode_embedded(decode(udp_to_dns()), &quoted));
}

TEST_CASE("embedded: survives every cut and every changed byte") {
  mangle(unreachable(udp_to_dns(), 33), [](Bytes frame) {
    decode::PacketView quoted;
    const decode::PacketView view = decode(frame);
    if (!decode_embedded(view, &quoted)) return;
    CHECK(quoted.payload_offset + quoted.payload_bytes <= view.caplen);
  });
}

}  // namespace
}  // namespace thymus::test
