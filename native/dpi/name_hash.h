// FlowFacts::name_hash.
#pragma once

#include <cstdint>
#include <string_view>

namespace thymus::dpi {

// Hash of the registrable part of a host name, in lower case, without port and final dot. That part
// is taken to be the last two labels, or three where the last two look like the suffix of a country
// ("co.uk"). Addresses are hashed whole. 0 for an empty name.
uint64_t name_hash(std::string_view host);

}  // namespace thymus::dpi
