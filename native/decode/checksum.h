// Verification of checksums, on request only. A wrong one sets bad_checksum and its anomaly.
#pragma once

#include "decode/layer.h"

namespace thymus::decode {

// The ones' complement sum (RFC 1071) of `bytes` added to `sum`, folded to 16 bits, not inverted.
uint16_t internet_sum(Bytes bytes, uint64_t sum = 0);

// CRC32c (RFC 9260, appendix A) as SCTP computes it.
uint32_t crc32c(Bytes bytes);

// `packet` starts at the header. A header of which bytes are missing is not verified.
void verify_ipv4_header(Walk& walk, Extent packet, uint32_t header_bytes);

// Of TCP, UDP, UDP-Lite with full coverage and ICMPv6, with the pseudo header of the view's
// addresses and protocol. Does nothing when bytes of `segment` are missing.
void verify_transport(Walk& walk, Extent segment, Anomaly anomaly);

// Of ICMP, which has no pseudo header.
void verify_icmp(Walk& walk, Extent message);

// `packet` starts at the SCTP header.
void verify_sctp(Walk& walk, Extent packet);

}  // namespace thymus::decode
