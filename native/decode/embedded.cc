#include "decode/embedded.h"

#include "decode/layers.h"
#include "decode/same_place.h"

namespace thymus::decode {
namespace {

// The least that a router must quote of a transport header (RFC 792).
constexpr uint32_t kQuotedTransportBytes = 8;

bool has_ports(uint8_t protocol) {
  return protocol == ip_protocol::kTcp || protocol == ip_protocol::kUdp ||
         protocol == ip_protocol::kSctp || protocol == ip_protocol::kUdpLite;
}

}  // namespace

bool decode_embedded(const PacketView& error, PacketView* quoted) {
  const uint32_t end = error.payload_offset + error.payload_bytes;
  if (error.embedded_offset == 0 || error.embedded_offset > end) return false;
  *quoted = blank_at_same_place(error);
  const DecodeOptions options;
  Walk walk{*quoted, options, Bytes{error.frame, end}};
  const Extent extent{error.embedded_offset, end, error.payload_offset + error.payload_wire_bytes};
  if (!decode_ip(walk, Layer(walk, extent))) return false;
  const uint32_t transport_bytes = end - std::min(end, quoted->payload_offset);
  if (!quoted->transport_ok && !quoted->is_fragment && has_ports(quoted->protocol)) {
    quoted->transport_ok = transport_bytes >= kQuotedTransportBytes;
  }
  return true;
}

}  // namespace thymus::decode
