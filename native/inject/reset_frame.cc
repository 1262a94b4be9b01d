#include "inject/reset_frame.h"

#include <cassert>
#include <cstring>

#include "decode/checksum.h"

namespace thymus::inject {

// Appends to a frame that has room for the longest one.
class FrameWriter {
 public:
  explicit FrameWriter(ResetFrame* frame) : frame_(*frame) {}

  size_t size() const { return frame_.size_; }
  Bytes since(size_t at) const { return frame_.bytes().subspan(at); }
  void put(Bytes bytes) {
    assert(bytes.size() <= ResetFrame::kMostBytes - frame_.size_);
    std::memcpy(frame_.bytes_.data() + frame_.size_, bytes.data(), bytes.size());
    frame_.size_ += bytes.size();
  }
  void u8(uint8_t v) { put({&v, 1}); }
  void be16(uint16_t v) {
    u8(static_cast<uint8_t>(v >> 8));
    u8(static_cast<uint8_t>(v));
  }
  void be32(uint32_t v) {
    be16(static_cast<uint16_t>(v >> 16));
    be16(static_cast<uint16_t>(v));
  }
  void put_be16_at(size_t at, uint16_t v) {
    frame_.bytes_[at] = static_cast<uint8_t>(v >> 8);
    frame_.bytes_[at + 1] = static_cast<uint8_t>(v);
  }

 private:
  ResetFrame& frame_;
};

namespace {

using decode::Network;
using decode::PacketView;
namespace tcp_flag = decode::tcp_flag;

constexpr size_t kMacsBytes = 12, kTypeBytes = 2, kTagBytes = 4;
constexpr uint16_t kTcpHeaderBytes = 20;

bool is_single(const MacAddress& mac) { return (mac[0] & 1) == 0; }

bool is_single(const IpAddress& address) {
  if (address.is_v4() && address.v4_host_order() == 0) return false;
  return !address.is_multicast() && !address.is_broadcast() && !address.is_unspecified();
}

size_t link_header_bytes(const PacketView& segment) {
  const size_t n_tags =
      size_t{segment.vlan_outer != decode::kNoVlan} + size_t{segment.vlan_inner != decode::kNoVlan};
  return kMacsBytes + n_tags * kTagBytes + kTypeBytes;
}

// What a reset says of the connection.
struct Reset {
  IpAddress from, to;
  uint16_t from_port, to_port;
  uint32_t sequence, acknowledgment;
  uint8_t flags;
};

// The sender of the segment expects what it acknowledges; where it acknowledges nothing, the reset
// has to acknowledge its segment. Its receiver expects what follows the segment.
Reset reset_for(const PacketView& s, Toward toward) {
  const uint32_t after = s.tcp_seq + segment_length(s);
  const bool has_ack = s.tcp_flags & tcp_flag::kAck;
  if (toward == Toward::kSender) {
    return {s.dst,
            s.src,
            s.dst_port,
            s.src_port,
            has_ack ? s.tcp_ack : 0,
            after,
            tcp_flag::kRst | tcp_flag::kAck};
  }
  const uint8_t flags = has_ack ? tcp_flag::kRst | tcp_flag::kAck : tcp_flag::kRst;
  return {s.src, s.dst, s.src_port, s.dst_port, after, has_ack ? s.tcp_ack : 0, flags};
}

uint16_t inverted(uint16_t sum) { return static_cast<uint16_t>(~sum); }

void put_link(FrameWriter& out, const PacketView& segment, Toward toward, const Link& link) {
  const MacAddress& observed = toward == Toward::kReceiver ? segment.dst_mac : segment.src_mac;
  out.put(link.next_hop ? *link.next_hop : observed);
  out.put(link.own);
  Reader header(Bytes{segment.frame, link_header_bytes(segment)});
  header.skip(link.next_hop ? link_header_bytes(segment) - kTypeBytes : kMacsBytes);
  out.put(header.rest());
}

//   version and header length (1)  service (1)  total length (2)  identification (2)
//   flags and offset (2)  time to live (1)  protocol (1)  checksum (2)  source (4)  destination (4)
void put_ipv4(FrameWriter& out, const Reset& reset, uint8_t ttl) {
  constexpr uint16_t kHeaderBytes = 20, kDontFragment = 0x4000, kChecksum = 10;
  const size_t start = out.size();
  out.u8(0x45);
  out.u8(0);
  out.be16(kHeaderBytes + kTcpHeaderBytes);
  // What may not be fragmented needs no identification (RFC 6864).
  out.be16(0);
  out.be16(kDontFragment);
  out.u8(ttl);
  out.u8(decode::ip_protocol::kTcp);
  out.be16(0);
  out.put(Bytes(reset.from.bytes).subspan(12));
  out.put(Bytes(reset.to.bytes).subspan(12));
  out.put_be16_at(start + kChecksum, inverted(decode::internet_sum(out.since(start))));
}

//   version, class, label (4)  payload length (2)  next header (1)  hop limit (1)  source (16)
//   destination (16)
void put_ipv6(FrameWriter& out, const Reset& reset, uint8_t hop_limit) {
  out.be32(0x60000000);
  out.be16(kTcpHeaderBytes);
  out.u8(decode::ip_protocol::kTcp);
  out.u8(hop_limit);
  out.put(reset.from.bytes);
  out.put(reset.to.bytes);
}

void put_tcp(FrameWriter& out, const Reset& reset) {
  constexpr size_t kChecksum = 16;
  const size_t start = out.size();
  out.be16(reset.from_port);
  out.be16(reset.to_port);
  out.be32(reset.sequence);
  out.be32(reset.acknowledgment);
  out.u8(kTcpHeaderBytes / 4 << 4);
  out.u8(reset.flags);
  out.be16(0);
  out.be16(0);
  out.be16(0);
  // The mapped form of an IPv4 address sums up as its four bytes do.
  const uint64_t pseudo = uint64_t{decode::internet_sum(reset.from.bytes)} +
                          decode::internet_sum(reset.to.bytes) + decode::ip_protocol::kTcp +
                          kTcpHeaderBytes;
  out.put_be16_at(start + kChecksum, inverted(decode::internet_sum(out.since(start), pseudo)));
}

}  // namespace

bool is_answerable(const PacketView& s) {
  if (!s.transport_ok || s.protocol != decode::ip_protocol::kTcp || s.is_fragment) return false;
  if (s.tcp_flags & tcp_flag::kRst) return false;
  if (!s.has_mac || s.n_encap > 0 || s.ip_offset != link_header_bytes(s)) return false;
  return is_single(s.src_mac) && is_single(s.dst_mac) && is_single(s.src) && is_single(s.dst);
}

uint32_t segment_length(const PacketView& s) {
  return s.payload_wire_bytes + ((s.tcp_flags & tcp_flag::kSyn) ? 1u : 0u) +
         ((s.tcp_flags & tcp_flag::kFin) ? 1u : 0u);
}

ResetFrame make_reset(const PacketView& segment, Toward toward, const Link& link, uint8_t ttl) {
  assert(is_answerable(segment));
  ResetFrame frame;
  FrameWriter out(&frame);
  const Reset reset = reset_for(segment, toward);
  put_link(out, segment, toward, link);
  if (segment.network == Network::kIpv4) {
    put_ipv4(out, reset, ttl);
  } else {
    put_ipv6(out, reset, ttl);
  }
  put_tcp(out, reset);
  return frame;
}

}  // namespace thymus::inject
