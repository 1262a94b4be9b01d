// UDP services that answer a small request with much, and so are used to flood whom the request
// names as its sender. After US-CERT alert TA14-017A and what was abused since.
#pragma once

#include <cstdint>

namespace thymus::flow {

constexpr bool is_reflector_port(uint16_t port) {
  switch (port) {
    case 17:     // QOTD
    case 19:     // chargen
    case 53:     // DNS
    case 69:     // TFTP
    case 111:    // portmapper
    case 123:    // NTP
    case 137:    // NetBIOS name service
    case 161:    // SNMP
    case 177:    // XDMCP
    case 389:    // CLDAP
    case 427:    // SLP
    case 520:    // RIP
    case 1434:   // SQL Server resolution
    case 1900:   // SSDP
    case 3283:   // Apple remote management
    case 3389:   // RDP
    case 3702:   // WS-Discovery
    case 5093:   // Sentinel licences
    case 5353:   // mDNS
    case 5683:   // CoAP
    case 10001:  // Ubiquiti discovery
    case 11211:  // memcached
    case 27015:  // game servers
    case 37810:  // DVR discovery
      return true;
    default:
      return false;
  }
}

}  // namespace thymus::flow
