#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/byte_stream.h"
#include "capture/capture_source.h"
#include "capture/mapped_supply.h"
#include "capture/os_error.h"
#include "capture/source.h"
#include "capture/stream_supply.h"

namespace thymus::capture {
namespace {

constexpr char kStandardInput[] = "-";

std::string name_of(const std::string& path) {
  return path == kStandardInput ? "standard input" : "'" + path + "'";
}

Status cannot_open(const std::string& path, int error_number) {
  const std::string name = name_of(path);
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return Status(StatusCode::kNotFound, name + " does not exist; check the path");
    case EACCES:
    case EPERM:
      return Status(StatusCode::kNotPermitted,
                    name + " may not be read; change its permissions or run as a user who may");
    case EMFILE:
      return Status(StatusCode::kIo, name +
                                         " cannot be opened because too many files are open; "
                                         "raise `ulimit -n` or give fewer files");
    default:
      return Status(StatusCode::kIo, name + " cannot be opened (" + os_error(error_number) +
                                         "); check the disk and the path");
  }
}

Status refuse_kind(const std::string& path, int fd, mode_t mode) {
  if (S_ISDIR(mode)) {
    return Status(StatusCode::kInvalidArgument,
                  name_of(path) + " is a directory; name the capture files in it");
  }
  if (::isatty(fd)) {
    return Status(StatusCode::kInvalidArgument,
                  name_of(path) + " is a terminal; pipe a capture into it or name a file");
  }
  return {};
}

// The descriptor is the caller's also when the status is bad; -1 when there is none.
Status open_fd(const std::string& path, int* fd, struct stat* info) {
  *fd = path == kStandardInput ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                               : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (*fd < 0 || ::fstat(*fd, info) != 0) return cannot_open(path, errno);
  return refuse_kind(path, *fd, info->st_mode);
}

bool starts_compressed(int fd) {
  std::array<uint8_t, kCompressionMagicBytes> head;
  ssize_t n = ::pread(fd, head.data(), head.size(), 0);
  return n > 0 && is_compressed({head.data(), static_cast<size_t>(n)});
}

// Takes `fd`. Falls back to reading where there is nothing to map.
std::unique_ptr<ByteSupply> make_supply(int fd, const struct stat& info, Access access,
                                        const std::atomic<bool>* stop) {
  const bool is_file = S_ISREG(info.st_mode);
  const uint64_t size = is_file ? static_cast<uint64_t>(info.st_size) : 0;
  if (access == Access::kMapped && size > 0 && !starts_compressed(fd)) {
    if (auto mapped = supply_from_map(fd, size)) {
      ::close(fd);
      return mapped;
    }
  }
  if (is_file) ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  return supply_from_stream(decompressed(stream_of_fd(fd, size, is_file ? nullptr : stop)));
}

}  // namespace

Status open_capture(const std::string& path, Access access, const std::atomic<bool>* stop,
                    std::unique_ptr<Source>* out) {
  int fd = -1;
  struct stat info{};
  Status status = open_fd(path, &fd, &info);
  if (!status.ok()) {
    if (fd >= 0) ::close(fd);
    return status;
  }
  return open_supply(make_supply(fd, info, access, stop), name_of(path), out);
}

Status open_capture(const std::string& path, Access access, std::unique_ptr<Source>* out) {
  return open_capture(path, access, nullptr, out);
}

Status open_capture(const std::string& path, std::unique_ptr<Source>* out) {
  return open_capture(path, Access::kRead, out);
}

}  // namespace thymus::capture
