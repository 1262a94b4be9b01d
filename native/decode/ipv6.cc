// IPv6 (RFC 8200).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-------+---------------+---------------------------------------+
//   |   6   | traffic class |              flow label               |
//   +-------+---------------+-------+---------------+---------------+
//   |        payload length         |  next header  |   hop limit   |
//   +-------------------------------+---------------+---------------+
//   |                     source address (16)                       |
//   |                   destination address (16)                    |
//   +---------------------------------------------------------------+
//
// Extension headers: next header (1)  length (1, in units of 8 bytes after the first 8) ...
//   routing    ... type (1)  segments left (1)
//   fragment   next header (1)  0 (1)  offset (13 bits) 0 (2) more (1)  identification (4)
#include "decode/ipv6.h"

#include "decode/layers.h"

namespace thymus::decode {
namespace {

constexpr uint32_t kHeaderBytes = 40, kLargestPayload = 65535;

// Segmentation left to the network card, or a jumbogram (RFC 2675), leaves the length zero.
bool has_length_elsewhere(uint16_t payload_length, uint8_t next) {
  return payload_length == 0 &&
         (next == ip_protocol::kTcp || next == ip_protocol::kUdp || next == ip_protocol::kHopByHop);
}

// A header that is an extension unless nothing follows it; then it is the message itself.
bool may_be_last(uint8_t type) {
  return type == ip_protocol::kMobility || type == ip_protocol::kHip || type == ip_protocol::kShim6;
}

// One pass along the chain: the type of the header at the start of `layer`, and what was seen.
struct Chain {
  Walk& walk;
  Layer layer;
  uint8_t type;
  bool has_fragment = false;
  bool has_routing = false;
  bool has_hop_by_hop = false;

