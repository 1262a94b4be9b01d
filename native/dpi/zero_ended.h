// Texts that end with a zero byte.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace thymus::dpi {

// The text at the cursor, which moves behind its zero. Empty and failed where there is none.
inline std::string_view take_zero_ended(Reader* r) {
  const std::string_view rest = as_text(r->rest());
  const size_t end = rest.find('\0');
  if (end == std::string_view::npos) {
    r->fail();
    return {};
  }
  r->skip(end + 1);
  return rest.substr(0, end);
}

}  // namespace thymus::dpi
