// Tunnels over UDP by their port (IANA; 8472 is the VXLAN port that Linux chose before that).
#pragma once

#include "decode/layer.h"

namespace thymus::decode {

namespace tunnel_port {
inline constexpr uint16_t kL2tp = 1701, kGtpU = 2152, kTeredo = 3544, kVxlan = 4789,
                          kVxlanGpe = 4790, kCapwapData = 5247, kGeneve = 6081, kMpls = 6635,
                          kVxlanLinux = 8472, kTzsp = 37008;
}  // namespace tunnel_port

inline bool is_tunnel_port(uint16_t port) {
  switch (port) {
    case tunnel_port::kL2tp:
    case tunnel_port::kGtpU:
    case tunnel_port::kTeredo:
    case tunnel_port::kVxlan:
    case tunnel_port::kVxlanGpe:
    case tunnel_port::kCapwapData:
    case tunnel_port::kGeneve:
    case tunnel_port::kMpls:
    case tunnel_port::kVxlanLinux:
    case tunnel_port::kTzsp:
      return true;
    default:
      return false;
  }
}

// `payload` is that of the datagram that the view speaks of. Where it is no tunnel packet
// after all, nothing changes.
void decode_udp_tunnel(Walk& walk, Extent payload);

}  // namespace thymus::decode
