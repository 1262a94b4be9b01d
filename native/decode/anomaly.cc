#include "decode/anomaly.h"

namespace thymus::decode {

const char* anomaly_name(Anomaly anomaly) {
  static constexpr const char* kNames[] = {
#define ANOMALY(id, name, text) name,
#include "decode/anomalies.def"
#undef ANOMALY
  };
  return anomaly < Anomaly::kCount ? kNames[static_cast<uint16_t>(anomaly)] : "unknown";
}

}  // namespace thymus::decode
