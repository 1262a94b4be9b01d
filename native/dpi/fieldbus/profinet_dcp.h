// PROFINET discovery and configuration (IEC 61158-6-10, DCP): who stations are, and what is set.
#pragma once

#include <string_view>

#include "base/address.h"
#include "base/bytes.h"
#include "base/event_writer.h"

namespace thymus::dpi {

struct ProfinetDcp {
  uint8_t service = 0;
  uint8_t type = 0;
  uint32_t xid = 0;
  Bytes blocks;  // valid as long as what was read
};

// Of a frame, from behind its Ethertype. The process data of PROFINET have the same Ethertype.
bool is_profinet_dcp(Bytes payload);
// False for what is cut or of an impossible form. REQUIRES: is_profinet_dcp(payload).
bool read_profinet_dcp(Bytes payload, ProfinetDcp* out);
// Writes the fields of an event that is open.
void put_profinet_dcp(const ProfinetDcp& message, EventWriter* events);

}  // namespace thymus::dpi
