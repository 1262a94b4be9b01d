// What a file is, by its first bytes.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace thymus::dpi {

inline constexpr size_t kFileHeadBytes = 16;

// A media type (IANA), empty when nothing is known. Looks at up to kFileHeadBytes.
std::string_view file_type_of(Bytes head);

}  // namespace thymus::dpi
