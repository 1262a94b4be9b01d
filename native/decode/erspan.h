// Mirrored Ethernet frames over GRE (draft-foschiano-erspan).
#pragma once

#include "decode/layer.h"

namespace thymus::decode {

// Type II, or type I, which has no header and is told by the missing GRE sequence number.
void decode_erspan2(Walk& walk, Layer layer, bool has_sequence);
void decode_erspan3(Walk& walk, Layer layer);

}  // namespace thymus::decode
