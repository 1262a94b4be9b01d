#include <doctest/doctest.h>
#include <zlib.h>
#include <zstd.h>

#include "capture_builder.h"
#include "reading.h"

namespace thymus::test {
namespace {

using capture::ReadState;

Buffer gzipped(Bytes bytes) {
  z_stream zlib{};
  REQUIRE(deflateInit2(&zlib, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  Buffer out(deflateBound(&zlib, bytes.size()) + 64);
  zlib.next_in = const_cast<Bytef*>(bytes.data());
  zlib.avail_in = static_cast<uInt>(bytes.size());
  zlib.next_out = out.data();
  zlib.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&zlib, Z_FINISH) == Z_STREAM_END);
  out.resize(zlib.total_out);
  deflateEnd(&zlib);
  return out;
}

Buffer zstd_frame(Bytes bytes) {
  Buffer out(ZSTD_compressBound(bytes.size()));
  size_t n = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3);
  REQUIRE_FALSE(ZSTD_isError(n));
  out.resize(n);
  return out;
}

using Compress = Buffer (*)(Bytes);
struct Compression {
  const char* name;
  Compress compress;
};
constexpr Compression kCompressions[] = {{"gzip", gzipped}, {"zstd", zstd_frame}};

Buffer joined(const Buffer& a, const Buffer& b) {
  Buffer both = a;
  both.insert(both.end(), b.begin(), b.end());
  return both;
}

// Larger than a window, with frames of many sizes.
Buffer large_capture() {
  PcapBuilder file;
  for (unsigned i = 0; i < 4000; ++i) file.record(i, i, payload(i * 37 % 1500, i));
  return file.bytes();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("stream: every read size gives the same frames") {
  const Buffer file = large_capture();
  const Reading whole = read_bytes(file);
  CHECK(whole.frames.size() == 4000);
  for (size_t read_bytes : {1u, 7u, 24u, 4096u, 1u << 20}) {
    CAPTURE(read_bytes);
    CHECK(read_streamed(file, read_bytes) == whole);
  }
}

TEST_CASE("stream: a record larger than the window grows it") {
  PcapBuilder file;
  file.record(1, 0, payload(10)).record(2, 0, payload(200'000)).record(3, 0, payload(10));
  CHECK(read_streamed(file.bytes(), 64) == read_bytes(file.bytes()));
}

TEST_CASE("stream: gzip and zstd give what the plain capture gives") {
  const Buffer file = large_capture();
  const Reading plain = read_bytes(file);
  for (const Compression& c : kCompressions) {
    CAPTURE(c.name);
    CHECK(read_streamed(c.compress(file), 4096) == plain);
  }
}

TEST_CASE("stream: members one after another are one capture, padding between them is skipped") {
  const Buffer file = large_capture();
  const Bytes bytes(file);
  const Reading plain = read_bytes(file);
  for (const Compression& c : kCompressions) {
    CAPTURE(c.name);
    Buffer first = c.compress(bytes.first(1001));
    Buffer second = c.compress(bytes.subspan(1001));
    CHECK(read_streamed(joined(first, second), 512) == plain);
    first.resize(first.size() + 300);
    second.resize(second.size() + 5);
    CHECK(read_streamed(joined(first, second), 512) == plain);
  }
}

TEST_CASE("stream: compressed content that breaks off gives the frames before") {
  const Buffer file = large_capture();
  const Reading plain = read_bytes(file);
  for (const Compression& c : kCompressions) {
    CAPTURE(c.name);
    Buffer cut = c.compress(file);
    cut.resize(cut.size() / 2);
    Reading reading = read_streamed(cut, 4096);
    CHECK(reading.end == ReadState::kDamaged);
    CHECK_MESSAGE(contains(reading.error, std::string("the ") + c.name + " data ends too early"),
                  reading.error);
    CHECK(reading.frames.size() > 0);
    CHECK(reading.frames.size() < plain.frames.size());
    CHECK(std::equal(reading.frames.begin(), reading.frames.end(), plain.frames.begin()));
  }
}

TEST_CASE("stream: bytes behind the compressed content are damage after all frames") {
  const Buffer file = large_capture();
  for (const Compression& c : kCompressions) {
    CAPTURE(c.name);
    Reading reading = read_streamed(joined(c.compress(file), payload(50)), 4096);
    CHECK(reading.frames.size() == 4000);
    CHECK(reading.end == ReadState::kDamaged);
    CHECK_MESSAGE(contains(reading.error, "data is broken ("), reading.error);
  }
}

TEST_CASE("stream: every truncation of compressed content is told") {
  const Buffer file = PcapBuilder().record(1, 0, payload(40)).record(2, 0, payload(5)).bytes();
  for (const Compression& c : kCompressions) {
    CAPTURE(c.name);
    const Buffer packed = c.compress(file);
    for (size_t n = 0; n < packed.size(); ++n) {
      CAPTURE(n);
      Buffer prefix(packed.begin(), packed.begin() + static_cast<ptrdiff_t>(n));
      std::unique_ptr<capture::Source> source;
      if (!capture::open_memory_stream(prefix, 16, &source).ok()) continue;
      CHECK(read_all(source.get()).end == ReadState::kDamaged);
    }
  }
}

TEST_CASE("stream: broken compressed content at the start is refused with its reason") {
  for (const Compression& c : kCompressions) {
    CAPTURE(c.name);
    Buffer packed = c.compress(PcapBuilder().bytes());
    for (size_t i = 4; i < packed.size(); ++i) packed[i] = 0xff;
    std::unique_ptr<capture::Source> source;
    Status status = capture::open_memory_stream(packed, 16, &source);
    CHECK_FALSE(status.ok());
    CHECK_MESSAGE(contains(status.message(), c.name), status.message());
  }
}

}  // namespace
}  // namespace thymus::test
