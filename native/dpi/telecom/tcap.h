// TCAP (ITU-T Q.773) and, inside of it, MAP (3GPP TS 29.002).
#pragma once

#include "dpi/context.h"

namespace thymus::dpi {

// Writes a transaction's message as the object `tcap` of the event m3ua under construction; nothing
// where `message` begins as none. Operations have names where `is_map` says that they are MAP's.
void write_tcap(Bytes message, bool is_map, Context* context);

}  // namespace thymus::dpi
