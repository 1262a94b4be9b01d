// The chain of IPv6 extension headers, for the decoders that stand inside it.
#pragma once

#include "decode/layer.h"

namespace thymus::decode {

// Goes on with header `type` at the start of `layer`.
void decode_ipv6_chain(Walk& walk, Layer layer, uint8_t type);

}  // namespace thymus::decode
