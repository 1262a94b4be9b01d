// UDP-Lite (RFC 3828): UDP with the number of bytes that the checksum covers instead of a length.
//
//   source port (2)  destination port (2)  coverage (2)  checksum (2)
#include "decode/checksum.h"
#include "decode/layers.h"
#include "decode/transport_error.h"

namespace thymus::decode {

void decode_udp_lite(Walk& walk, Layer layer) {
  constexpr size_t kSourcePort = 0, kDestinationPort = 2, kCoverage = 4;
  const Layer datagram = layer;
  Header<8> header;
  if (!header.read(layer.reader)) return cut_transport(walk, datagram, Anomaly::kUdpPktTooSmall);
  walk.view.src_port = header.be16<kSourcePort>();
  walk.view.dst_port = header.be16<kDestinationPort>();
  const uint16_t coverage = header.be16<kCoverage>();
  const bool covers_all = coverage == 0 || coverage == datagram.wire_bytes();
  if (walk.can_verify_transport && covers_all) {
    verify_transport(walk, datagram, Anomaly::kBadUdpChecksum);
  }
  walk.view.transport_ok = true;
  set_payload(walk.view, layer);
}

}  // namespace thymus::decode
