// The one output of `decode`: what is known of a frame after its headers were read.
#pragma once

#include <cstdint>

#include "base/address.h"
#include "base/bytes.h"
#include "decode/anomaly.h"

namespace thymus::decode {

inline constexpr uint16_t kNoVlan = 0xffff;
inline constexpr int kMaxEncapDepth = 8;
inline constexpr uint8_t kNoWindowScale = 0xff;

// IP protocol numbers that the core knows by name (IANA).
namespace ip_protocol {
inline constexpr uint8_t kHopByHop = 0, kIcmp = 1, kIgmp = 2, kIpIp = 4, kTcp = 6, kUdp = 17,
                         kIpv6 = 41, kRouting = 43, kFragment = 44, kGre = 47, kEsp = 50, kAh = 51,
                         kIcmpV6 = 58, kNoNext = 59, kDestination = 60, kL2tp = 115, kSctp = 132,
                         kUdpLite = 136, kMobility = 135, kHip = 139, kShim6 = 140;
}  // namespace ip_protocol

namespace tcp_flag {
inline constexpr uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kAck = 0x10,
                         kUrg = 0x20, kEce = 0x40, kCwr = 0x80;
}  // namespace tcp_flag

// One value for every way to carry a packet inside another; the record's tunnel_type.
enum class Encap : uint8_t {
  kNone,
  kGtpU,
  kVxlan,
  kGre,
  kIpIp,
  kMpls,
  kGeneve,
  kTeredo,
  kErspan,
  kL2tp,
  kPppoe,
  kAh,
  k6in4,
  k4in6,
  kNvgre,
  kCapwap,
  kOther,
};

// Innermost network layer, or what takes its place.
enum class Network : uint8_t { kNone, kArp, kIpv4, kIpv6, kGoose, kEthercat, kProfinet };

// The kinds of a SYN's first eight options in their order, four bits each, the first lowest: a
// fingerprint of the stack that sent it. A kind is written as itself plus one, 15 for those
// above 13.
struct TcpOptions {
  static constexpr int kMost = 8;
  static constexpr uint32_t kOther = 15;
};

// Plain data, one per frame, written by `decode_frame` from its first byte to its last. Offsets
// count from `frame`. Everything speaks of the innermost packet unless its name says otherwise.
// A broken layer ends decoding: what was decoded stays. `transport_ok` says whether the transport
// header could be read; where it could not, ports are those of its first bytes or 0.
struct PacketView {
  const uint8_t* frame;  // borrowed
  int64_t ts_ns;
  int64_t engine_ns;  // packet time made monotone (flow/packet_clock.h)
  uint64_t index;     // position in the input, from 0
  uint32_t caplen;
  uint32_t origlen;

  IpAddress src;
  IpAddress dst;
  uint16_t src_port;  // ICMP: 0; see icmp_type
  uint16_t dst_port;
  Network network;
  uint8_t protocol;    // IP protocol of the transport header, after IPv6 extensions
  uint8_t ttl;         // or hop limit
  uint8_t tos;         // or traffic class
  uint32_t ip_bytes;   // wire length of the innermost IP packet: its header's claim
  uint32_t ip_offset;  // of the innermost IP header; 0 with network kNone

  uint32_t payload_offset;      // of the transport payload
  uint32_t payload_bytes;       // captured payload
  uint32_t payload_wire_bytes;  // payload that the headers claim

  uint8_t tcp_flags;
  uint8_t tcp_window_scale;  // from the option of a SYN; 0xff when absent
  uint16_t tcp_window;
  uint32_t tcp_seq;
  uint32_t tcp_ack;
  uint32_t tcp_options;  // of a SYN, see TcpOptions; 0 without
  uint16_t tcp_mss;      // from the option of a SYN; 0 when absent
  uint8_t icmp_type;     // ICMP and ICMPv6
  uint8_t icmp_code;
  uint16_t icmp_id;          // of echo and the like, else 0
  uint16_t embedded_offset;  // of the IP header that an ICMP error quotes; 0 when there is none

  uint32_t fragment_id;
  uint32_t fragment_data_offset;      // of this fragment's share of its datagram; 0 in no fragment
  uint32_t fragment_data_bytes;       // captured share
  uint32_t fragment_data_wire_bytes;  // share that the headers claim
  uint16_t fragment_offset;           // bytes
  bool is_fragment;                   // any fragment, the first one too; also what they make
  bool more_fragments;
  // Written by fragment/reassembler.h only.
  bool counts_only;     // a fragment whose datagram's contents come elsewhere: no byte is read
  bool is_reassembled;  // `frame` is a datagram put together; origlen is its last frame's

  bool transport_ok;  // the transport header is whole and was read
  bool bad_checksum;  // of the IP, TCP, UDP, ICMP or SCTP header, where it could be verified
  bool has_mac;
  uint8_t encap_depth;
  Encap tunnel_type;  // innermost encapsulation with an identity, kNone outside tunnels
  uint8_t n_encap;
  Encap encap[kMaxEncapDepth];  // outermost first
  uint32_t tunnel_id;           // TEID, VNI, GRE key, MPLS label, session id; 0 without
  uint16_t vlan_outer;
  uint16_t vlan_inner;
  MacAddress src_mac;
  MacAddress dst_mac;
  // The outermost IP packet of a tunnelled frame (network kNone there means no tunnel).
  IpAddress outer_src;
  IpAddress outer_dst;

  uint8_t n_anomalies;  // more than kMaxAnomalies are counted and not kept
  Anomaly anomalies[4];
  static constexpr uint8_t kMaxAnomalies = 4;

  Bytes payload() const { return {frame + payload_offset, payload_bytes}; }
  bool is_truncated() const { return caplen < origlen && !is_reassembled; }
  bool is_ip() const { return network == Network::kIpv4 || network == Network::kIpv6; }
  // The message, whole or not, is the payload.
  bool is_fieldbus() const { return network >= Network::kGoose; }
  void add_anomaly(Anomaly a) {
    if (n_anomalies < kMaxAnomalies) anomalies[n_anomalies] = a;
    if (n_anomalies < 255) ++n_anomalies;
  }
};

struct DecodeOptions {
  bool verify_checksums = false;  // costs one pass over the packet; sets bad_checksum
};

// Fills every field of `out` but ts_ns, engine_ns and index. `link_type` is a LINKTYPE_ number. An
// unknown one leaves network kNone and anomaly kUnknownLinkType. Never fails, never reads outside
// `frame`.
void decode_frame(uint16_t link_type, Bytes frame, uint32_t origlen, const DecodeOptions& options,
                  PacketView* out);

}  // namespace thymus::decode
