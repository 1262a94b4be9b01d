// Fills a flow's fixed row.
#pragma once

#include "emit/generated/record_layout.h"
#include "flow/flow.h"

namespace thymus::emit {

// Everything but entity keys, roles and heap fields.
void fill_row(const flow::Flow& flow, const flow::FlowExtras& extras, uint8_t events,
              flow::EndReason reason, flow::Moment moment, FlowRow* row);

inline double to_us(int64_t ns) { return static_cast<double>(ns / 1000); }

}  // namespace thymus::emit
