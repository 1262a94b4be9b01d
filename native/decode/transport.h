// From a network layer to the transport layer, by IP protocol number.
#pragma once

#include "decode/layers.h"
#include "decode/tcp.h"
#include "decode/udp.h"

namespace thymus::decode {

// Everything but TCP and UDP.
void decode_rare_transport(Walk& walk, Extent extent, uint8_t protocol);

[[gnu::always_inline]] inline void read_transport(Walk& walk, Extent extent, uint8_t protocol) {
  if (protocol == ip_protocol::kTcp) {
    read_tcp(walk, extent);
  } else if (protocol == ip_protocol::kUdp) {
    read_udp(walk, extent);
  } else {
    decode_rare_transport(walk, extent, protocol);
  }
}

}  // namespace thymus::decode
