// The messages in an SCTP packet (RFC 9260, 3.3.1).
//
//   type (1)  flags (1)  length (2)   of each chunk, padded to 4 bytes
//   DATA: type 0, flags 1 end, 2 begin; TSN (4) stream (2) sequence (2) payload protocol (4) data
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/bytes.h"

namespace thymus::flow {

struct SctpMessage {
  Bytes data;
  uint32_t payload_protocol;
  bool is_whole;  // all its fragments are in this chunk
};

// Shows `take` the user messages whose beginning lies in `chunks`: the later fragments of a message
// that was cut into several chunks are passed over.
template <typename Take>
void each_sctp_message(Bytes chunks, Take&& take) {
  constexpr uint8_t kData = 0, kEnd = 1, kBegin = 2;
  constexpr size_t kHeaderBytes = 4, kDataHeaderBytes = 12;
  constexpr int kMostChunks = 64;  // of a packet that carries more, the first ones
  Reader r(chunks);
  for (int i = 0; i < kMostChunks && r.remaining() >= kHeaderBytes; ++i) {
    const uint8_t type = r.u8();
    const uint8_t flags = r.u8();
    const size_t length = r.be16();
    if (length < kHeaderBytes) return;
    const size_t body_bytes = length - kHeaderBytes;
    Reader body(r.take_up_to(body_bytes));
    const bool is_cut = body.remaining() < body_bytes;
    r.skip(std::min(-length & 3, r.remaining()));
    if (type != kData || !(flags & kBegin) || body.remaining() <= kDataHeaderBytes) continue;
    body.skip(kDataHeaderBytes - sizeof(uint32_t));
    const uint32_t payload_protocol = body.be32();
    take(SctpMessage{body.rest(), payload_protocol, (flags & kEnd) != 0 && !is_cut});
  }
}

}  // namespace thymus::flow
