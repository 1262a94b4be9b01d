#include "decode/samples.h"

namespace thymus::test {
namespace {

Packet v4(unsigned protocol, const std::vector<uint8_t>& options = {}) {
  return Packet().ipv4("10.0.0.1", "10.0.0.2", protocol, options);
}
Packet v6(unsigned next) { return Packet().ipv6("2001:db8::1", "2001:db8::2", next); }
std::vector<uint8_t> datagram() { return Packet().udp(40000, 53).text("hello").bytes(); }

// A packet of IPv4 whose flags and fragment offset are `fragment`.
std::vector<uint8_t> fragment4(unsigned fragment, const std::vector<uint8_t>& payload) {
  std::vector<uint8_t> b = v4(17).raw(payload).bytes();
  b[6] = static_cast<uint8_t>(fragment >> 8);
  b[7] = static_cast<uint8_t>(fragment);
  return b;
}
Packet fragment6(unsigned next, unsigned offset_and_more) {
  return v6(44).u8(next).u8(0).be16(offset_and_more).be32(77);
}

std::vector<Sample> ipv4_samples() {
  const std::string ends = "10.0.0.1 > 10.0.0.2 ";
  const Packet plain = v4(17).raw(datagram());
  std::vector<uint8_t> padded = plain.bytes();
  padded.resize(46, 0);
  return {
      {"options", kRawIp, v4(17, {0x94, 4, 0, 0}).raw(datagram()).bytes(), kDatagram},
      {"option too long", kRawIp, v4(17, {0x94, 9, 0, 0}).raw(datagram()).bytes(),
       kDatagram + " !decoder.ipv4.opt_invalid_len"},
      {"padding is no payload", kRawIp, padded, kDatagram},
      {"length zero: segmentation was left to the card", kRawIp, plain.with(3, 0), kDatagram},
      {"length beyond the frame", kRawIp, plain.with(2, 1),
       "10.0.0.1:40000 > 10.0.0.2:53 udp, 5 bytes !decoder.ipv4.trunc_pkt "
       "!decoder.udp.len_invalid"},
      {"length below the header", kRawIp, plain.with(3, 19),
       "nothing !decoder.ipv4.iplen_smaller_than_hlen"},
      {"header below 20 bytes", kRawIp, plain.with(0, 0x44),
       "nothing !decoder.ipv4.hlen_too_small"},
      {"wrong version", 228, plain.with(0, 0x65), "nothing !decoder.ipv4.wrong_ip_version"},
      {"cut header", 228, Packet().u8(0x45).zeros(18).bytes(),
       "nothing !decoder.ipv4.pkt_too_small"},
      {"first fragment", kRawIp, fragment4(0x2000, datagram()), kDatagram + ", fragment 0+"},
      {"later fragment", kRawIp, fragment4(0x2001, datagram()),
       ends + "udp, 13 bytes, fragment 8+, no transport"},
      {"last fragment", kRawIp, fragment4(0x0002, datagram()),
       ends + "udp, 13 bytes, fragment 16, no transport"},
      {"fragment beyond the largest packet", kRawIp, fragment4(0x1fff, datagram()),
       ends + "udp, 13 bytes, fragment 65528, no transport !decoder.ipv4.frag_pkt_too_large"},
      {"unknown protocol", kRawIp, v4(89).text("hello").bytes(),
       ends + "protocol 89, 5 bytes, no transport"},
  };
}

std::vector<Sample> ipv6_samples() {
  const std::string ends = "2001:db8::1 > 2001:db8::2 ";
  const std::vector<uint8_t> d = Packet().udp(40000, 53).text("hello").bytes();
  const Packet plain = v6(17).raw(d);
  return {
      {"extension chain", kRawIp,
       v6(0)
           .u8(60)
           .u8(0)
           .zeros(6)
           .u8(43)
           .u8(0)
           .zeros(6)
           .u8(17)
           .u8(0)
           .u8(4)
           .u8(0)
           .zeros(4)
           .raw(d)
           .bytes(),
       kDatagram6},
      {"routing type 0", kRawIp, v6(43).u8(17).u8(0).zeros(6).raw(d).bytes(),
       kDatagram6 + " !decoder.ipv6.rh_type_0"},
      {"extension cut", kRawIp, v6(60).u8(17).u8(9).zeros(6).bytes(),
       ends + "protocol 60, 8 bytes, no transport !decoder.ipv6.trunc_exthdr"},
      {"first fragment", kRawIp, fragment6(17, 0x0001).raw(d).zeros(3).bytes(),
       kDatagram6 + ", fragment 0+"},
      {"later fragment", kRawIp, fragment6(17, 0x0008).raw(d).bytes(),
       ends + "udp, 13 bytes, fragment 8, no transport"},
      {"fragment of odd length", kRawIp, fragment6(17, 0x0009).raw(d).bytes(),
       ends + "udp, 13 bytes, fragment 8+, no transport !decoder.ipv6.frag_invalid_length"},
      {"fragment of one", kRawIp, fragment6(17, 0).raw(d).bytes(),
       kDatagram6 + " !decoder.ipv6.exthdr_useless_fh"},
      {"no next header", kRawIp, v6(59).bytes(), ends + "protocol 59, 0 bytes, no transport"},
      {"data after no next header", kRawIp, v6(59).text("x").bytes(),
       ends + "protocol 59, 1 bytes, no transport !decoder.ipv6.data_after_none_header"},
      {"mobility", kRawIp, v6(135).u8(59).u8(0).zeros(6).bytes(),
       ends + "protocol 135, 8 bytes, no transport"},
      {"wrong version", 229, plain.with(0, 0x45), "nothing !decoder.ipv6.wrong_ip_version"},
      {"cut header", 229, Packet().u8(0x60).zeros(38).bytes(),
       "nothing !decoder.ipv6.pkt_too_small"},
      {"length beyond the frame", kRawIp, plain.with(5, 99),
       kDatagram6 + " !decoder.ipv6.trunc_pkt !decoder.udp.len_invalid"},
  };
}

Packet arp(unsigned protocol) {
  return Packet()
      .ethernet(0x0806)
      .be16(1)
      .be16(protocol)
      .u8(6)
      .u8(4)
      .be16(1)
      .zeros(6)
      .be32(0x0a000001)
      .zeros(6)
      .be32(0x0a000002);
}

}  // namespace

std::vector<Sample> network_samples() {
  std::vector<Sample> all = ipv4_samples();
  for (Sample& sample : ipv6_samples()) all.push_back(sample);
  all.push_back({"ARP", kEthernet, arp(0x0800).zeros(18).bytes(), "arp 10.0.0.1 > 10.0.0.2"});
  all.push_back({"ARP of another protocol", kEthernet, arp(0x809b).bytes(),
                 "nothing !decoder.arp.unsupported_pkt"});
  all.push_back({"ARP cut", kEthernet, Packet().ethernet(0x0806).zeros(27).bytes(),
                 "nothing !decoder.arp.pkt_too_small"});
  return all;
}

}  // namespace thymus::test
