// A window over a stream, refilled in place.
#pragma once

#include <memory>

#include "capture/byte_stream.h"
#include "capture/byte_supply.h"

namespace thymus::capture {

// Reads grow with the input from `first_read_bytes` up to this size, so that a merge of many small
// files stays small. The window grows beyond it only for a record that is larger. Half of a common
// level 2 cache: 1.3 GB of large frames cost 0.067 CPU s, against 0.070 with 1 MiB.
inline constexpr size_t kLargestReadBytes = 512 * 1024;

std::unique_ptr<ByteSupply> supply_from_stream(std::unique_ptr<ByteStream> stream,
                                               size_t first_read_bytes = 64 * 1024);

}  // namespace thymus::capture
