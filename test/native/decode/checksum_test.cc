#include "decode/checksum.h"

#include <doctest/doctest.h>

#include "decode/packet_view.h"
#include "decode/samples.h"

namespace thymus::test {
namespace {

using decode::Anomaly;

decode::PacketView verify(const std::vector<uint8_t>& frame, size_t missing = 0) {
  decode::PacketView view;
  const Bytes captured = Bytes(frame).first(frame.size() - missing);
  decode::decode_frame(kRawIp, captured, static_cast<uint32_t>(frame.size()),
                       {.verify_checksums = true}, &view);
  return view;
}

Packet v4(unsigned protocol) { return Packet().ipv4("10.0.0.1", "10.0.0.2", protocol); }
Packet v6(unsigned next) { return Packet().ipv6("2001:db8::1", "2001:db8::2", next); }

TEST_CASE("checksum: right ones pass, a changed last byte fails") {
  struct Case {
    Packet packet;
    Anomaly anomaly;
  };
  const Case cases[] = {
      {v4(6).tcp(1, 2, 0x18).text("hello"), Anomaly::kBadTcpChecksum},
      {v6(6).tcp(1, 2, 0x18).text("hello!"), Anomaly::kBadTcpChecksum},
      {v4(17).udp(1, 2).text("hello"), Anomaly::kBadUdpChecksum},
      {v6(17).udp(1, 2).text("hello"), Anomaly::kBadUdpChecksum},
      {v4(1).icmp(8, 0).text("hello"), Anomaly::kBadIcmpChecksum},
      {v6(58).icmpv6(128, 0).text("hello"), Anomaly::kBadIcmpChecksum},
  };
  for (const Case& c : cases) {
    CHECK_FALSE(verify(c.packet.bytes()).bad_checksum);
    const auto wrong = verify(c.packet.with(c.packet.size() - 1, 'X'));
    CHECK(wrong.bad_checksum);
    CHECK(wrong.anomalies[0] == c.anomaly);
  }
}

TEST_CASE("checksum: a wrong IPv4 header fails") {
  const auto view = verify(v4(89).with(8, 63));
  CHECK(view.bad_checksum);
  CHECK(view.anomalies[0] == Anomaly::kBadIpChecksum);
}

TEST_CASE("checksum: SCTP") {
  Packet p = v4(132).be16(1).be16(2).be32(3).be32(0).text("data");
  std::vector<uint8_t> b = p.bytes();
  const uint32_t crc = decode::crc32c(Bytes(b).subspan(20));
  for (int i = 0; i < 4; ++i) b[28 + i] = static_cast<uint8_t>(crc >> 8 * i);
  CHECK_FALSE(verify(b).bad_checksum);
  b.back() ^= 1;
  CHECK(verify(b).anomalies[0] == Anomaly::kBadSctpChecksum);
}

TEST_CASE("checksum: known values") {
  const std::vector<uint8_t> digits{'1', '2', '3', '4', '5', '6', '7', '8', '9'};
  CHECK(decode::crc32c(digits) == 0xe3069283);  // the check value of CRC-32C
  const std::vector<uint8_t> words{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  CHECK(decode::internet_sum(words) == 0xddf2);  // RFC 1071, section 3
}

TEST_CASE("checksum: what cannot be verified is not wrong") {
  const Packet udp = v4(17).udp(1, 2).text("hello");
  std::vector<uint8_t> no_checksum = udp.with(udp.size() - 1, 'X');
  no_checksum[26] = no_checksum[27] = 0;
  CHECK_FALSE(verify(no_checksum).bad_checksum);
  const Packet tcp = v4(6).tcp(1, 2, 0x18).text("hello");
  CHECK_FALSE(verify(tcp.with(21, 9), 1).bad_checksum);  // the last byte was not captured
}

TEST_CASE("checksum: off unless asked for") {
  const Packet tcp = v4(6).tcp(1, 2, 0x18).text("hello");
  const std::vector<uint8_t> wrong = tcp.with(tcp.size() - 1, 'X');
  decode::PacketView view;
  decode::decode_frame(kRawIp, wrong, static_cast<uint32_t>(wrong.size()), {}, &view);
  CHECK_FALSE(view.bad_checksum);
}

}  // namespace
}  // namespace thymus::test
