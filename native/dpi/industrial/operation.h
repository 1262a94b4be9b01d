// What a command of an industrial protocol asks of a device, in the same words for all of them.
// Every event of such a protocol has it as `operation`.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/event_writer.h"

namespace thymus::dpi {

enum class Operation : uint8_t {
  kOther,
  kRead,      // values, files, events
  kWrite,     // values, files, settings
  kControl,   // switches, starts, stops and restarts; acts on the process or on a device's state
  kProgram,   // transfers or changes what a device runs
  kIdentify,  // finds devices and asks what they are
};

constexpr std::string_view name_of(Operation operation) {
  constexpr std::string_view kNames[] = {"other",   "read",    "write",
                                         "control", "program", "identify"};
  return kNames[static_cast<size_t>(operation)];
}

// Whether it changes something.
constexpr bool is_active(Operation operation) {
  return operation == Operation::kWrite || operation == Operation::kControl ||
         operation == Operation::kProgram;
}

// A service, function or command of a protocol.
struct Service {
  uint32_t number;
  std::string_view name;
  Operation operation;
};

// Without a name and kOther where the number is not known. REQUIRES: the table is sorted.
constexpr Service service_of(std::span<const Service> table, uint32_t number) {
  const auto at =
      std::lower_bound(table.begin(), table.end(), number,
                       [](const Service& entry, uint32_t n) { return entry.number < n; });
  if (at != table.end() && at->number == number) return *at;
  return {number, {}, Operation::kOther};
}

constexpr bool is_sorted_table(std::span<const Service> table) {
  for (size_t i = 1; i < table.size(); ++i) {
    if (table[i - 1].number >= table[i].number) return false;
  }
  return true;
}

// Texts are left out when they are empty.
inline void put_name(uint16_t field, std::string_view name, EventWriter* events) {
  if (!name.empty()) events->put_text(field, name);
}

}  // namespace thymus::dpi
