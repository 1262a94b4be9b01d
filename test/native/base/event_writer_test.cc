#include "base/event_writer.h"

#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "support/event_reader.h"

namespace thymus::test {
namespace {

constexpr uint16_t kType = 9;

// An event writer is large: it lives on the heap here as it does in a lane.
struct Fixture {
  EventLog log;
  std::unique_ptr<EventWriter> writer = std::make_unique<EventWriter>(&log);

  const Event& finish() {
    writer->end();
    REQUIRE_FALSE(log.events.empty());
    return log.events.back();
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "EventWriter: what is written can be read back") {
  writer->begin(kType);
  writer->put_text(1, "text");
  writer->put_bytes(2, {});
  writer->put_bool(3, true);
  writer->put_signed(4, -5);
  writer->put_float(5, 0.5);
  const uint8_t raw[] = {192, 0, 2, 1};
  writer->put_ip(6, IpAddress::v4(raw));
  const Event& e = finish();
  CHECK(e.type == kType);
  CHECK(e.truncations == 0);
  CHECK(e.fields.well_formed());
  CHECK(e.fields.text(1) == "text");
  CHECK(e.fields.has(2));
  CHECK(e.fields.text(2).empty());
  CHECK(e.fields.number(3) == 1);
  CHECK(static_cast<int64_t>(e.fields.number(4)) == -5);
  CHECK(e.fields.number(5) == 0x3fe0000000000000);
  CHECK(e.fields.text(6).size() == 16);
  CHECK_FALSE(e.fields.has(7));
}

TEST_CASE_FIXTURE(Fixture, "EventWriter: numbers take 1, 2, 4 or 8 bytes") {
  struct Case {
    uint64_t value;
    size_t bytes;
  };
  for (const Case& c :
       {Case{0, 1}, Case{0xff, 1}, Case{0x100, 2}, Case{0xffff, 2}, Case{0x10000, 4},
        Case{0xffffffff, 4}, Case{0x100000000, 8}, Case{~0ull, 8}}) {
    CAPTURE(c.value);
    writer->begin(kType);
    writer->put(1, c.value);
    const Event& e = finish();
    CHECK(e.fields.number(1) == c.value);
    CHECK(e.fields.text(1).size() == c.bytes);
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "EventWriter: objects nest to their limit, deeper ones are left out whole") {
  writer->begin(kType);
  for (uint16_t depth = 1; depth <= EventWriter::kMaxDepth + 2; ++depth) writer->open(depth);
  writer->put(100, 1);
  for (int depth = 1; depth <= EventWriter::kMaxDepth + 2; ++depth) writer->close();
  writer->put(200, 2);
  const Event& e = finish();
  CHECK(e.truncations == 2);
  CHECK(e.fields.number(200) == 2);
  std::vector<Fields> at = {e.fields};
  for (uint16_t depth = 1; depth <= EventWriter::kMaxDepth; ++depth) {
    at = at[0].objects(depth);
    REQUIRE(at.size() == 1);
    CHECK(at[0].well_formed());
  }
  CHECK_FALSE(at[0].has(EventWriter::kMaxDepth + 1));
  CHECK_FALSE(at[0].has(100));
}

TEST_CASE_FIXTURE(Fixture, "EventWriter: a full event stays well-formed and counts what it lacks") {
  const std::string text(1000, 'x');
  writer->begin(kType);
  for (int i = 0; i < 40; ++i) writer->put_text(1, text);
  CHECK(writer->truncated());
  writer->put(2, 3);
  const Event& e = finish();
  CHECK(e.fields.well_formed());
  CHECK(e.fields.all(1).size() == EventWriter::kCapacity / 1004);
  CHECK(e.truncations == 40 - EventWriter::kCapacity / 1004);
  CHECK(e.fields.number(2) == 3);
}

TEST_CASE_FIXTURE(Fixture, "EventWriter: an event can be filled to its last byte") {
  writer->begin(kType);
  writer->put_text(1, std::string(EventWriter::kCapacity - 4, 'x'));
  CHECK_FALSE(writer->truncated());
  writer->open(2);
  writer->close();
  const Event& e = finish();
  CHECK(e.truncations == 1);
  CHECK(e.fields.text(1).size() == EventWriter::kCapacity - 4);
}

TEST_CASE_FIXTURE(Fixture, "EventWriter: rewinding takes an object back, open or closed") {
  writer->begin(kType);
  writer->put(1, 1);
  const EventWriter::Mark mark = writer->mark();
  writer->open(2);
  writer->put(3, 3);
  writer->rewind(mark);
  writer->open(2);
  writer->close();
  writer->rewind(mark);
  writer->put(4, 4);
  const Event& e = finish();
  CHECK(e.fields.number(1) == 1);
  CHECK_FALSE(e.fields.has(2));
  CHECK(e.fields.number(4) == 4);
}

TEST_CASE_FIXTURE(Fixture, "EventWriter: of kinds that nobody wants it hands over types alone") {
  const auto wanted = std::make_unique<EventKinds>();
  wanted->set(kType + 1);
  const auto mute = std::make_unique<EventWriter>(&log, wanted.get());
  for (int i = 0; i < 2; ++i) {
    mute->begin(kType);
    mute->put(1, 5);
    mute->open(2);
    const EventWriter::Mark mark = mute->mark();
    mute->put_text(3, "text");
    mute->rewind(mark);
    mute->close();
    mute->put_text(4, "text");
    CHECK_FALSE(mute->truncated());
    mute->end();
  }
  REQUIRE(log.events.size() == 2);
  CHECK(log.events.back().type == kType);
  CHECK(log.events.back().fields.raw().empty());
  CHECK(log.events.back().truncations == 0);
  mute->begin(kType + 1);
  mute->put(1, 5);
  mute->end();
  CHECK(log.events.back().fields.number(1) == 5);
}

TEST_CASE_FIXTURE(Fixture, "EventWriter: begin starts afresh") {
  writer->begin(kType);
  writer->open(1);
  writer->put_text(2, std::string(EventWriter::kCapacity, 'x'));
  writer->begin(kType + 1);
  writer->put(3, 3);
  const Event& e = finish();
  CHECK(e.type == kType + 1);
  CHECK(e.truncations == 0);
  CHECK(e.fields.number(3) == 3);
  CHECK_FALSE(e.fields.has(1));
}

}  // namespace thymus::test
