// Names of numbers that telecom protocols carry.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace thymus::dpi {

struct CodeName {
  uint32_t code;
  std::string_view name;
};

// Empty where the number has no name in the list.
constexpr std::string_view name_in(std::span<const CodeName> list, uint32_t code) {
  for (const CodeName& entry : list) {
    if (entry.code == code) return entry.name;
  }
  return {};
}

}  // namespace thymus::dpi
