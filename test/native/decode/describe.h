// A view in one line, so that a case of a table is a packet and a sentence:
//
//   gre#7 vlan 5: 10.0.0.1:40000 > 10.0.0.2:53 udp, 5 of 9 bytes, fragment 8+
//   !decoder.ipv4.trunc_pkt
//
// In front of the colon are the encapsulations, outermost first, the innermost identity, and VLANs.
// "no transport" says that the ports are not real. "nothing" is a frame without a network layer.
#pragma once

#include <string>

#include "decode/packet_view.h"

namespace thymus::test {

inline const char* encap_name(decode::Encap encap) {
  constexpr const char* kNames[] = {"none",   "gtpu",   "vxlan",  "gre",    "ipip",  "mpls",
                                    "geneve", "teredo", "erspan", "l2tp",   "pppoe", "ah",
                                    "6in4",   "4in6",   "nvgre",  "capwap", "other"};
  return kNames[static_cast<int>(encap)];
}

inline std::string protocol_name(uint8_t protocol) {
  switch (protocol) {
    case decode::ip_protocol::kTcp:
      return "tcp";
    case decode::ip_protocol::kUdp:
      return "udp";
    case decode::ip_protocol::kIcmp:
      return "icmp";
    case decode::ip_protocol::kIcmpV6:
      return "icmpv6";
    case decode::ip_protocol::kSctp:
      return "sctp";
    default:
      return "protocol " + std::to_string(protocol);
  }
}

inline std::string describe_carriers(const decode::PacketView& v) {
  std::string s;
  for (int i = 0; i < v.n_encap; ++i) {
    s += (i > 0 ? "/" : "") + std::string(encap_name(v.encap[i]));
  }
  if (v.tunnel_id != 0) s += "#" + std::to_string(v.tunnel_id);
  if (v.vlan_outer != decode::kNoVlan) {
    s += (s.empty() ? "vlan " : " vlan ") + std::to_string(v.vlan_outer);
  }
  if (v.vlan_inner != decode::kNoVlan) s += "." + std::to_string(v.vlan_inner);
  return s.empty() ? s : s + ": ";
}

inline std::string describe_ip(const decode::PacketView& v) {
  const bool has_ports = v.src_port != 0 || v.dst_port != 0;
  const auto end = [&](const IpAddress& a, uint16_t port) {
    return to_string(a) + (has_ports ? ":" + std::to_string(port) : "");
  };
  std::string s = end(v.src, v.src_port) + " > " + end(v.dst, v.dst_port) + " ";
  s += protocol_name(v.protocol) + ", " + std::to_string(v.payload_bytes);
  if (v.payload_wire_bytes != v.payload_bytes) s += " of " + std::to_string(v.payload_wire_bytes);
  s += " bytes";
  if (v.is_fragment) {
    s += ", fragment " + std::to_string(v.fragment_offset) + (v.more_fragments ? "+" : "");
  }
  if (!v.transport_ok) s += ", no transport";
  return s;
}

inline std::string describe(const decode::PacketView& v) {
  std::string s = describe_carriers(v);
  if (v.network == decode::Network::kNone) {
    s += "nothing";
  } else if (v.network == decode::Network::kArp) {
    s += "arp " + to_string(v.src) + " > " + to_string(v.dst);
  } else {
    s += describe_ip(v);
  }
  for (int i = 0; i < std::min(v.n_anomalies, decode::PacketView::kMaxAnomalies); ++i) {
    s += std::string(" !") + decode::anomaly_name(v.anomalies[i]);
  }
  return s;
}

}  // namespace thymus::test
