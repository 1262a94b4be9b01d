// A GOOSE message or an EtherCAT frame of a link as the fields of its event.
#pragma once

#include "base/event_writer.h"
#include "decode/packet_view.h"
#include "dpi/fieldbus/ethercat.h"
#include "dpi/fieldbus/goose.h"
#include "dpi/fieldbus/profinet_dcp.h"

namespace thymus::emit {

// Each writes the whole event.
void write_goose(const decode::PacketView& view, const dpi::Goose& message, EventWriter* fields);
void write_ethercat(const decode::PacketView& view, const dpi::Ethercat& frame,
                    EventWriter* fields);
void write_profinet(const decode::PacketView& view, const dpi::ProfinetDcp& message,
                    EventWriter* fields);

}  // namespace thymus::emit
