// What industrial systems say to each other over the ISO transport service: whole transport service
// data units. Each function writes one event when the bytes are a message of its protocol, and
// nothing and false when they are not.
#pragma once

#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/event_writer.h"

namespace thymus::dpi {

// Names of numbers.
struct CotpName {
  uint32_t code;
  std::string_view name;
};
constexpr std::string_view name_of(std::span<const CotpName> names, uint32_t code) {
  for (const CotpName& entry : names) {
    if (entry.code == code) return entry.name;
  }
  return {};
}

// Siemens S7 communication, protocol identifier 0x32.
bool write_s7comm(Bytes unit, EventWriter* events);
// Its successor, protocol identifier 0x72. Contents may be encrypted; the header never is.
bool write_s7comm_plus(Bytes unit, EventWriter* events);
// Manufacturing Message Specification (ISO 9506) behind session (ISO 8327), presentation (ISO 8823)
// and association control (ISO 8650), or without these three where `is_bare_allowed` or where it is
// an initiation.
bool write_mms(Bytes unit, bool is_bare_allowed, EventWriter* events);

}  // namespace thymus::dpi
