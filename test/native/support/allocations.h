// Counts heap allocations of the calling thread, for what must not allocate.
#pragma once

#include <cstdint>

namespace thymus::test {

// False where the allocator belongs to a sanitizer or is not glibc's: nothing is counted then.
bool counts_allocations();
// Calls of malloc and its kin, operator new included, that this thread has made so far.
uint64_t n_allocations();

}  // namespace thymus::test
