// Community ID v1 (github.com/corelight/community-id-spec): one string for a flow in every tool.
#pragma once

#include <cstdint>

#include "base/address.h"

namespace thymus::flow {

inline constexpr size_t kCommunityIdBytes = 30;  // "1:" and 28 characters of base64

// For ICMP and ICMPv6 the ports are type and code of a message from source to destination.
// Writes kCommunityIdBytes characters, no terminator.
void community_id(uint8_t protocol, const IpAddress& source, const IpAddress& destination,
                  uint16_t source_port, uint16_t destination_port, uint16_t seed, char* out);

// The type that answers an ICMP (or ICMPv6) type, or -1 when the exchange is one-way.
int icmp_counterpart(uint8_t protocol, uint8_t type);

}  // namespace thymus::flow
