// pcapng (draft-ietf-opsawg-pcapng).
#pragma once

#include <memory>

#include "capture/format.h"

namespace thymus::capture {

// A block that claims more is damage. It bounds the memory of a reader.
inline constexpr uint32_t kMaxPcapngBlockBytes = 16 * 1024 * 1024;
// The shortest section header block.
inline constexpr size_t kPcapngHeaderBytes = 28;

bool is_pcapng_magic(Bytes head);
// False when `header` is not the start of a section that can be read: byte order or version.
bool is_pcapng_section(Bytes header);
std::unique_ptr<Format> make_pcapng_format();

}  // namespace thymus::capture
