#include "dpi/context.h"

#include "base/generated/events/anomaly.h"

namespace thymus::dpi {

void write_anomaly(uint16_t code, EventWriter* events) {
  events->begin(event::kAnomaly, Side::kPacket);
  events->put(event::anomaly::kCode, code);
  events->end();
}

void write_tx_anomaly(uint16_t code, uint64_t tx_id, Side side, EventWriter* events) {
  events->begin(event::kAnomaly, side);
  events->put(event::anomaly::kCode, code);
  events->put(event::anomaly::kTxId, tx_id);
  events->end();
}

}  // namespace thymus::dpi
