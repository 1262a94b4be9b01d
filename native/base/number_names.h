// Names of a protocol's numbers, as a sorted table.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

namespace thymus {

struct NumberName {
  uint32_t number;
  std::string_view name;
};

// Empty when the number has no name. REQUIRES: the table is sorted by number.
inline std::string_view name_of(std::span<const NumberName> table, uint64_t number) {
  const auto at =
      std::lower_bound(table.begin(), table.end(), number,
                       [](const NumberName& entry, uint64_t n) { return entry.number < n; });
  return at != table.end() && at->number == number ? at->name : std::string_view();
}

constexpr bool is_sorted_table(std::span<const NumberName> table) {
  for (size_t i = 1; i < table.size(); ++i) {
    if (table[i - 1].number >= table[i].number) return false;
  }
  return true;
}

}  // namespace thymus
