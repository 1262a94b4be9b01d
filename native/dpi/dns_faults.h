// What is wrong with one DNS message: a set of the anomalies that anomalies.def names applayer.dns.
#pragma once

#include <cstdint>

#include "base/event_writer.h"
#include "base/generated/anomaly_codes.h"
#include "dpi/context.h"

namespace thymus::dpi {

class DnsFaults {
 public:
  // `code` is one of anomaly_code::kDns...
  void add(uint16_t code) { bits_ |= 1u << (code - kFirst); }
  void add(const DnsFaults& others) { bits_ |= others.bits_; }
  bool has(uint16_t code) const { return (bits_ >> (code - kFirst) & 1u) != 0; }
  bool empty() const { return bits_ == 0; }
  // One anomaly event each.
  void write(EventWriter* events) const {
    for (uint16_t code = kFirst; code <= kLast; ++code) {
      if (has(code)) write_anomaly(code, events);
    }
  }

 private:
  static constexpr uint16_t kFirst = anomaly_code::kDnsMalformedData;
  static constexpr uint16_t kLast = anomaly_code::kDnsInvalidAdditionals;
  static_assert(kLast > kFirst && kLast - kFirst < 32);

  uint32_t bits_ = 0;
};

}  // namespace thymus::dpi
