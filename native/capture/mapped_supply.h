// A window over a file mapped into memory.
#pragma once

#include <cstdint>
#include <memory>

#include "capture/byte_supply.h"

namespace thymus::capture {

// Maps the first `size` bytes of `fd`, which it borrows for the call. Null, with errno set, when
// the file system cannot map. REQUIRES: size > 0.
std::unique_ptr<ByteSupply> supply_from_map(int fd, uint64_t size);

}  // namespace thymus::capture
