// SNAP (RFC 1042) for the links that use it without the LLC header.
#pragma once

#include "decode/layer.h"

namespace thymus::decode {

// `layer` starts at the organisation code.
bool decode_snap(Walk& walk, Layer layer);

}  // namespace thymus::decode
