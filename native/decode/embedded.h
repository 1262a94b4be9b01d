// The packet that an ICMP or ICMPv6 error speaks of.
#pragma once

#include "decode/packet_view.h"

namespace thymus::decode {

// Fills `quoted` from the start of a packet that `error` quotes: addresses, protocol, and the ports
// (or ICMP type, code and id) when transport_ok. VLAN and tunnel are those of the error. A router
// quotes as little as 8 bytes of the transport header, so nothing after the ports is to be relied
// on. False, with `quoted` undefined, when nothing is quoted or not even an IP header is there.
bool decode_embedded(const PacketView& error, PacketView* quoted);

}  // namespace thymus::decode
