// IPv4 (RFC 791).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-------+-------+---------------+-------------------------------+
//   |   4   |  IHL  |      TOS      |         total length          |
//   +-------+-------+---------------+-----+-------------------------+
//   |        identification         |0 D M|    fragment offset      |
//   +---------------+---------------+-----+-------------------------+
//   |      TTL      |   protocol    |        header checksum        |
//   +---------------+---------------+-------------------------------+
//   |                        source address                         |
//   +---------------------------------------------------------------+
//   |                      destination address                      |
//   +---------------------------------------------------------------+
//   |                     options (0 to 40 bytes)                   |
#pragma once

#include "decode/checksum.h"
#include "decode/layer.h"
#include "decode/transport.h"

namespace thymus::decode {

void check_ipv4_options(Walk& walk, Reader options);
// `extent` starts after the header.
void read_ipv4_fragment(Walk& walk, Extent extent, uint16_t flags_and_offset);

[[gnu::always_inline]] inline bool read_ipv4(Walk& walk, Extent extent) {
  constexpr uint32_t kHeaderBytes = 20;
  constexpr size_t kVersion = 0, kTos = 1, kTotalLength = 2, kIdentification = 4, kFragment = 6,
                   kTtl = 8, kProtocol = 9, kSource = 12, kDestination = 16;
  constexpr uint16_t kMoreAndOffset = 0x3fff;
  const Extent packet = extent;
  Header<kHeaderBytes> header;
  if (!walk.read(extent, header)) [[unlikely]]
    return walk.broken(Anomaly::kIpv4PktTooSmall);

  const uint32_t header_bytes = (header.u8<kVersion>() & 0x0f) * 4u;
  // Senders that leave segmentation to the network card hand packets of length 0 to a capture.
  const bool is_offloaded = header.be16<kTotalLength>() == 0;
  const uint32_t total = is_offloaded ? packet.wire_bytes() : header.be16<kTotalLength>();
  if (header.u8<kVersion>() >> 4 != 4) [[unlikely]] {
    return walk.broken(Anomaly::kIpv4WrongIpVersion);
  }
  if (header_bytes < kHeaderBytes) [[unlikely]]
    return walk.broken(Anomaly::kIpv4HlenTooSmall);
  if (total < header_bytes) [[unlikely]]
    return walk.broken(Anomaly::kIpv4IplenSmallerThanHlen);

  PacketView& view = walk.view;
  if (total > packet.wire_bytes()) [[unlikely]]
    view.add_anomaly(Anomaly::kIpv4TruncPkt);
  extent.limit(total - kHeaderBytes);
  view.network = Network::kIpv4;
  view.src = IpAddress::v4(header.at<kSource, 4>());
  view.dst = IpAddress::v4(header.at<kDestination, 4>());
  view.protocol = header.u8<kProtocol>();
  view.ttl = header.u8<kTtl>();
  view.tos = header.u8<kTos>();
  view.ip_bytes = total;
  view.ip_offset = packet.begin;
  view.fragment_id = header.be16<kIdentification>();

  if (header_bytes > kHeaderBytes) [[unlikely]] {
    check_ipv4_options(walk, Reader(walk.take_up_to(extent, header_bytes - kHeaderBytes)));
  }
  walk.can_verify_transport = false;
  if (walk.options.verify_checksums) [[unlikely]] {
    verify_ipv4_header(walk, packet, header_bytes);
    walk.can_verify_transport = !is_offloaded && extent.is_whole();
  }
  const uint16_t fragment = header.be16<kFragment>();
  if (fragment & kMoreAndOffset) [[unlikely]] {
    read_ipv4_fragment(walk, extent, fragment);
    if (view.fragment_offset > 0) return true;
  }
  read_transport(walk, extent, view.protocol);
  return true;
}

}  // namespace thymus::decode
