#include <algorithm>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <unistd.h>

#include "capture/byte_stream.h"
#include "capture/os_error.h"

namespace thymus::capture {
namespace {

constexpr int kStopCheckMs = 100;

class FileStream final : public ByteStream {
 public:
  FileStream(int fd, uint64_t bytes_total, const std::atomic<bool>* stop) : fd_(fd), stop_(stop) {
    progress_.bytes_total = bytes_total;
  }
  ~FileStream() override { ::close(fd_); }
  FileStream(const FileStream&) = delete;
  FileStream& operator=(const FileStream&) = delete;

  size_t read(std::span<uint8_t> into) override {
    if (stop_ != nullptr && !wait_for_bytes()) return 0;
    ssize_t n;
    do {
      n = ::read(fd_, into.data(), into.size());
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
      error_ = "reading failed (" + os_error() + ")";
      return 0;
    }
    progress_.bytes_read += static_cast<size_t>(n);
    return static_cast<size_t>(n);
  }
  const std::string& error() const override { return error_; }
  SourceProgress progress() const override { return progress_; }

 private:
  // False when it was told to stop. What poll cannot wait for, read will say.
  bool wait_for_bytes() const {
    pollfd waiting{fd_, POLLIN, 0};
    while (!stop_->load(std::memory_order_relaxed)) {
      if (::poll(&waiting, 1, kStopCheckMs) != 0) return true;
    }
    return false;
  }

  int fd_;
  const std::atomic<bool>* stop_;
  SourceProgress progress_;
  std::string error_;
};

class MemoryStream final : public ByteStream {
 public:
  explicit MemoryStream(Bytes bytes) : bytes_(bytes) {}

  size_t read(std::span<uint8_t> into) override {
    Bytes part = bytes_.take_up_to(into.size());
    std::copy(part.begin(), part.end(), into.begin());
    return part.size();
  }
  const std::string& error() const override { return error_; }
  SourceProgress progress() const override { return {bytes_.offset(), bytes_.all().size()}; }

 private:
  Reader bytes_;
  std::string error_;
};

}  // namespace

std::unique_ptr<ByteStream> stream_of_fd(int fd, uint64_t bytes_total,
                                         const std::atomic<bool>* stop) {
  return std::make_unique<FileStream>(fd, bytes_total, stop);
}

std::unique_ptr<ByteStream> stream_of_memory(Bytes bytes) {
  return std::make_unique<MemoryStream>(bytes);
}

}  // namespace thymus::capture
