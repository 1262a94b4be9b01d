// What a remote desktop client says of itself ([MS-RDPBCGR] 2.2.1.3): blocks in the user data of
// the conference request (T.124), little-endian:
//
//   | type, 2 | length of all, 2 | fields |   types: c001 core, c003 channels
#pragma once

#include "base/bytes.h"
#include "base/event_writer.h"

namespace thymus::dpi {

// Writes the members `client` and `channels` of the rdp event. `connect` is the MCS Connect-Initial
// PDU, of which the end may be missing.
void write_rdp_client(Bytes connect, EventWriter* events);

}  // namespace thymus::dpi
