// The number by which records name an entity: 52 bits, so that JavaScript holds it exactly.
#pragma once

#include <cstdint>

#include "base/address.h"
#include "base/hash.h"

namespace thymus::flow {

inline uint64_t entity_key(const IpAddress& address, HashKey secret) {
  return siphash24(address.bytes, secret) & ((uint64_t{1} << 52) - 1);
}

}  // namespace thymus::flow
