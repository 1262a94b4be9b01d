#include "decode/samples.h"

namespace thymus::test {
namespace {

Packet v4(unsigned protocol) { return Packet().ipv4("10.0.0.1", "10.0.0.2", protocol); }
Packet v6(unsigned next) { return Packet().ipv6("2001:db8::1", "2001:db8::2", next); }

const std::string kEnds = "10.0.0.1 > 10.0.0.2 ";
const std::string kPorts = "10.0.0.1:40000 > 10.0.0.2:80 ";
const std::string kEnds6 = "2001:db8::1 > 2001:db8::2 ";
constexpr size_t kTcp = 20;  // where the transport header starts

std::vector<Sample> tcp_samples() {
  const Packet data = v4(6).tcp(40000, 80, 0x18).text("hello");
  return {
      {"TCP", kRawIp, data.bytes(), kPorts + "tcp, 5 bytes"},
      {"TCP options", kRawIp, v4(6).tcp(40000, 80, 0x02, {2, 4, 5, 0xb4, 1, 3, 3, 7}).bytes(),
       kPorts + "tcp, 0 bytes"},
      {"TCP option of length zero", kRawIp, v4(6).tcp(40000, 80, 0x02, {2, 0, 0, 0}).bytes(),
       kPorts + "tcp, 0 bytes !decoder.tcp.opt_invalid_len"},
      {"TCP header below 20 bytes", kRawIp, data.with(kTcp + 12, 0x40),
       kPorts + "tcp, 0 bytes, no transport !decoder.tcp.hlen_too_small"},
      {"TCP header beyond the packet", kRawIp, data.with(kTcp + 12, 0xf0),
       kPorts + "tcp, 0 bytes, no transport !decoder.tcp.invalid_optlen"},
      {"TCP cut after the ports", kRawIp, v4(6).be16(40000).be16(80).be32(1).bytes(),
       kPorts + "tcp, 0 bytes, no transport !decoder.tcp.pkt_too_small"},
      {"TCP cut in the ports", kRawIp, v4(6).be16(40000).bytes(),
       kEnds + "tcp, 0 bytes, no transport !decoder.tcp.pkt_too_small"},
  };
}

std::vector<Sample> udp_samples() {
  const Packet data = v4(17).udp(40000, 80).text("hello");
  return {
      {"UDP shorter than its packet", kRawIp, data.with(kTcp + 5, 10),
       kPorts + "udp, 2 bytes !decoder.udp.len_invalid"},
      {"UDP longer than its packet", kRawIp, data.with(kTcp + 5, 99),
       kPorts + "udp, 5 bytes !decoder.udp.pkt_too_small"},
      {"UDP below its header", kRawIp, data.with(kTcp + 5, 7),
       kPorts + "udp, 0 bytes, no transport !decoder.udp.len_too_small"},
      {"UDP cut", kRawIp, v4(17).be16(40000).be16(80).bytes(),
       kPorts + "udp, 0 bytes, no transport !decoder.udp.pkt_too_small"},
      {"UDP-Lite", kRawIp, v4(136).be16(40000).be16(80).be16(8).be16(0).text("hello").bytes(),
       kPorts + "protocol 136, 5 bytes"},
  };
}

std::vector<Sample> icmp_samples() {
  std::vector<uint8_t> quoted = v4(17).udp(40000, 53).text("hello").bytes();
  quoted.resize(28);
  return {
      {"echo", kRawIp, v4(1).icmp(8, 0, 7).text("hello").bytes(), kEnds + "icmp, 5 bytes"},
      {"unreachable", kRawIp, v4(1).icmp(3, 3).raw(quoted).bytes(), kEnds + "icmp, 28 bytes"},
      {"unreachable with a short quote", kRawIp, v4(1).icmp(3, 3).zeros(9).bytes(),
       kEnds + "icmp, 9 bytes !decoder.icmpv4.ipv4_trunc_pkt"},
      {"unreachable that quotes no IPv4", kRawIp, v4(1).icmp(3, 3).zeros(28).bytes(),
       kEnds + "icmp, 28 bytes !decoder.icmpv4.ipv4_unknown_ver"},
      {"ICMP cut", kRawIp, v4(1).be32(0x08000000).bytes(),
       kEnds + "icmp, 0 bytes, no transport !decoder.icmpv4.pkt_too_small"},
      {"ICMPv6 echo", kRawIp, v6(58).icmpv6(128, 0, 7).text("hello").bytes(),
       kEnds6 + "icmpv6, 5 bytes"},
      {"ICMPv6 in IPv4", kRawIp, v4(58).icmpv6(128, 0, 7).bytes(),
       kEnds + "icmpv6, 0 bytes !decoder.ipv4.icmpv6"},
      {"ICMPv6 too big", kRawIp,
       v6(58).icmpv6(2, 0).raw(v6(6).tcp(40000, 80, 0x10).bytes()).bytes(),
       kEnds6 + "icmpv6, 60 bytes"},
  };
}

}  // namespace

std::vector<Sample> transport_samples() {
  std::vector<Sample> all = tcp_samples();
  for (Sample& sample : udp_samples()) all.push_back(sample);
  for (Sample& sample : icmp_samples()) all.push_back(sample);
  all.push_back({"SCTP", kRawIp, v4(132).be16(40000).be16(80).zeros(8).text("hello").bytes(),
                 kPorts + "sctp, 5 bytes"});
  all.push_back({"SCTP cut", kRawIp, v4(132).be16(40000).be16(80).bytes(),
                 kPorts + "sctp, 0 bytes, no transport !decoder.sctp.pkt_too_small"});
  all.push_back({"ESP", kRawIp, v4(50).be32(1).be32(2).text("hello").bytes(),
                 kEnds + "protocol 50, 13 bytes, no transport"});
  all.push_back({"ESP cut", kRawIp, v4(50).be32(1).bytes(),
                 kEnds + "protocol 50, 0 bytes, no transport !decoder.esp.pkt_too_small"});
  return all;
}

}  // namespace thymus::test
