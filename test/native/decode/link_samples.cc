#include "decode/samples.h"

namespace thymus::test {
namespace {

Sample with_v4(const std::string& name, uint16_t link_type, Packet head,
               const std::string& prefix = "") {
  return {name, link_type, add_datagram(head).bytes(), prefix + kDatagram};
}
Sample with_v6(const std::string& name, uint16_t link_type, Packet head,
               const std::string& prefix = "") {
  return {name, link_type, add_datagram6(head).bytes(), prefix + kDatagram6};
}

Packet sll(unsigned protocol) { return Packet().be16(0).be16(1).be16(6).zeros(8).be16(protocol); }
Packet sll2(unsigned protocol) {
  return Packet().be16(protocol).be16(0).be32(2).be16(1).u8(0).u8(6).zeros(8);
}
Packet snap(Packet head, unsigned type) { return head.raw({0xaa, 0xaa, 0x03, 0, 0, 0}).be16(type); }
// Data from the network, so that address 3 is the source.
Packet wlan(unsigned subtype, unsigned flags) {
  return Packet().u8(0x08 | subtype).u8(flags).be16(0).zeros(18).be16(0);
}
Packet radiotap(unsigned length) {
  return Packet().u8(0).u8(0).le16(length).le32(0).zeros(length - 8);
}
Packet nflog() {
  return Packet().u8(2).u8(0).be16(0).le16(8).le16(1).zeros(4).le16(4 + 33).le16(9);
}

std::vector<Sample> ethernet_samples() {
  Packet stations;
  stations.zeros(12);
  return {
      with_v4("ethernet", 1, Packet().ethernet()),
      with_v6("ethernet, IPv6", 1, Packet().ethernet(0x86dd)),
      with_v4("802.1Q", 1, Packet().ethernet(0x8100).vlan(0x6005), "vlan 5: "),
      with_v4("QinQ", 1, Packet().ethernet(0x88a8).vlan(5, 0x8100).vlan(6), "vlan 5.6: "),
      with_v4("three tags", 1, Packet().ethernet(0x9100).vlan(5, 0x8100).vlan(6, 0x8100).vlan(7),
              "vlan 5.6: "),
      with_v4("802.3 SNAP", 1, snap(Packet().ethernet(41), 0x0800)),
      with_v4("802.3 LLC", 1, Packet().ethernet(36).raw({0x06, 0x06, 0x03})),
      with_v4("VN-tag", 1, Packet().ethernet(0x8926).be32(0).be16(0x0800)),
      with_v4("E-tag", 1, Packet().ethernet(0x893f).zeros(6).be16(0x0800)),
      with_v4("FabricPath", 1, Packet().ethernet(0x8903).be16(1).ethernet()),
      with_v4("Cisco metadata", 1, Packet().ethernet(0x8909).zeros(6).be16(0x0800)),
      with_v4("DSA", 284, Packet(stations).be32(0).be16(0x0800)),
      with_v4("EDSA", 285, Packet(stations).be16(0xdada).be16(0).be32(0).be16(0x0800)),
      with_v4("Broadcom tag", 281, Packet(stations).be32(0).be16(0x0800)),
      with_v4("Broadcom tag before", 282, Packet().be32(0).ethernet()),
      {"spanning tree", 1, Packet().ethernet(7).raw({0x42, 0x42, 0x03, 0, 0, 0, 0}).bytes(),
       "nothing"},
      {"cut ethernet", 1, Packet().zeros(13).bytes(), "nothing !decoder.ethernet.pkt_too_small"},
      {"cut tag", 1, Packet().ethernet(0x8100).be16(5).bytes(),
       "nothing !decoder.vlan.header_too_small"},
  };
}

std::vector<Sample> serial_samples() {
  return {
      with_v4("PPP", 9, Packet().be16(0x0021)),
      with_v6("PPP, IPv6", 9, Packet().be16(0x0057)),
      with_v4("PPP, framed", 9, Packet().be16(0xff03).be16(0x0021)),
      with_v4("PPP, short protocol", 9, Packet().u8(0x21)),
      with_v4("PPP_HDLC", 50, Packet().be16(0xff03).be16(0x0021)),
      with_v4("PPP_HDLC, Cisco", 50, Packet().be16(0x0f00).be16(0x0800)),
      with_v4("PPP_ETHER", 51, Packet().be16(0x1100).be16(9).be16(35).be16(0x0021), "pppoe#9: "),
      with_v4("PPP_PPPD", 166, Packet().be16(0x0003).be16(0x0021)),
      with_v4("PPP_WITH_DIR", 204, Packet().u8(1).be16(0xff03).be16(0x0021)),
      with_v4("C_HDLC", 104, Packet().be16(0x0f00).be16(0x0800)),
      with_v4("frame relay", 107, Packet().be16(0x1841).u8(0x03).u8(0xcc)),
      with_v6("frame relay, IPv6", 107, Packet().be16(0x1841).u8(0x03).u8(0x8e)),
      with_v4("frame relay, SNAP", 107,
              Packet().be16(0x1841).be16(0x0300).u8(0x80).zeros(3).be16(0x0800)),
      with_v4("frame relay, Cisco", 107, Packet().be16(0x1841).be16(0x0800)),
      with_v4("SLIP", 8, Packet().zeros(16)),
      with_v4("ARCNET", 7, Packet().be16(0x0102).u8(212).zeros(3)),
      with_v6("ARCNET of Linux", 129, Packet().be16(0x0102).be16(0).u8(196).zeros(3)),
      with_v4("ARCNET of RFC 1051", 129, Packet().be16(0x0102).be16(0).u8(240)),
      with_v4("ATM, LLC", 123, snap(Packet().u8(2).zeros(3), 0x0800)),
      with_v4("ATM, LAN emulation", 123, Packet().u8(1).zeros(5).ethernet()),
      {"PPP, link control", 9, Packet().be16(0xc021).be32(0x01010004).bytes(), "nothing"},
  };
}

std::vector<Sample> wireless_samples() {
  return {
      with_v4("802.11", 105, snap(wlan(0x00, 0x02), 0x0800)),
      with_v4("802.11 QoS", 105, snap(wlan(0x80, 0x02).be16(0), 0x0800)),
      with_v4("802.11 four addresses", 105, snap(wlan(0x00, 0x03).zeros(6), 0x0800)),
      with_v4("802.11 aggregate", 105,
              snap(wlan(0x80, 0x01).le16(0x80).zeros(12).be16(41), 0x0800)),
      {"802.11 encrypted", 105, snap(wlan(0, 0x42), 0x0800).zeros(40).bytes(), "nothing"},
      with_v4("radiotap", 127, snap(radiotap(18).raw(wlan(0, 0x02).bytes()), 0x0800)),
      with_v4("Prism", 119,
              snap(Packet().be32(0x44).zeros(140).raw(wlan(0, 0x02).bytes()), 0x0800)),
      with_v4("AVS", 163,
              snap(Packet().be32(0x80211001).be32(64).zeros(56).raw(wlan(0, 2).bytes()), 0x0800)),
      with_v4("PPI", 192, snap(Packet().be16(0).le16(8).le32(105).raw(wlan(0, 2).bytes()), 0x0800)),
  };
}

std::vector<Sample> host_samples() {
  return {
      with_v4("NULL, little-endian", 0, Packet().le32(2)),
      with_v4("NULL, big-endian", 0, Packet().be32(2)),
      with_v6("NULL, Darwin", 0, Packet().le32(30)),
      with_v6("LOOP, OpenBSD", 108, Packet().be32(24)),
      {"NULL, unknown family", 0, Packet().le32(77).zeros(20).bytes(),
       "nothing !decoder.ltnull.unsupported_type"},
      with_v4("RAW 12", 12, Packet()),
      with_v6("RAW 14", 14, Packet()),
      with_v4("RAW", 101, Packet()),
      with_v4("IPV4", 228, Packet()),
      with_v6("IPV6", 229, Packet()),
      {"RAW, no IP", 101, Packet().zeros(20).bytes(), "nothing !decoder.ipraw.invalid_ip_version"},
      with_v4("SLL", 113, sll(0x0800)),
      with_v6("SLL, IPv6", 113, sll(0x86dd)),
      with_v4("SLL, VLAN", 113, sll(0x8100).vlan(5), "vlan 5: "),
      with_v4("SLL2", 276, sll2(0x0800)),
      with_v4("NFLOG", 239, nflog()),
      with_v4("ENC", 109, Packet().zeros(12)),
      with_v4("PFLOG", 117, Packet().u8(61).zeros(63)),
      with_v4("Juniper", 178, Packet().u8(0x4d).be16(0x4743).u8(0x80).be16(3).zeros(3).ethernet()),
      {"unknown link type", 60000, Packet().zeros(64).bytes(),
       "nothing !decoder.unknown_link_type"},
  };
}

void append(std::vector<Sample>* to, const std::vector<Sample>& more) {
  to->insert(to->end(), more.begin(), more.end());
}

}  // namespace

std::vector<Sample> link_samples() {
  std::vector<Sample> all = ethernet_samples();
  append(&all, serial_samples());
  append(&all, wireless_samples());
  append(&all, host_samples());
  return all;
}

std::vector<Sample> all_samples() {
  std::vector<Sample> all = link_samples();
  append(&all, network_samples());
  append(&all, transport_samples());
  append(&all, tunnel_samples());
  return all;
}

}  // namespace thymus::test
