// Anomalies: packets and streams that break their protocol's rules. The list is anomalies.def.
#pragma once

#include <cstdint>

namespace thymus::decode {

enum class Anomaly : uint16_t {
#define ANOMALY(id, name, text) id,
#include "decode/anomalies.def"
#undef ANOMALY
  kCount
};

const char* anomaly_name(Anomaly anomaly);

}  // namespace thymus::decode
