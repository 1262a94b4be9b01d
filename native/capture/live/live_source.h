// Interfaces of this machine as one source, for as long as somebody watches.
//
// An interface may go down, come up, vanish and come back: the source goes on with the others and
// opens it again. Frames of one interface come in order; those of several come block by block, and
// the engine clock evens out the few milliseconds between them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "capture/live/packet_ring.h"
#include "capture/source.h"

namespace thymus::capture {

struct LiveOptions {
  std::vector<std::string> interfaces;  // names, or patterns with '*' and '?'
  RingOptions ring;                     // of each
};

// Opens what the patterns name. Fails with one sentence for the user when one of them may not be
// watched; an interface that is not there yet is none.
Status open_live(const LiveOptions& options, std::unique_ptr<Source>* out);

}  // namespace thymus::capture
