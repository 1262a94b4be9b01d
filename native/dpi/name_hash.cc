#include "dpi/name_hash.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/hash.h"

namespace thymus::dpi {
namespace {

constexpr size_t kMaxNameBytes = 253;

// From the n-th label from the end on; all of it when it has fewer.
std::string_view last_labels(std::string_view name, int n) {
  size_t at = name.size();
  for (; n > 0; --n) {
    const size_t dot = at == 0 ? std::string_view::npos : name.rfind('.', at - 1);
    if (dot == std::string_view::npos) return name;
    at = dot;
  }
  return name.substr(at + 1);
}

bool is_address(std::string_view name) {
  return name.find(':') != std::string_view::npos ||
         name.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool looks_like_country_suffix(std::string_view two_labels) {
  const size_t dot = two_labels.find('.');
  return dot != std::string_view::npos && dot <= 3 && two_labels.size() - dot - 1 == 2;
}

std::string_view without_port(std::string_view host) {
  const size_t colon = host.find(':');
  const bool is_ipv6 = colon != std::string_view::npos && host.find(':', colon + 1) < host.size();
  return is_ipv6 ? host : host.substr(0, colon);
}

}  // namespace

uint64_t name_hash(std::string_view host) {
  std::string_view name = without_port(host);
  while (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty()) return 0;
  if (!is_address(name)) {
    const std::string_view two = last_labels(name, 2);
    name = looks_like_country_suffix(two) ? last_labels(name, 3) : two;
  }
  name = name.substr(0, kMaxNameBytes);
  std::array<char, kMaxNameBytes> lower;
  std::ranges::transform(name, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return siphash24(as_bytes({lower.data(), name.size()}), kReplayHashKey);
}

}  // namespace thymus::dpi
