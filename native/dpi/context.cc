#include "dpi/context.h"

#include "base/generated/event_ids.h"

namespace thymus::dpi {

void write_anomaly(uint16_t code, EventWriter* events) {
  events->begin(event::kAnomaly);
  events->put(event::anomaly::kCode, code);
  events->end();
}

}  // namespace thymus::dpi
