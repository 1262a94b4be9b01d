// Protection of Initial packets (RFC 9001, 5): anybody can derive its keys from the destination
// connection id of the client's first packet.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace thymus::dpi::quic {

struct PacketKeys {
  std::array<uint8_t, 16> key;
  std::array<uint8_t, 12> iv;
  std::array<uint8_t, 16> header_key;
};

struct InitialKeys {
  PacketKeys client;  // of what the client sends
  PacketKeys server;
};

// REQUIRES: !initial_salt(version).empty().
InitialKeys derive_initial_keys(uint32_t version, Bytes connection_id);

// The frames of a packet whose packet number, still protected, begins at `number_at`; they lie in
// `room`. Empty when the packet was not sealed with these keys, or does not fit.
Bytes open_packet(const PacketKeys& keys, Bytes packet, size_t number_at, std::span<uint8_t> room);

}  // namespace thymus::dpi::quic
