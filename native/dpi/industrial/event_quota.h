// How many events a flow of an industrial protocol may write. Stations are polled for months over
// one connection: what changes something has a share of its own, so that reads never use it up.
#pragma once

#include "base/generated/anomaly_codes.h"
#include "dpi/context.h"
#include "dpi/industrial/operation.h"

namespace thymus::dpi {

// Part of a parser's zeroed state.
class EventQuota {
 public:
  static constexpr uint32_t kMaxOfShare = 20'000;

  // Whether one more event may be written. That none may is said once for each share.
  bool allows(Operation operation, Context* context) {
    uint32_t& n = n_[is_active(operation) ? 1 : 0];
    if (n > kMaxOfShare) return false;
    if (++n <= kMaxOfShare) return true;
    write_anomaly(anomaly_code::kIcsTooManyEvents, context->events);
    return false;
  }
  // The same for an anomaly, which counts with what changes nothing.
  void complain(uint16_t code, Context* context) {
    if (allows(Operation::kOther, context)) write_anomaly(code, context->events);
  }

 private:
  uint32_t n_[2];
};

}  // namespace thymus::dpi
