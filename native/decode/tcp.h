// TCP (RFC 9293).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-------------------------------+-------------------------------+
//   |          source port          |       destination port        |
//   +-------------------------------+-------------------------------+
//   |                        sequence number                        |
//   +---------------------------------------------------------------+
//   |                     acknowledgment number                     |
//   +-------+-------+---------------+-------------------------------+
//   | offset| 0     | flags         |            window             |
//   +-------+-------+---------------+-------------------------------+
//   |           checksum            |        urgent pointer         |
//   +-------------------------------+-------------------------------+
//   |                      options (0 to 40 bytes)                  |
#pragma once

#include "decode/checksum.h"
#include "decode/layer.h"
#include "decode/transport_error.h"

namespace thymus::decode {

// Maximum segment size (RFC 9293) and window scale (RFC 7323) of a SYN.
void read_syn_options(Walk& walk, Reader options);

[[gnu::always_inline]] inline void read_tcp(Walk& walk, Extent extent) {
  constexpr uint32_t kHeaderBytes = 20;
  constexpr size_t kSourcePort = 0, kDestinationPort = 2, kSequence = 4, kAcknowledgment = 8,
                   kOffset = 12, kFlags = 13, kWindow = 14;
  const Extent segment = extent;
  Header<kHeaderBytes> header;
  if (!walk.read(extent, header)) [[unlikely]] {
    return cut_transport(walk, segment, Anomaly::kTcpPktTooSmall);
  }
  PacketView& view = walk.view;
  view.src_port = header.be16<kSourcePort>();
  view.dst_port = header.be16<kDestinationPort>();
  view.tcp_seq = header.be32<kSequence>();
  view.tcp_ack = header.be32<kAcknowledgment>();
  view.tcp_flags = header.u8<kFlags>();
  view.tcp_window = header.be16<kWindow>();

  const uint32_t header_bytes = (header.u8<kOffset>() >> 4) * 4u;
  if (header_bytes < kHeaderBytes) [[unlikely]] {
    return broken_transport(walk, extent, Anomaly::kTcpHlenTooSmall);
  }
  if (header_bytes > segment.wire_bytes()) [[unlikely]] {
    return broken_transport(walk, extent, Anomaly::kTcpInvalidOptlen);
  }
  if (walk.can_verify_transport) [[unlikely]] {
    verify_transport(walk, segment, Anomaly::kBadTcpChecksum);
  }
  const Bytes options = walk.take_up_to(extent, header_bytes - kHeaderBytes);
  if ((view.tcp_flags & tcp_flag::kSyn) && !options.empty()) {
    read_syn_options(walk, Reader(options));
  }
  view.transport_ok = true;
  view.payload_offset = extent.begin;
  view.payload_bytes = extent.captured_bytes();
  view.payload_wire_bytes = segment.wire_bytes() - header_bytes;
}

}  // namespace thymus::decode
