// SCTP (RFC 9260). The chunks are the payload.
//
//   source port (2)  destination port (2)  verification tag (4)  checksum (4)
#include "decode/checksum.h"
#include "decode/layers.h"
#include "decode/transport_error.h"

namespace thymus::decode {

void decode_sctp(Walk& walk, Layer layer) {
  constexpr size_t kSourcePort = 0, kDestinationPort = 2;
  const Layer packet = layer;
  Header<12> header;
  if (!header.read(layer.reader)) return cut_transport(walk, packet, Anomaly::kSctpPktTooSmall);
  walk.view.src_port = header.be16<kSourcePort>();
  walk.view.dst_port = header.be16<kDestinationPort>();
  if (walk.can_verify_transport) verify_sctp(walk, packet);
  walk.view.transport_ok = true;
  set_payload(walk.view, layer);
}

}  // namespace thymus::decode
