// A datagram put together from its fragments.
#pragma once

#include "decode/packet_view.h"

namespace thymus::decode {

// Decodes `packet`, which starts at its IP header, as if it had come whole where `fragment` was
// found: in the same VLANs and tunnels, from the same stations. Fills every field of `out`; times,
// index and origlen are those of `fragment`.
void decode_reassembled(const PacketView& fragment, Bytes packet, const DecodeOptions& options,
                        PacketView* out);

}  // namespace thymus::decode
