#include "capture/pcap_writer.h"

#include <doctest/doctest.h>

#include "capture_builder.h"
#include "reading.h"

namespace thymus::test {
namespace {

using capture::PcapWriter;
using capture::ReadState;

capture::Frame frame_of(const Buffer& data, int64_t ts_ns, uint16_t link_type = 1) {
  return {.data = data.data(),
          .ts_ns = ts_ns,
          .caplen = static_cast<uint32_t>(data.size()),
          .origlen = static_cast<uint32_t>(data.size()) + 10,
          .link_type = link_type,
          .interface = 0,
          .source = 0};
}

Reading read_file(const std::string& path) {
  std::unique_ptr<capture::Source> source;
  Status status = capture::open_capture(path, &source);
  REQUIRE_MESSAGE(status.ok(), status.message());
  return read_all(source.get());
}

TEST_CASE("pcap writer: what it wrote reads back to the nanosecond") {
  TemporaryFolder folder;
  const std::string path = folder.path("out.pcap");
  std::unique_ptr<PcapWriter> writer;
  REQUIRE(PcapWriter::create(path, 113, &writer).ok());
  constexpr unsigned kFrames = 500;  // more than one buffer
  for (unsigned i = 0; i < kFrames; ++i) {
    Buffer data = payload(i * 11 % 1500, i);
    REQUIRE(writer->write(frame_of(data, 1'700'000'000'000'000'001 + i, 113)).ok());
  }
  REQUIRE(writer->close().ok());
  CHECK(writer->close().ok());
  Reading reading = read_file(path);
  CHECK(reading.end == ReadState::kEnd);
  REQUIRE(reading.frames.size() == kFrames);
  for (unsigned i = 0; i < kFrames; ++i) {
    Buffer data = payload(i * 11 % 1500, i);
    auto origlen = static_cast<uint32_t>(data.size()) + 10;
    CHECK(reading.frames[i] == SeenFrame{1'700'000'000'000'000'001 + i, origlen, 113, 0, 0, data});
  }
}

TEST_CASE("pcap writer: a file without frames is a capture") {
  TemporaryFolder folder;
  std::unique_ptr<PcapWriter> writer;
  REQUIRE(PcapWriter::create(folder.path("none.pcap"), 1, &writer).ok());
  REQUIRE(writer->close().ok());
  CHECK(read_file(folder.path("none.pcap")).end == ReadState::kEnd);
}

TEST_CASE("pcap writer: refuses another link type and clamps a time that does not fit") {
  TemporaryFolder folder;
  std::unique_ptr<PcapWriter> writer;
  REQUIRE(PcapWriter::create(folder.path("out.pcap"), 1, &writer).ok());
  const Buffer data = payload(20);
  CHECK(writer->write(frame_of(data, 0, 113)).code() == StatusCode::kInvalidArgument);
  REQUIRE(writer->write(frame_of(data, capture::kMaxTimeNs)).ok());
  REQUIRE(writer->close().ok());
  Reading reading = read_file(folder.path("out.pcap"));
  REQUIRE(reading.frames.size() == 1);
  CHECK(reading.frames[0].ts_ns == 0xffffffffll * 1'000'000'000 + 999'999'999);
}

TEST_CASE("pcap writer: a folder that is not there is told at once") {
  TemporaryFolder folder;
  std::unique_ptr<PcapWriter> writer;
  Status status = PcapWriter::create(folder.path("absent/out.pcap"), 1, &writer);
  CHECK(status.code() == StatusCode::kIo);
  CHECK(status.message().find("choose a folder that exists") != std::string::npos);
}

TEST_CASE("pcap writer: a full disk is told and stays told") {
  std::unique_ptr<PcapWriter> writer;
  REQUIRE(PcapWriter::create("/dev/full", 1, &writer).ok());
  REQUIRE(writer->write(frame_of(payload(20), 1)).ok());
  Status status = writer->close();
  CHECK(status.code() == StatusCode::kIo);
  CHECK(status.message().find("free some space") != std::string::npos);
  CHECK(writer->close().message() == status.message());
}

}  // namespace
}  // namespace thymus::test
