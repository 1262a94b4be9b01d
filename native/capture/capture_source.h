// The one source of stored captures: any supply of bytes under any format.
#pragma once

#include <memory>
#include <string>

#include "capture/byte_supply.h"
#include "capture/source.h"

namespace thymus::capture {

// Opens what `supply` holds. `name` is what sentences call the capture ("'a.pcap'").
Status open_supply(std::unique_ptr<ByteSupply> supply, const std::string& name,
                   std::unique_ptr<Source>* out);

// Opens a capture that lies in memory, borrowed until the source is destroyed: as one window, or
// as the stream that a file or pipe of these bytes would be, read `read_bytes` at first.
Status open_memory(Bytes bytes, std::unique_ptr<Source>* out);
Status open_memory_stream(Bytes bytes, size_t read_bytes, std::unique_ptr<Source>* out);

}  // namespace thymus::capture
