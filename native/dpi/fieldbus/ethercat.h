// EtherCAT (IEC 61158-4-12): a frame of datagrams, each a command to a slave or to all.
#pragma once

#include "base/bytes.h"
#include "base/event_writer.h"

namespace thymus::dpi {

struct Ethercat {
  uint16_t commands = 0;     // bit n: a datagram has command n
  uint16_t n_datagrams = 0;  // whole ones
};

// Of a frame, from behind its Ethertype. False for what is no frame of commands or is cut.
bool read_ethercat(Bytes payload, Ethercat* out);
// Writes the fields of an event that is open.
void put_ethercat(const Ethercat& frame, EventWriter* events);

}  // namespace thymus::dpi
