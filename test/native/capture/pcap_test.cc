#include <doctest/doctest.h>

#include "capture_builder.h"
#include "reading.h"

namespace thymus::test {
namespace {

using capture::ReadState;

constexpr int64_t kSecond = 1'000'000'000;
constexpr size_t kHeaderBytes = 24;

TEST_CASE("pcap: reads every variant in both byte orders") {
  struct Variant {
    const char* name;
    uint32_t magic;
    size_t extra_header_bytes;
    int64_t fraction_ns;
  };
  const Variant variants[] = {{"microseconds", 0xa1b2c3d4, 0, 1000},
                              {"nanoseconds", 0xa1b23c4d, 0, 1},
                              {"modified", 0xa1b2cd34, 8, 1000}};
  for (const Variant& v : variants) {
    for (ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
      CAPTURE(v.name);
      CAPTURE(static_cast<int>(order));
      PcapBuilder file({.magic = v.magic,
                        .order = order,
                        .network = 113,
                        .extra_header_bytes = v.extra_header_bytes});
      file.record(1'700'000'000, 123'456, payload(60)).record(1'700'000'001, 7, payload(9), 1500);
      Reading reading = read_bytes(file.bytes());
      CHECK(reading.end == ReadState::kEnd);
      REQUIRE(reading.frames.size() == 2);
      CHECK(reading.frames[0] == SeenFrame{1'700'000'000 * kSecond + 123'456 * v.fraction_ns, 60,
                                           113, 0, 0, payload(60)});
      CHECK(reading.frames[1] ==
            SeenFrame{1'700'000'001 * kSecond + 7 * v.fraction_ns, 1500, 113, 0, 0, payload(9)});
    }
  }
}

TEST_CASE("pcap: masks the FCS bits of the link type") {
  PcapBuilder file({.network = 0x54000000 | 105});
  Reading reading = read_bytes(file.record(1, 0, payload(4)).bytes());
  CHECK(reading.frames.at(0).link_type == 105);
}

TEST_CASE("pcap: raises the original length to the captured one") {
  Reading reading = read_bytes(PcapBuilder().record(1, 0, payload(80), 40).bytes());
  CHECK(reading.frames.at(0).origlen == 80);
  CHECK(reading.frames.at(0).data == payload(80));
}

TEST_CASE("pcap: knows the exchanged lengths of versions before 2.4") {
  Buffer data = payload(40);
  PcapBuilder old({.minor = 2});
  old.record_header(1, 0, 90, 40).raw(data);
  CHECK(read_bytes(old.bytes()).frames.at(0) == SeenFrame{kSecond, 90, 1, 0, 0, data});

  PcapBuilder mixed({.minor = 3});
  mixed.record_header(1, 0, 90, 40).raw(data).record_header(2, 0, 40, 90).raw(data);
  Reading reading = read_bytes(mixed.bytes());
  REQUIRE(reading.frames.size() == 2);
  CHECK(reading.frames[0] == SeenFrame{kSecond, 90, 1, 0, 0, data});
  CHECK(reading.frames[1] == SeenFrame{2 * kSecond, 90, 1, 0, 0, data});
}

TEST_CASE("pcap: gives blocks of 256 frames and an empty frame as a frame") {
  PcapBuilder file;
  for (unsigned i = 0; i < 600; ++i) file.record(i, 0, payload(i % 70, i));
  std::unique_ptr<capture::Source> source = must_open(file.bytes());
  capture::Block block;
  for (size_t expected : {256u, 256u, 88u}) {
    REQUIRE(source->next(&block) == ReadState::kFrames);
    CHECK(block.size() == expected);
  }
  CHECK(source->next(&block) == ReadState::kEnd);
  CHECK(read_bytes(file.bytes()).frames.at(70).data.empty());
}

TEST_CASE("pcap: a header alone is an empty capture") {
  Reading reading = read_bytes(PcapBuilder().bytes());
  CHECK(reading.frames.empty());
  CHECK(reading.end == ReadState::kEnd);
}

TEST_CASE("pcap: a fraction beyond a second is clamped, and the latest time fits") {
  PcapBuilder file;
  file.record(7, 1'000'000, payload(1)).record(0xffffffff, 0xffffffff, payload(1));
  Reading reading = read_bytes(file.bytes());
  REQUIRE(reading.frames.size() == 2);
  CHECK(reading.frames[0].ts_ns == 8 * kSecond - 1);
  CHECK(reading.frames[1].ts_ns == (int64_t{1} << 32) * kSecond - 1);
}

TEST_CASE("pcap: an absurd length is damage with its place, and frames before it stay") {
  PcapBuilder file;
  file.record(1, 0, payload(20)).record_header(2, 0, 0x7fffffff, 0x7fffffff).raw(payload(500));
  Reading reading = read_bytes(file.bytes());
  CHECK(reading.frames.size() == 1);
  CHECK(reading.end == ReadState::kDamaged);
  CHECK(reading.error ==
        "damaged at byte 60: the record claims 2147483647 captured bytes, which is more than a "
        "frame can have; everything before it was read, copy or record it again for the rest");
  CHECK(read_streamed(file.bytes(), 16) == reading);
}

TEST_CASE("pcap: accepts the largest frame and not one byte more") {
  Buffer largest = payload(capture::kMaxFrameBytes);
  Reading reading = read_bytes(PcapBuilder().record(1, 0, largest).bytes());
  CHECK(reading.frames.at(0).data == largest);
  largest.push_back(0);
  CHECK(read_bytes(PcapBuilder().record(1, 0, largest).bytes()).end == ReadState::kDamaged);
}

TEST_CASE("pcap: every truncation keeps what came before") {
  for (ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
    PcapBuilder file({.order = order});
    file.record(1, 0, payload(30)).record(2, 0, payload(0)).record(3, 0, payload(50, 2));
    CHECK(check_every_prefix(file.bytes(), kHeaderBytes) == 3);  // after 0, 1 and 2 records
  }
}

TEST_CASE("pcap: a cut within a record names the record's place") {
  Buffer file = PcapBuilder().record(1, 0, payload(30)).record(2, 0, payload(30)).bytes();
  file.pop_back();
  CHECK(read_bytes(file).error ==
        "damaged at byte 70: the capture ends within the record there; everything before it was "
        "read, copy or record it again for the rest");
}

TEST_CASE("pcap: refuses a version that nothing writes") {
  Buffer file = PcapBuilder().bytes();
  file[4] = 9;
  std::unique_ptr<capture::Source> source;
  Status status = capture::open_memory(file, &source);
  CHECK(status.code() == StatusCode::kNotACapture);
  CHECK(status.message().find("unknown version") != std::string::npos);
}

TEST_CASE("pcap: no change of one byte breaks the reader") {
  const Buffer file = PcapBuilder().record(1, 0, payload(30)).record(2, 0, payload(9)).bytes();
  for (size_t at = kHeaderBytes; at < file.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Buffer changed = file;
      changed[at] = static_cast<uint8_t>(changed[at] ^ 1 << bit);
      CAPTURE(at);
      CHECK(read_bytes(changed) == read_streamed(changed, 5));
    }
  }
}

}  // namespace
}  // namespace thymus::test
