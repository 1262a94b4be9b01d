#include "support/allocations.h"

#include <cerrno>
#include <cstdlib>

namespace {

thread_local uint64_t n_calls = 0;

}  // namespace

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define THYMUS_COUNTS_ALLOCATIONS 1

// glibc's own names, which stay reachable when a program brings a malloc along.
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

void* malloc(size_t bytes) {
  ++n_calls;
  return __libc_malloc(bytes);
}
void* calloc(size_t n, size_t bytes) {
  ++n_calls;
  return __libc_calloc(n, bytes);
}
void* realloc(void* memory, size_t bytes) {
  ++n_calls;
  return __libc_realloc(memory, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) {
  ++n_calls;
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** out, size_t alignment, size_t bytes) {
  ++n_calls;
  *out = __libc_memalign(alignment, bytes);
  return *out == nullptr ? ENOMEM : 0;
}
}
#else
#define THYMUS_COUNTS_ALLOCATIONS 0
#endif

namespace thymus::test {

bool counts_allocations() { return THYMUS_COUNTS_ALLOCATIONS != 0; }
uint64_t n_allocations() { return n_calls; }

}  // namespace thymus::test
