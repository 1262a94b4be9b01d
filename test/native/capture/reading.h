// Reads sources to their end and keeps what they gave.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/capture_source.h"
#include "capture/source.h"
#include "capture_builder.h"

namespace thymus::test {

struct SeenFrame {
  int64_t ts_ns;
  uint32_t origlen;
  uint16_t link_type;
  uint16_t interface;
  uint32_t source;
  Buffer data;
  bool operator==(const SeenFrame&) const = default;
};

struct Reading {
  std::vector<SeenFrame> frames;
  capture::ReadState end = capture::ReadState::kWait;
  std::string error;
  bool operator==(const Reading&) const = default;
};

inline Reading read_all(capture::Source* source) {
  Reading reading;
  capture::Block block;
  while ((reading.end = source->next(&block)) == capture::ReadState::kFrames) {
    REQUIRE_FALSE(block.empty());
    REQUIRE(block.size() <= capture::kBlockFrames);
    for (const capture::Frame& f : block) {
      reading.frames.push_back({f.ts_ns, f.origlen, f.link_type, f.interface, f.source,
                                Buffer(f.data, f.data + f.caplen)});
    }
  }
  CHECK(block.empty());
  CHECK(source->next(&block) == reading.end);
  reading.error = source->error();
  CHECK((reading.end == capture::ReadState::kDamaged) == !reading.error.empty());
  return reading;
}

inline std::unique_ptr<capture::Source> must_open(Bytes bytes) {
  std::unique_ptr<capture::Source> source;
  Status status = capture::open_memory(bytes, &source);
  REQUIRE_MESSAGE(status.ok(), status.message());
  return source;
}

inline Reading read_bytes(Bytes bytes) { return read_all(must_open(bytes).get()); }

inline Reading read_streamed(Bytes bytes, size_t read_bytes) {
  std::unique_ptr<capture::Source> source;
  Status status = capture::open_memory_stream(bytes, read_bytes, &source);
  REQUIRE_MESSAGE(status.ok(), status.message());
  return read_all(source.get());
}

// Every prefix of `file`, in memory of its own size, gives a prefix of the frames; damage is told
// unless the cut lies between records. Returns how many prefixes read as whole captures.
inline size_t check_every_prefix(const Buffer& file, size_t header_bytes) {
  const Reading whole = read_bytes(file);
  REQUIRE(whole.end == capture::ReadState::kEnd);
  size_t n_whole = 0;
  for (size_t n = 0; n < file.size(); ++n) {
    CAPTURE(n);
    Buffer prefix(file.begin(), file.begin() + static_cast<ptrdiff_t>(n));
    prefix.shrink_to_fit();
    std::unique_ptr<capture::Source> source;
    Status status = capture::open_memory(prefix, &source);
    REQUIRE(status.ok() == (n >= header_bytes));
    if (!status.ok()) {
      CHECK(status.code() == StatusCode::kNotACapture);
      continue;
    }
    Reading part = read_all(source.get());
    REQUIRE(part.frames.size() <= whole.frames.size());
    CHECK(std::equal(part.frames.begin(), part.frames.end(), whole.frames.begin()));
    n_whole += part.end == capture::ReadState::kEnd;
    CHECK(read_streamed(prefix, 16) == part);
  }
  return n_whole;
}

// A folder that is gone when the case ends.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "thymus-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string path(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, Bytes bytes) const {
    std::ofstream(path(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace thymus::test
