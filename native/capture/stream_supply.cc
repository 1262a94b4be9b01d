#include "capture/stream_supply.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace thymus::capture {
namespace {

class StreamSupply final : public ByteSupply {
 public:
  StreamSupply(std::unique_ptr<ByteStream> stream, size_t first_read_bytes)
      : stream_(std::move(stream)), read_bytes_(first_read_bytes) {}

  Bytes advance(size_t used, size_t wanted) override {
    begin_ += used;
    if (end_ - begin_ < wanted) fill(wanted);
    return {window_.get() + begin_, end_ - begin_};
  }
  bool stable() const override { return false; }
  const std::string& error() const override { return stream_->error(); }
  SourceProgress progress() const override { return stream_->progress(); }

 private:
  // A pipe gives what it has: reading stops at `wanted`, so that a live pipe is not held back.
  void fill(size_t wanted) {
    move_to_front(std::max(wanted, end_ - begin_ + read_bytes_));
    while (end_ < wanted) {
      size_t room = std::min(capacity_ - end_, std::max(read_bytes_, wanted - end_));
      size_t n = stream_->read({window_.get() + end_, room});
      if (n == 0) return;
      end_ += n;
      if (n == room) read_bytes_ = std::min(read_bytes_ * 2, kLargestReadBytes);
    }
  }

  void move_to_front(size_t capacity) {
    size_t have = end_ - begin_;
    if (capacity > capacity_) {
      capacity = std::bit_ceil(capacity);
      auto larger = std::make_unique_for_overwrite<uint8_t[]>(capacity);
      if (have > 0) std::memcpy(larger.get(), window_.get() + begin_, have);
      window_ = std::move(larger);
      capacity_ = capacity;
    } else if (begin_ > 0) {
      std::memmove(window_.get(), window_.get() + begin_, have);
    }
    begin_ = 0;
    end_ = have;
  }

  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<uint8_t[]> window_;
  size_t capacity_ = 0;
  size_t begin_ = 0;  // of the bytes at hand
  size_t end_ = 0;
  size_t read_bytes_;
};

}  // namespace

std::unique_ptr<ByteSupply> supply_from_stream(std::unique_ptr<ByteStream> stream,
                                               size_t first_read_bytes) {
  return std::make_unique<StreamSupply>(std::move(stream), first_read_bytes);
}

}  // namespace thymus::capture
