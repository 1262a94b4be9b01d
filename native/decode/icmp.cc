// ICMP (RFC 792) and ICMPv6 (RFC 4443).
//
//   +----------+----------+----------------+-------------------------------+
//   | type (1) | code (1) | checksum (2)   | rest of header (4)            |
//   +----------+----------+----------------+-------------------------------+
//   echo and the like:                      identifier (2), sequence (2)
//   errors: after the header, the start of the packet that they speak of
#include "decode/checksum.h"
#include "decode/layers.h"
#include "decode/transport_error.h"

namespace thymus::decode {
namespace {

constexpr size_t kType = 0, kCode = 1, kIdentifier = 4;
using IcmpHeader = Header<8>;

// What of the two protocols differs.
struct Rules {
  bool (*is_error)(uint8_t type);
  bool (*has_identifier)(uint8_t type);
  uint8_t ip_version;
  uint32_t ip_header_bytes;
  Anomaly too_small, quote_cut, quote_version;
};

// Destination unreachable, source quench, redirect, time exceeded, parameter problem.
bool is_error_v4(uint8_t type) {
  return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}
// Echo reply and request, and timestamp, information and address mask likewise.
bool has_identifier_v4(uint8_t type) {
  return type == 0 || type == 8 || (type >= 13 && type <= 18);
}
// Destination unreachable, packet too big, time exceeded, parameter problem.
bool is_error_v6(uint8_t type) { return type >= 1 && type <= 4; }
// Echo request and reply.
bool has_identifier_v6(uint8_t type) { return type == 128 || type == 129; }

constexpr Rules kRulesV4{is_error_v4,
                         has_identifier_v4,
                         4,
                         20,
                         Anomaly::kIcmpv4PktTooSmall,
                         Anomaly::kIcmpv4Ipv4TruncPkt,
                         Anomaly::kIcmpv4Ipv4UnknownVer};
constexpr Rules kRulesV6{is_error_v6,
                         has_identifier_v6,
                         6,
                         40,
                         Anomaly::kIcmpv6PktTooSmall,
                         Anomaly::kIcmpv6Ipv6TruncPkt,
                         Anomaly::kIcmpv6Ipv6UnknownVersion};

void note_quoted(PacketView& view, const Layer& quoted, const Rules& rules) {
  constexpr uint32_t kLargestOffset = 0xffff;
  if (quoted.wire_bytes() < rules.ip_header_bytes) {
    view.add_anomaly(rules.quote_cut);
  } else if (quoted.captured_bytes() > 0 && quoted.reader.peek_u8() >> 4 != rules.ip_version) {
    view.add_anomaly(rules.quote_version);
  } else if (quoted.offset() <= kLargestOffset) {
    view.embedded_offset = static_cast<uint16_t>(quoted.offset());
  }
}

void decode_message(Walk& walk, Layer layer, const Rules& rules) {
  const Layer message = layer;
  PacketView& view = walk.view;
  view.icmp_type = layer.reader.peek_u8(kType);
  view.icmp_code = layer.reader.peek_u8(kCode);
  IcmpHeader header;
  if (!header.read(layer.reader)) return broken_transport(walk, message, rules.too_small);
  if (rules.has_identifier(view.icmp_type)) view.icmp_id = header.be16<kIdentifier>();
  view.transport_ok = true;
  set_payload(view, layer);
  if (rules.is_error(view.icmp_type)) note_quoted(view, layer, rules);
}

}  // namespace

void decode_icmp(Walk& walk, Layer layer) {
  if (walk.view.network != Network::kIpv4) walk.view.add_anomaly(Anomaly::kIpv6Icmpv4);
  if (walk.can_verify_transport) verify_icmp(walk, layer);
  decode_message(walk, layer, kRulesV4);
}

void decode_icmpv6(Walk& walk, Layer layer) {
  if (walk.view.network != Network::kIpv6) walk.view.add_anomaly(Anomaly::kIpv4Icmpv6);
  if (walk.can_verify_transport) verify_transport(walk, layer, Anomaly::kBadIcmpChecksum);
  decode_message(walk, layer, kRulesV6);
}

}  // namespace thymus::decode
