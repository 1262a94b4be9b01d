// The elements of S1AP and NGAP messages that say who a device is, where it is, and which tunnels
// carry its packets.
#pragma once

#include "dpi/context.h"

namespace thymus::dpi {

// Writes them into the event under construction. `value` is that of the outermost choice: a
// sequence of elements. What cannot be read ends the reading.
void write_s1ap_elements(Bytes value, Context* context);
void write_ngap_elements(Bytes value, Context* context);

}  // namespace thymus::dpi
