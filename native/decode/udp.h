// UDP (RFC 768).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-------------------------------+-------------------------------+
//   |          source port          |       destination port        |
//   +-------------------------------+-------------------------------+
//   |       length, of all          |           checksum            |
//   +-------------------------------+-------------------------------+
#pragma once

#include "decode/checksum.h"
#include "decode/layer.h"
#include "decode/transport_error.h"
#include "decode/udp_tunnels.h"

namespace thymus::decode {

[[gnu::always_inline]] inline void read_udp(Walk& walk, Extent extent) {
  constexpr uint32_t kHeaderBytes = 8, kLargestLength = 65535;
  constexpr size_t kSourcePort = 0, kDestinationPort = 2, kLength = 4, kChecksum = 6;
  Extent datagram = extent;
  Header<kHeaderBytes> header;
  if (!walk.read(extent, header)) [[unlikely]] {
    return cut_transport(walk, datagram, Anomaly::kUdpPktTooSmall);
  }
  PacketView& view = walk.view;
  view.src_port = header.be16<kSourcePort>();
  view.dst_port = header.be16<kDestinationPort>();

  const uint32_t available = datagram.wire_bytes();
  uint32_t length = header.be16<kLength>();
  if (length == 0 && available > kLargestLength) length = available;  // jumbogram (RFC 2675)
  if (length < kHeaderBytes) [[unlikely]] {
    return broken_transport(walk, extent, Anomaly::kUdpLenTooSmall);
  }
  if (length < available) {
    if (!view.is_fragment) view.add_anomaly(Anomaly::kUdpLenInvalid);
    datagram.limit(length);
    extent.limit(length - kHeaderBytes);
  } else if (length > available && !view.is_fragment) [[unlikely]] {
    view.add_anomaly(Anomaly::kUdpPktTooSmall);
  }
  if (walk.can_verify_transport && header.be16<kChecksum>() != 0) [[unlikely]] {
    verify_transport(walk, datagram, Anomaly::kBadUdpChecksum);
  }
  view.transport_ok = true;
  set_payload(view, extent);
  if (is_tunnel_port(view.src_port) || is_tunnel_port(view.dst_port)) [[unlikely]] {
    decode_udp_tunnel(walk, extent);
  }
}

}  // namespace thymus::decode
