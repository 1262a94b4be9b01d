// An ARP or neighbour discovery message as the fields of its event.
#pragma once

#include "base/event_writer.h"
#include "decode/neighbour.h"

namespace thymus::emit {

// Kind of event of a message.
uint16_t neighbour_type(const decode::Neighbour& message);
// Writes the whole event. `previous`: see flow/neighbour_watch.h.
void write_neighbour(const decode::PacketView& view, const decode::Neighbour& message,
                     const MacAddress& previous, EventWriter* fields);

}  // namespace thymus::emit
