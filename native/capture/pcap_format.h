// pcap (draft-ietf-opsawg-pcap) and its relatives that differ in magic, clock or record header.
#pragma once

#include <memory>

#include "capture/format.h"

namespace thymus::capture {

inline constexpr size_t kPcapHeaderBytes = 24;

bool is_pcap_magic(Bytes head);
// REQUIRES: is_pcap_magic(header), and header has kPcapHeaderBytes.
// Null when the version is one that nothing writes.
std::unique_ptr<Format> make_pcap_format(Bytes header);

}  // namespace thymus::capture
