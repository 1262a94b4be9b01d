#include "capture/mapped_supply.h"

#include <algorithm>
#include <cerrno>

#include <sys/mman.h>

namespace thymus::capture {
namespace {

constexpr size_t kPageBytes = 4096;
// Pages are brought in ahead and let go behind in steps of this size; those let go are read again
// from the page cache if a frame of an old block is still looked at.
constexpr size_t kStepBytes = 4 * 1024 * 1024;
constexpr size_t kKeepBehindBytes = 8 * kStepBytes;

class MappedSupply final : public ByteSupply {
 public:
  MappedSupply(uint8_t* base, size_t size) : base_(base), size_(size) {}
  ~MappedSupply() override { ::munmap(base_, size_); }
  MappedSupply(const MappedSupply&) = delete;
  MappedSupply& operator=(const MappedSupply&) = delete;

  Bytes advance(size_t used, size_t wanted) override {
    position_ += used;
    if (present_ - position_ < wanted && present_ < size_ && error_.empty()) bring_in(wanted);
    return {base_ + position_, present_ - position_};
  }
  bool stable() const override { return true; }
  const std::string& error() const override { return error_; }
  SourceProgress progress() const override { return {position_, size_}; }

 private:
  void bring_in(size_t wanted) {
    size_t end = position_ + std::max(wanted, kStepBytes);
    end = std::min(size_, (end + kPageBytes - 1) / kPageBytes * kPageBytes);
    // The call fails where a page fault would kill the process: behind the end of a file that was
    // cut after it was mapped. Kernels before 5.14 do not know it; pages then come on demand.
    size_t page = present_ / kPageBytes * kPageBytes;
    if (::madvise(base_ + page, end - page, MADV_POPULATE_READ) != 0 && errno != EINVAL) {
      error_ = "the file became shorter or unreadable while it was read";
      return;
    }
    present_ = end;
    let_go();
  }

  void let_go() {
    if (position_ < gone_ + kKeepBehindBytes + kStepBytes) return;
    size_t end = (position_ - kKeepBehindBytes) / kPageBytes * kPageBytes;
    ::madvise(base_ + gone_, end - gone_, MADV_DONTNEED);
    gone_ = end;
  }

  uint8_t* base_;
  size_t size_;
  size_t position_ = 0;
  size_t present_ = 0;  // brought in up to here
  size_t gone_ = 0;     // let go up to here
  std::string error_;
};

}  // namespace

std::unique_ptr<ByteSupply> supply_from_map(int fd, uint64_t size) {
  void* base = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (base == MAP_FAILED) return nullptr;
  ::madvise(base, size, MADV_SEQUENTIAL);
  return std::make_unique<MappedSupply>(static_cast<uint8_t*>(base), size);
}

}  // namespace thymus::capture
