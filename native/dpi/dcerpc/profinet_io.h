// The context management of PROFINET IO (IEC 61158-6-10): calls over connectionless DCE/RPC with
// which a controller takes a device, reads and writes its records.
#pragma once

#include "base/bytes.h"
#include "dpi/industrial/operation.h"

namespace thymus::dpi {

// Of interfaces dea00001 to dea00004 of PROFINET IO.
struct ProfinetIoCall {
  bool is_there;    // the call is one of PROFINET IO
  bool has_record;  // it reads or writes the record `index` of a slot
  uint16_t opnum;
  uint16_t slot;
  uint16_t subslot;
  uint16_t index;
};

// Whether a UUID, as it is sent, is that of an interface of PROFINET IO.
bool is_profinet_io(Bytes uuid, bool is_little);
// What a request with that stub does.
ProfinetIoCall read_profinet_io(uint16_t opnum, Bytes stub);
Service profinet_io_service(uint16_t opnum);

}  // namespace thymus::dpi
