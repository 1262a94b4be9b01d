#include "capture/pcap_writer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "capture/os_error.h"

namespace thymus::capture {
namespace {

constexpr size_t kBufferBytes = 64 * 1024;
constexpr uint32_t kNanosecondMagic = 0xa1b23c4d;
constexpr uint32_t kVersion = 4u << 16 | 2;  // 2.4: two 16-bit fields, major first
constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kLastNs =
    int64_t{std::numeric_limits<uint32_t>::max()} * kNsPerSecond + kNsPerSecond - 1;

Status cannot_write(const std::string& path, int error_number) {
  const char* advice = error_number == ENOSPC || error_number == EDQUOT
                           ? "free some space or choose another folder"
                           : "choose a folder that exists and may be written";
  return Status(StatusCode::kIo,
                "'" + path + "' cannot be written (" + os_error(error_number) + "); " + advice);
}

}  // namespace

Status PcapWriter::create(const std::string& path, uint16_t link_type,
                          std::unique_ptr<PcapWriter>* out) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (fd < 0) return cannot_write(path, errno);
  out->reset(new PcapWriter(fd, path, link_type));
  return {};
}

PcapWriter::PcapWriter(int fd, std::string path, uint16_t link_type)
    : fd_(fd), path_(std::move(path)), link_type_(link_type) {
  buffer_.reserve(kBufferBytes);
  for (uint32_t field : {kNanosecondMagic, kVersion, 0u, 0u, kMaxFrameBytes, uint32_t{link_type}}) {
    put32(field);
  }
}

PcapWriter::~PcapWriter() {
  if (fd_ >= 0) ::close(fd_);
}

Status PcapWriter::write(const Frame& frame) {
  if (!status_.ok()) return status_;
  if (frame.link_type != link_type_) {
    return Status(StatusCode::kInvalidArgument,
                  "'" + path_ + "' holds link type " + std::to_string(link_type_) +
                      "; write frames of link type " + std::to_string(frame.link_type) +
                      " to another file");
  }
  int64_t ts_ns = std::clamp<int64_t>(frame.ts_ns, 0, kLastNs);
  put32(static_cast<uint32_t>(ts_ns / kNsPerSecond));
  put32(static_cast<uint32_t>(ts_ns % kNsPerSecond));
  put32(frame.caplen);
  put32(frame.origlen);
  put({frame.data, frame.caplen});
  return buffer_.size() < kBufferBytes ? Status() : flush();
}

Status PcapWriter::close() {
  if (fd_ < 0) return status_;
  if (status_.ok()) status_ = flush();
  int result = ::close(std::exchange(fd_, -1));
  return status_.ok() && result != 0 ? failed(errno) : status_;
}

void PcapWriter::put(Bytes bytes) { buffer_.insert(buffer_.end(), bytes.begin(), bytes.end()); }

void PcapWriter::put32(uint32_t value) {
  put(std::bit_cast<std::array<uint8_t, sizeof value>>(value));
}

Status PcapWriter::flush() {
  Reader rest(buffer_);
  while (!rest.empty()) {
    ssize_t n = ::write(fd_, rest.rest().data(), rest.remaining());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(errno);
    rest.skip(static_cast<size_t>(n));
  }
  buffer_.clear();
  return {};
}

Status PcapWriter::failed(int error_number) { return status_ = cannot_write(path_, error_number); }

}  // namespace thymus::capture
