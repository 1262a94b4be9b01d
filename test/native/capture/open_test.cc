#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "capture_builder.h"
#include "reading.h"

namespace thymus::test {
namespace {

using capture::Access;
using capture::ReadState;

constexpr Access kAccesses[] = {Access::kRead, Access::kMapped};

Reading read_path(const std::string& path, Access access) {
  std::unique_ptr<capture::Source> source;
  Status status = capture::open_capture(path, access, &source);
  REQUIRE_MESSAGE(status.ok(), status.message());
  return read_all(source.get());
}

Buffer large_capture() {
  PcapBuilder file;
  for (unsigned i = 0; i < 40'000; ++i) file.record(i, i, payload(i * 37 % 1500, i));
  return file.bytes();
}

// Standard input is another descriptor while it lives.
class StandardInput {
 public:
  explicit StandardInput(int fd) : saved_(::dup(STDIN_FILENO)) { ::dup2(fd, STDIN_FILENO); }
  ~StandardInput() {
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }

 private:
  int saved_;
};

// Root may read every file, so it steps down while this lives.
class OrdinaryUser {
 public:
  OrdinaryUser() : saved_(::geteuid()) {
    constexpr uid_t kNobody = 65534;
    if (saved_ == 0) REQUIRE(::seteuid(kNobody) == 0);
  }
  ~OrdinaryUser() { CHECK(::seteuid(saved_) == 0); }

 private:
  uid_t saved_;
};

TEST_CASE("open: a file gives the same frames read and mapped, and its progress") {
  TemporaryFolder folder;
  const Buffer file = large_capture();
  const std::string path = folder.write("large.pcap", file);
  const Reading expected = read_bytes(file);
  for (Access access : kAccesses) {
    CAPTURE(static_cast<int>(access));
    CHECK(read_path(path, access) == expected);
    std::unique_ptr<capture::Source> source;
    REQUIRE(capture::open_capture(path, access, &source).ok());
    CHECK(source->progress().bytes_total == file.size());
    read_all(source.get());
    CHECK(source->progress().bytes_read == file.size());
  }
}

TEST_CASE("open: frames of a mapped file stay, those of other sources may not") {
  TemporaryFolder folder;
  const std::string path = folder.write("large.pcap", large_capture());
  std::unique_ptr<capture::Source> source;
  REQUIRE(capture::open_capture(path, Access::kMapped, &source).ok());
  REQUIRE(source->stable());
  capture::Block block;
  REQUIRE(source->next(&block) == ReadState::kFrames);
  const capture::Frame frame = block[5];
  read_all(source.get());
  CHECK(Buffer(frame.data, frame.data + frame.caplen) == payload(5 * 37 % 1500, 5));

  REQUIRE(capture::open_capture(path, &source).ok());
  CHECK_FALSE(source->stable());
}

TEST_CASE("open: a compressed file is known by content, whatever its name and access") {
  TemporaryFolder folder;
  const Buffer file = large_capture();
  const std::string path = folder.path("packed.pcap");
  gzFile gz = gzopen(path.c_str(), "wb1");
  REQUIRE(gzwrite(gz, file.data(), static_cast<unsigned>(file.size())) > 0);
  gzclose(gz);
  for (Access access : kAccesses) CHECK(read_path(path, access) == read_bytes(file));
}

TEST_CASE("open: standard input through a pipe") {
  const Buffer file = large_capture();
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  StandardInput input(ends[0]);
  std::thread writer([&] {
    // Small and uneven, as a pipe may give it.
    for (Reader rest(file); !rest.empty();) {
      Bytes part = rest.take_up_to(30'011);
      if (::write(ends[1], part.data(), part.size()) < 0) break;
    }
    ::close(ends[1]);
  });
  Reading reading = read_path("-", Access::kMapped);
  writer.join();
  ::close(ends[0]);
  CHECK(reading == read_bytes(file));
}

TEST_CASE("open: a live pipe gives a frame as soon as it is whole") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  StandardInput input(ends[0]);
  const Buffer first = PcapBuilder().record(1, 0, payload(50)).bytes();
  REQUIRE(::write(ends[1], first.data(), first.size()) == static_cast<ssize_t>(first.size()));
  std::unique_ptr<capture::Source> source;
  REQUIRE(capture::open_capture("-", &source).ok());
  CHECK(source->progress().bytes_total == 0);
  capture::Block block;
  REQUIRE(source->next(&block) == ReadState::kFrames);  // would hang if it waited for more
  CHECK(block.size() == 1);
  ::close(ends[1]);
  CHECK(source->next(&block) == ReadState::kEnd);
  ::close(ends[0]);
}

TEST_CASE("open: what is no capture is refused with one sentence that names it") {
  TemporaryFolder folder;
  struct Case {
    std::string path;
    StatusCode code;
    const char* sentence;
  };
  const Buffer pcap = PcapBuilder().bytes();
  const Buffer pcapng = PcapngBuilder().bytes();
  const Case cases[] = {
      {folder.path("absent"), StatusCode::kNotFound, "does not exist; check the path"},
      {folder.path(""), StatusCode::kInvalidArgument,
       "is a directory; name the capture files in it"},
      {folder.write("empty", {}), StatusCode::kNotACapture, "is empty; record or copy it again"},
      {folder.write("one", Bytes(pcap).first(1)), StatusCode::kNotACapture,
       "is no capture; give pcap or pcapng, plain or as .gz or .zst"},
      {folder.write("text", payload(5000)), StatusCode::kNotACapture,
       "is no capture; give pcap or pcapng, plain or as .gz or .zst"},
      {folder.write("short", Bytes(pcap).first(10)), StatusCode::kNotACapture,
       "ends within its file header (10 of 24 bytes); copy or record it again"},
      {folder.write("shortng", Bytes(pcapng).first(20)), StatusCode::kNotACapture,
       "ends within its file header (20 of 28 bytes); copy or record it again"},
      {"/dev/null", StatusCode::kNotACapture, "is empty; record or copy it again"},
  };
  for (const Case& c : cases) {
    for (Access access : kAccesses) {
      CAPTURE(c.path);
      std::unique_ptr<capture::Source> source;
      Status status = capture::open_capture(c.path, access, &source);
      CHECK(status.code() == c.code);
      CHECK(status.message() == "'" + c.path + "' " + c.sentence);
      CHECK_FALSE(source);
    }
  }
}

TEST_CASE("open: a file that may not be read") {
  TemporaryFolder folder;
  const std::string path = folder.write("closed.pcap", PcapBuilder().bytes());
  REQUIRE(::chmod(path.c_str(), 0) == 0);
  OrdinaryUser user;
  std::unique_ptr<capture::Source> source;
  Status status = capture::open_capture(path, &source);
  CHECK(status.code() == StatusCode::kNotPermitted);
  CHECK(status.message() ==
        "'" + path + "' may not be read; change its permissions or run as a user who may");
}

TEST_CASE("open: a file cut while it is mapped ends in damage, not in a fault") {
  TemporaryFolder folder;
  const Buffer file = large_capture();
  const std::string path = folder.write("large.pcap", file);
  std::unique_ptr<capture::Source> source;
  REQUIRE(capture::open_capture(path, Access::kMapped, &source).ok());
  // What was brought in at opening may not be touched any more: it begins behind the first step.
  capture::Block block;
  uint64_t n_bytes = 0;
  while (n_bytes < 3'900'000 && source->next(&block) == ReadState::kFrames) {
    for (const capture::Frame& frame : block) n_bytes += frame.caplen + 16;
  }
  REQUIRE(::truncate(path.c_str(), 4 * 1024 * 1024) == 0);
  Reading reading = read_all(source.get());
  CHECK(reading.end == ReadState::kDamaged);
  CHECK_MESSAGE(reading.error.find("became shorter") != std::string::npos, reading.error);
}

}  // namespace
}  // namespace thymus::test
