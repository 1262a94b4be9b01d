// Which kinds of events detectors judge. Others go to the publish queue only, or nowhere.
#pragma once

#include <cstdint>

#include "base/event_writer.h"

namespace thymus::emit {

struct JudgedEvents {
  EventKinds of_ends;   // go to the shards that judge the two ends, as flows do
  EventKinds of_links;  // concern a whole link: go to every shard

  bool has(uint16_t type) const { return of_ends[type] || of_links[type]; }
};

}  // namespace thymus::emit
