#include <doctest/doctest.h>

#include "capture/pcapng_format.h"
#include "capture_builder.h"
#include "reading.h"

namespace thymus::test {
namespace {

using capture::ReadState;

constexpr int64_t kSecond = 1'000'000'000;

std::string damage_of(const Buffer& file) {
  Reading reading = read_bytes(file);
  CHECK(reading.end == ReadState::kDamaged);
  CHECK(read_streamed(file, 16) == reading);
  return reading.error;
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("pcapng: reads all packet blocks in both byte orders") {
  for (ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
    CAPTURE(static_cast<int>(order));
    PcapngBuilder file(order);
    file.interface(113).packet(0, 5'000'001, payload(61), 1400);
    file.old_packet(0, 6'000'000, payload(30)).simple_packet(33, payload(33));
    Reading reading = read_bytes(file.bytes());
    CHECK(reading.end == ReadState::kEnd);
    REQUIRE(reading.frames.size() == 3);
    CHECK(reading.frames[0] == SeenFrame{5 * kSecond + 1000, 1400, 113, 0, 0, payload(61)});
    CHECK(reading.frames[1] == SeenFrame{6 * kSecond, 30, 113, 0, 0, payload(30)});
    CHECK(reading.frames[2] == SeenFrame{6 * kSecond, 33, 113, 0, 0, payload(33)});
  }
}

TEST_CASE("pcapng: each interface has its link type, resolution and offset") {
  PcapngBuilder file;
  file.interface(1, 0, file.clock(9)).interface(113, 0, file.clock(0x80 | 10, 100));
  file.interface(101, 0, file.clock(6, -2));
  file.packet(2, 3'000'000, payload(1)).packet(0, 42, payload(2)).packet(1, 512, payload(3));
  Reading reading = read_bytes(file.bytes());
  REQUIRE(reading.frames.size() == 3);
  CHECK(reading.frames[0] == SeenFrame{kSecond, 1, 101, 2, 0, payload(1)});
  CHECK(reading.frames[1] == SeenFrame{42, 2, 1, 0, 0, payload(2)});
  CHECK(reading.frames[2] == SeenFrame{100 * kSecond + kSecond / 2, 3, 113, 1, 0, payload(3)});
}

TEST_CASE("pcapng: a new section brings its byte order and its own interfaces") {
  PcapngBuilder file(ByteOrder::kLittle);
  file.interface(1).packet(0, 1'000'000, payload(5));
  file.section(ByteOrder::kBig).interface(113).packet(0, 2'000'000, payload(6));
  Reading reading = read_bytes(file.bytes());
  REQUIRE(reading.frames.size() == 2);
  CHECK(reading.frames[1] == SeenFrame{2 * kSecond, 6, 113, 1, 0, payload(6)});

  file.section(ByteOrder::kLittle).packet(0, 3'000'000, payload(7));
  CHECK(contains(damage_of(file.bytes()), "names interface 0, which was not described"));
}

TEST_CASE("pcapng: unknown blocks are skipped") {
  PcapngBuilder file;
  file.block(0x0bad, file.body().u32(32473).raw(payload(40))).interface();
  file.block(5, file.body().u32(0).u64(0)).packet(0, 1, payload(8));
  file.block(0x80000001, file.body());
  Reading reading = read_bytes(file.bytes());
  CHECK(reading.end == ReadState::kEnd);
  CHECK(reading.frames.size() == 1);
}

TEST_CASE("pcapng: the snap length bounds a simple packet") {
  PcapngBuilder file;
  file.interface(1, 20).simple_packet(1500, payload(20));
  Reading reading = read_bytes(file.bytes());
  CHECK(reading.frames.at(0) == SeenFrame{0, 1500, 1, 0, 0, payload(20)});
}

TEST_CASE("pcapng: the original length is raised to the captured one") {
  PcapngBuilder file;
  CHECK(read_bytes(file.interface().packet(0, 1, payload(50), 3).bytes()).frames.at(0).origlen ==
        50);
}

TEST_CASE("pcapng: broken options of an interface leave its defaults") {
  PcapngBuilder file;
  file.interface(1, 0, file.body().u16(9).u16(60000).u32(0)).packet(0, 1'000'000, payload(4));
  CHECK(read_bytes(file.bytes()).frames.at(0).ts_ns == kSecond);
}

TEST_CASE("pcapng: damage says what is wrong and where") {
  auto file = [] { return PcapngBuilder().interface().packet(0, 1, payload(4)); };
  const size_t at = file().bytes().size();
  const std::string place = "damaged at byte " + std::to_string(at) + ": ";
  struct Case {
    const char* why;
    Buffer bytes;
  };
  auto body = [] { return OrderedBytes(ByteOrder::kLittle); };
  const Case cases[] = {
      {"claims a length of 8 bytes", file().raw(body().u32(6).u32(8).u32(8).bytes()).bytes()},
      {"claims a length of 33 bytes",
       file().raw(body().u32(6).u32(33).raw(payload(40)).bytes()).bytes()},
      {"more than 16 MiB",
       file().raw(body().u32(6).u32(capture::kMaxPcapngBlockBytes + 4).u32(0).bytes()).bytes()},
      {"two lengths of the block differ",
       file().raw(body().u32(5).u32(16).u32(0).u32(20).bytes()).bytes()},
      {"packet block is too short", file().block(6, body().u32(0).u64(0)).bytes()},
      {"packet block is too short", file().block(3, body()).bytes()},
      {"interface description is too short", file().block(1, body().u32(1)).bytes()},
      {"names interface 7", file().packet(7, 1, payload(4)).bytes()},
      {"claims 99 captured bytes in a block of 36",
       file().block(6, body().u32(0).u64(0).u32(99).u32(99).raw(payload(4))).bytes()},
      {"claims 900 captured bytes", file().simple_packet(900, payload(8)).bytes()},
      {"no byte-order magic", file().block(0x0a0d0d0a, body().u32(1).u32(1).u64(0)).bytes()},
      {"unknown version", file().block(0x0a0d0d0a, body().u32(0x1a2b3c4d).u32(7).u64(0)).bytes()},
      {"ends within the record", file().raw(payload(11)).bytes()},
  };
  for (const Case& c : cases) {
    CAPTURE(c.why);
    CHECK(read_bytes(c.bytes).frames.size() == 1);
    const std::string error = damage_of(c.bytes);
    CHECK(error.starts_with(place));
    CHECK_MESSAGE(contains(error, c.why), error);
  }
}

TEST_CASE("pcapng: a packet before any interface is damage") {
  CHECK(contains(damage_of(PcapngBuilder().packet(0, 1, payload(4)).bytes()), "interface 0"));
  CHECK(contains(damage_of(PcapngBuilder().simple_packet(4, payload(4)).bytes()), "interface 0"));
}

TEST_CASE("pcapng: more than 65535 interfaces are damage") {
  PcapngBuilder file;
  for (int i = 0; i < 65535; ++i) file.interface();
  CHECK(read_bytes(file.bytes()).end == ReadState::kEnd);
  CHECK(contains(damage_of(file.interface().bytes()), "more than 65535 interfaces"));
}

TEST_CASE("pcapng: a section header of a wrong version or order is no capture") {
  for (size_t at : {8u, 12u}) {
    Buffer file = PcapngBuilder().bytes();
    file[at] ^= 0xff;
    std::unique_ptr<capture::Source> source;
    CHECK(capture::open_memory(file, &source).code() == StatusCode::kNotACapture);
  }
}

TEST_CASE("pcapng: every truncation keeps what came before") {
  for (ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
    PcapngBuilder file(order);
    file.interface(1, 0, file.clock(9)).packet(0, 1, payload(30)).packet(0, 2, payload(5));
    CHECK(check_every_prefix(file.bytes(), capture::kPcapngHeaderBytes) == 3);
  }
}

TEST_CASE("pcapng: no change of one byte breaks the reader") {
  PcapngBuilder builder;
  builder.interface(1, 0, builder.clock(9)).packet(0, 1, payload(30)).simple_packet(4, payload(4));
  for (size_t at = capture::kPcapngHeaderBytes; at < builder.bytes().size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Buffer changed = builder.bytes();
      changed[at] = static_cast<uint8_t>(changed[at] ^ 1 << bit);
      CAPTURE(at);
      CHECK(read_bytes(changed) == read_streamed(changed, 5));
    }
  }
}

}  // namespace
}  // namespace thymus::test
