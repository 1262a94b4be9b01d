// Zeroed memory for as many elements as there may ever be, which becomes resident as it is touched.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <type_traits>

#include <sys/mman.h>

namespace thymus {

// Huge pages save address translations, which random access pays at every step; small ones suit
// what is seldom used much.
enum class Pages { kHuge, kSmall };

// An array that never moves and grows by being used. Elements start as zero bytes and are never
// destroyed.
template <typename T>
class ReservedArray {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  // Ends the process where address space is refused: nothing can run without its tables.
  explicit ReservedArray(size_t count, Pages pages = Pages::kHuge) : bytes_(count * sizeof(T)) {
    void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    if (pages == Pages::kHuge) madvise(memory, bytes_, MADV_HUGEPAGE);
    elements_ = static_cast<T*>(memory);
  }
  ~ReservedArray() { munmap(elements_, bytes_); }
  ReservedArray(const ReservedArray&) = delete;
  ReservedArray& operator=(const ReservedArray&) = delete;

  T& operator[](size_t i) { return elements_[i]; }
  const T& operator[](size_t i) const { return elements_[i]; }

 private:
  size_t bytes_;
  T* elements_;
};

}  // namespace thymus
