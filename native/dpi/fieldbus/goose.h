// GOOSE (IEC 61850-8-1): what a protection device tells all others, again and again, with a state
// number that changes when what it says does.
#pragma once

#include "base/bytes.h"
#include "base/event_writer.h"

namespace thymus::dpi {

struct Goose {
  uint16_t appid = 0;
  Bytes control_block;  // these three are valid as long as what was read
  Bytes data_set;
  Bytes id;
  uint32_t time_allowed_ms = 0;
  uint32_t state = 0;
  uint32_t sequence = 0;
  uint32_t configuration = 0;
  uint32_t n_entries = 0;
  bool is_test = false;  // simulated
  bool needs_commissioning = false;
};

// Of a frame, from behind its Ethertype. False for what is no GOOSE or is cut.
bool read_goose(Bytes payload, Goose* out);
// Of a datagram (IEC 61850-90-5), whose data unit may hold several messages: the first.
bool read_routable_goose(Bytes datagram, Goose* out);
// Writes the fields of an event that is open.
void put_goose(const Goose& goose, EventWriter* events);

}  // namespace thymus::dpi
