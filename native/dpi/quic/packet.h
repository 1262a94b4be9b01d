// Headers of QUIC packets (RFC 9000, 17; RFC 8999 for what all versions share).
//
//   long:  1 1 type(2) x(4) | version (32) | length (8), destination id | length (8), source id |
//          Initial: token length (varint), token | length (varint) | packet number, frames
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace thymus::dpi::quic {

enum class PacketType : uint8_t {
  kInitial,
  kZeroRtt,
  kHandshake,
  kRetry,
  kVersionNegotiation,
  kReserved,  // of a version that only makes the server offer its own (RFC 9000, 15)
};

struct LongHeader {
  PacketType type;
  uint32_t version;
  Bytes destination;
  Bytes source;
  size_t number_at;  // where the packet number begins
  size_t size;       // of the packet in the datagram
};

// RFC 9000, 16.
uint64_t read_varint(Reader* r);

// The long header at the start of `datagram`, for versions that are known and for version
// negotiation. False when it is none.
bool read_long_header(Bytes datagram, LongHeader* header);

}  // namespace thymus::dpi::quic