  // What the transport header's place holds instead of one.
  void end() {
    walk.view.protocol = type;
    set_payload(walk.view, layer);
  }
  void end_with(Anomaly anomaly) {
    walk.view.add_anomaly(anomaly);
    end();
  }
};

// Each of these moves the chain to the next header, or ends it and answers false.

bool read_options(Chain& chain) {
  Reader reader = chain.layer.reader;
  const uint8_t next = reader.u8();
  const size_t rest = reader.u8() * size_t{8} + 6;
  if (!reader.skip(rest)) {
    chain.end_with(Anomaly::kIpv6TruncExthdr);
    return false;
  }
  if (may_be_last(chain.type) && next == ip_protocol::kNoNext) {
    chain.end();
    return false;
  }
  chain.layer.reader = reader;
  chain.type = next;
  return true;
}

bool read_routing(Chain& chain) {
  constexpr size_t kType = 2, kSegmentsLeft = 3;
  PacketView& view = chain.walk.view;
  if (chain.has_routing) view.add_anomaly(Anomaly::kIpv6ExthdrDuplRh);
  chain.has_routing = true;
  const uint8_t type = chain.layer.reader.peek_u8(kType);
  const uint8_t segments_left = chain.layer.reader.peek_u8(kSegmentsLeft);
  if (!read_options(chain)) return false;
  if (type == 0) view.add_anomaly(Anomaly::kIpv6RhType0);
  // The checksum is made with the final destination, which is not the header's.
  if (segments_left > 0) chain.walk.can_verify_transport = false;
  return true;
}

void check_fragment(PacketView& view, const Layer& rest) {
  if (view.fragment_offset + rest.wire_bytes() > kLargestPayload) {
    view.add_anomaly(Anomaly::kIpv6FragPktTooLarge);
  }
  if (view.more_fragments && rest.wire_bytes() % 8 != 0) {
    view.add_anomaly(Anomaly::kIpv6FragInvalidLength);
  }
}

bool read_fragment(Chain& chain) {
  constexpr size_t kNext = 0, kOffset = 2, kIdentification = 4;
  constexpr uint16_t kOffsetMask = 0xfff8, kMore = 1;
  PacketView& view = chain.walk.view;
  Layer rest = chain.layer;
  Header<8> header;
  if (!header.read(rest.reader)) {
    chain.end_with(Anomaly::kIpv6TruncExthdr);
    return false;
  }
  if (chain.has_fragment) view.add_anomaly(Anomaly::kIpv6ExthdrDuplFh);
  chain.has_fragment = true;
  view.fragment_id = header.be32<kIdentification>();
  view.fragment_offset = header.be16<kOffset>() & kOffsetMask;
  view.more_fragments = header.be16<kOffset>() & kMore;
  chain.layer = rest;
  chain.type = header.u8<kNext>();
  if (view.fragment_offset == 0 && !view.more_fragments) {
    view.add_anomaly(Anomaly::kIpv6ExthdrUselessFh);
    return true;
  }
  view.is_fragment = true;
  set_fragment_data(view, rest);
  chain.walk.can_verify_transport = false;
  check_fragment(view, rest);
  if (view.fragment_offset == 0) return true;
  chain.end();
  return false;
}

bool read_hop_by_hop(Chain& chain) {
  if (chain.has_hop_by_hop) chain.walk.view.add_anomaly(Anomaly::kIpv6ExthdrDuplHh);
  chain.has_hop_by_hop = true;
  return read_options(chain);
}

bool read_extension(Chain& chain) {
  switch (chain.type) {
    case ip_protocol::kHopByHop:
      return read_hop_by_hop(chain);
    case ip_protocol::kRouting:
      return read_routing(chain);
    case ip_protocol::kFragment:
      return read_fragment(chain);
    case ip_protocol::kNoNext:
      if (chain.layer.wire_bytes() == 0) {
        chain.end();
      } else {
        chain.end_with(Anomaly::kIpv6DataAfterNoneHeader);
      }
      return false;
    case ip_protocol::kDestination:
    case ip_protocol::kMobility:
    case ip_protocol::kHip:
    case ip_protocol::kShim6:
      return read_options(chain);
    default:
      chain.walk.view.protocol = chain.type;
      decode_transport(chain.walk, chain.layer, chain.type);
      return false;
  }
}

}  // namespace

void decode_ipv6_chain(Walk& walk, Layer layer, uint8_t type) {
  constexpr int kMaxHeaders = 16;
  Chain chain{walk, layer, type};
  for (int i = 0; i < kMaxHeaders; ++i) {
    if (!read_extension(chain)) return;
  }
  chain.end_with(Anomaly::kTooManyLayers);
}

bool decode_ipv6(Walk& walk, Layer layer) {
  constexpr size_t kVersion = 0, kPayloadLength = 4, kNextHeader = 6, kHopLimit = 7, kSource = 8,
                   kDestination = 24;
  const Layer packet = layer;
  Header<kHeaderBytes> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kIpv6PktTooSmall);
  if (header.u8<kVersion>() >> 4 != 6) return walk.broken(Anomaly::kIpv6WrongIpVersion);

  const uint8_t next = header.u8<kNextHeader>();
  const bool is_offloaded = has_length_elsewhere(header.be16<kPayloadLength>(), next);
  const uint32_t payload = is_offloaded ? layer.wire_bytes() : header.be16<kPayloadLength>();
  PacketView& view = walk.view;
  if (payload > layer.wire_bytes()) view.add_anomaly(Anomaly::kIpv6TruncPkt);
  layer.limit(payload);
  view.network = Network::kIpv6;
  view.src = IpAddress::v6(header.at<kSource, 16>());
  view.dst = IpAddress::v6(header.at<kDestination, 16>());
  view.ttl = header.u8<kHopLimit>();
  view.tos = static_cast<uint8_t>(header.be16<kVersion>() >> 4);
  view.ip_bytes = kHeaderBytes + payload;
  view.ip_offset = packet.offset();
  walk.can_verify_transport = walk.options.verify_checksums && !is_offloaded && layer.is_whole();
  decode_ipv6_chain(walk, layer, next);
  return true;
}

}  // namespace thymus::decode
