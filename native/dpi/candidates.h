// Which parsers to ask about a first payload: those of its ports first, then those whose protocol
// may begin with its first byte. All others cost nothing, however many there are.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dpi/parser.h"

namespace thymus::dpi {

inline constexpr size_t kMaxParsers = 255;

// Positions in parsers(), in the order in which to ask. Valid until the next call with this array.
std::span<const uint8_t> candidates(const Segment& first, std::array<uint8_t, kMaxParsers>* room);

// Whether some parser's protocol is served there by custom.
bool is_service_port(uint16_t port, Transport transport);

// The parser of an application on a transport, or -1.
int parser_for(AppId app, Transport transport);

}  // namespace thymus::dpi
