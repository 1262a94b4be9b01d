// What is left out when packets come faster than they can be worked on, in this order.
#pragma once

#include <cstdint>

namespace thymus::flow {

// Each level does what those before it do. Flows are accounted for at every level: what is lost
// beyond the last one, the source loses and counts.
enum class Shed : uint8_t {
  kNothing,
  kNewInspection,  // no more flows are recognised
  kInspection,     // no flow is looked into
  kElephants,      // packets of flows with many are counted, and their features not updated
};

}  // namespace thymus::flow
