// What remains of a transport header that cannot be read. Rare, so out of line.
#pragma once

#include "decode/layer.h"

namespace thymus::decode {

// The header is cut: its ports, the first four bytes of TCP, UDP and SCTP alike, are kept where
// they are there, so that the packet still counts for its flow. `extent` starts at the header.
void cut_transport(Walk& walk, Extent extent, Anomaly anomaly);

// The header contradicts itself: what was read stays, the payload is not told from the header.
void broken_transport(Walk& walk, Extent extent, Anomaly anomaly);

}  // namespace thymus::decode
