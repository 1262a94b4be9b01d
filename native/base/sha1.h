// SHA-1 (FIPS 180-4), for Community ID only: it names flows and protects nothing.
#pragma once

#include <array>

#include "base/bytes.h"

namespace thymus {

// `message` is at most 119 bytes: two blocks with padding. REQUIRES: message.size() <= 119.
std::array<uint8_t, 20> sha1_short(Bytes message);

}  // namespace thymus
