// Filters in the syntax of pcap-filter(7), compiled for the kernel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <linux/filter.h>

#include "base/status.h"

namespace thymus::capture {

// Compiles `text` for frames of a LINKTYPE_. An empty text gives an empty program, which means all.
// Not thread-safe: libpcap keeps state of its own.
Status compile_filter(const std::string& text, uint16_t link_type, std::vector<sock_filter>* out);

}  // namespace thymus::capture
