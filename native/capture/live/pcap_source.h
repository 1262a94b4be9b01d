// Interfaces through libpcap: for kinds of them that packet sockets do not know ('any', nflog,
// usbmon, bluetooth) and as a second opinion. Each frame is copied once more than by packet rings.
#pragma once

#include <memory>

#include "base/status.h"
#include "capture/live/live_source.h"
#include "capture/source.h"

namespace thymus::capture {

// As open_live, but a name is taken as it is, and what this machine sends is seen too.
Status open_pcap_live(const LiveOptions& options, std::unique_ptr<Source>* out);

}  // namespace thymus::capture
