#include "decode/samples.h"

namespace thymus::test {
namespace {

Packet outer(unsigned protocol) { return Packet().ipv4("192.0.2.1", "192.0.2.2", protocol); }
Packet outer_udp(unsigned port) { return outer(17).udp(50000, port); }

Sample carrying_v4(const std::string& name, Packet head, const std::string& carriers,
                   uint16_t link_type = kRawIp) {
  return {name, link_type, add_datagram(head).bytes(), carriers + ": " + kDatagram};
}
Sample carrying_v6(const std::string& name, Packet head, const std::string& carriers) {
  return {name, kRawIp, add_datagram6(head).bytes(), carriers + ": " + kDatagram6};
}

std::vector<Sample> ip_samples() {
  return {
      carrying_v4("IP in IP", outer(4), "ipip"),
      carrying_v6("6in4", outer(41), "6in4"),
      carrying_v4("4in6", Packet().ipv6("2001:db8::a", "2001:db8::b", 4), "4in6"),
      carrying_v4("EtherIP", outer(97).be16(0x3000).ethernet(), "other"),
      carrying_v4("MPLS in IP", outer(137).be32(0x00010140), "mpls#16"),
      carrying_v4("three deep", outer(4).ipv4("192.0.2.3", "192.0.2.4", 47).be32(0x0800),
                  "ipip/gre"),
      {"IP in IP of another version", kRawIp, outer(4).zeros(24).bytes(),
       "192.0.2.1 > 192.0.2.2 protocol 4, 24 bytes, no transport "
       "!decoder.ipv4.wrong_ip_version"},
      {"AH before UDP", kRawIp,
       outer(51).u8(17).u8(4).zeros(22).udp(40000, 53).text("hello").bytes(),
       "ah: 192.0.2.1:40000 > 192.0.2.2:53 udp, 5 bytes"},
  };
}

std::vector<Sample> gre_samples() {
  const std::string carrier = "192.0.2.1 > 192.0.2.2 protocol 47, ";
  return {
      carrying_v4("GRE", outer(47).be32(0x00000800), "gre"),
      carrying_v6("GRE, IPv6", outer(47).be32(0x000086dd), "gre"),
      carrying_v4("GRE with checksum, key and sequence",
                  outer(47).be32(0xb0000800).be32(0).be32(7).be32(1), "gre#7"),
      carrying_v4("GRE with source routes",
                  outer(47).be32(0x40000800).be32(0).be32(0x08000004).be32(1).be32(0), "gre"),
      carrying_v4("GRE, Ethernet", outer(47).be32(0x20006558).be32(7).ethernet(), "gre#7"),
      carrying_v4("NVGRE", outer(47).be32(0x20006558).be32(0x123456 << 8).ethernet(),
                  "nvgre#1193046"),
      carrying_v4("PPTP", outer(47).be32(0x3001880b).be16(37).be16(9).be32(1).be32(0xff030021),
                  "gre#9"),
      carrying_v4("ERSPAN I", outer(47).be32(0x000088be).ethernet(), "erspan"),
      carrying_v4("ERSPAN II",
                  outer(47).be32(0x100088be).be32(1).be32(0x10050003).be32(0).ethernet(),
                  "erspan#3 vlan 5"),
      carrying_v4(
          "ERSPAN III",
          outer(47).be32(0x100022eb).be32(1).be32(0x20000003).be32(0).be32(1).zeros(8).ethernet(),
          "erspan#3"),
      {"GRE of version 2", kRawIp, outer(47).be32(0x00020800).zeros(20).bytes(),
       carrier + "0 bytes, no transport !decoder.gre.wrong_version"},
      {"GRE cut", kRawIp, outer(47).be16(0).bytes(),
       carrier + "0 bytes, no transport !decoder.gre.pkt_too_small"},
      {"GRE keep-alive", kRawIp, outer(47).be32(0).bytes(), carrier + "4 bytes, no transport"},
  };
}

std::vector<Sample> udp_samples() {
  return {
      carrying_v4("GTP-U", outer_udp(2152).be32(0x30ff0021).be32(0xabcd), "gtpu#43981"),
      carrying_v6("GTP-U with an extension",
                  outer_udp(2152).be32(0x34ff003d).be32(5).be32(0x00000085).raw({1, 0, 9, 0}),
                  "gtpu#5"),
      carrying_v4("VXLAN", outer_udp(4789).be32(0x08000000).be32(7 << 8).ethernet(), "vxlan#7"),
      carrying_v4("VXLAN of Linux, tagged",
                  outer_udp(8472).be32(0x08000000).be32(7 << 8).ethernet(0x8100).vlan(5),
                  "vxlan#7 vlan 5"),
      carrying_v6("VXLAN-GPE", outer_udp(4790).be32(0x0c000002).be32(7 << 8), "vxlan#7"),
      carrying_v4("Geneve", outer_udp(6081).be32(0x01006558).be32(7 << 8).be32(0).ethernet(),
                  "geneve#7"),
      carrying_v6("Teredo", outer_udp(3544), "teredo"),
      carrying_v6("Teredo with authentication and origin",
                  outer_udp(3544).be32(0x00010000).zeros(9).be16(0).be16(1).be32(1), "teredo"),
      carrying_v4("L2TPv2", outer_udp(1701).be16(0x4002).be16(45).be16(3).be16(4).be32(0xff030021),
                  "l2tp#196612"),
      carrying_v4("L2TPv3 with a cookie",
                  outer_udp(1701).be32(0x00030000).be32(9).be32(0x11223344).ethernet(), "l2tp#9"),
      carrying_v4("L2TPv3 in IP", outer(115).be32(9).ethernet(), "l2tp#9"),
      carrying_v4("CAPWAP", outer_udp(5247).be32(0x00100000).be32(0).ethernet(), "capwap"),
      carrying_v4("MPLS in UDP", outer_udp(6635).be32(0x00010140), "mpls#16"),
      carrying_v4("TZSP", outer_udp(37008).be32(0x01000001).u8(1).ethernet(), "other"),
      {"a datagram on a tunnel's port", kRawIp, outer_udp(4789).text("no tunnel at all").bytes(),
       "192.0.2.1:50000 > 192.0.2.2:4789 udp, 16 bytes"},
      {"VXLAN of a frame that is not IP", kRawIp,
       outer_udp(4789).be32(0x08000000).be32(7 << 8).ethernet(0x88cc).zeros(8).bytes(),
       "192.0.2.1:50000 > 192.0.2.2:4789 udp, 30 bytes"},
      {"GTP-U control message", kRawIp, outer_udp(2152).be32(0x30010000).be32(0).bytes(),
       "192.0.2.1:50000 > 192.0.2.2:2152 udp, 8 bytes"},
  };
}

std::vector<Sample> link_level_samples() {
  return {
      carrying_v4("MPLS", Packet().ethernet(0x8847).be32(0x00010040).be32(0x00011140), "mpls#17",
                  kEthernet),
      carrying_v4("pseudowire", Packet().ethernet(0x8847).be32(0x00010140).ethernet(), "mpls#16",
                  kEthernet),
      carrying_v4("pseudowire with control word",
                  Packet().ethernet(0x8847).be32(0x00010140).be32(0).ethernet(), "mpls#16",
                  kEthernet),
      carrying_v4("PPPoE", Packet().ethernet(0x8864).be16(0x1100).be16(9).be16(35).be16(0x0021),
                  "pppoe#9", kEthernet),
      carrying_v4("802.1ah", Packet().ethernet(0x88e7).be32(7).ethernet(), "other#7", kEthernet),
      carrying_v4("NSH", Packet().ethernet(0x894f).be32(0x00020201).be32(0x000005ff), "other#5",
                  kEthernet),
      {"MPLS of unknown content", kEthernet,
       Packet().ethernet(0x8847).be32(0x00010140).be32(0x10000000).bytes(),
       "nothing !decoder.mpls.unknown_payload_type"},
  };
}

}  // namespace

std::vector<Sample> tunnel_samples() {
  std::vector<Sample> all = ip_samples();
  for (Sample& sample : gre_samples()) all.push_back(sample);
  for (Sample& sample : udp_samples()) all.push_back(sample);
  for (Sample& sample : link_level_samples()) all.push_back(sample);
  return all;
}

}  // namespace thymus::test
