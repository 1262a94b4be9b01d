#include <algorithm>
#include <random>

#include <doctest/doctest.h>

#include "capture_builder.h"
#include "reading.h"

namespace thymus::test {
namespace {

using capture::ReadState;

enum class Kind { kWhole, kStreamed };  // stable or not

class MergeFixture {
 public:
  // Times in seconds, one frame each.
  MergeFixture& add(const std::vector<uint32_t>& times, Kind kind = Kind::kWhole, Bytes tail = {}) {
    PcapBuilder file;
    for (uint32_t t : times) file.record(t, 0, payload(40, static_cast<unsigned>(files_.size())));
    file.raw(tail);
    files_.push_back(std::make_unique<Buffer>(file.bytes()));
    std::unique_ptr<capture::Source> source;
    Status status = kind == Kind::kWhole
                        ? capture::open_memory(*files_.back(), &source)
                        : capture::open_memory_stream(*files_.back(), 200, &source);
    REQUIRE(status.ok());
    sources_.push_back(std::move(source));
    return *this;
  }
  std::unique_ptr<capture::MergedSource> merge() {
    return capture::merge_sources(std::move(sources_));
  }

 private:
  std::vector<std::unique_ptr<Buffer>> files_;
  std::vector<std::unique_ptr<capture::Source>> sources_;
};

// "seconds/source" of each frame, with its bytes checked against its source.
std::vector<std::string> order_of(const Reading& reading) {
  std::vector<std::string> order;
  for (const SeenFrame& frame : reading.frames) {
    CHECK(frame.data == payload(40, frame.source));
    order.push_back(std::to_string(frame.ts_ns / 1'000'000'000) + "/" +
                    std::to_string(frame.source));
  }
  return order;
}

TEST_CASE("merge: frames come in time order, ties by position") {
  for (Kind kind : {Kind::kWhole, Kind::kStreamed}) {
    MergeFixture fixture;
    fixture.add({1, 4, 4, 9}, kind).add({2, 4, 10}, kind).add({}, kind).add({0, 4}, kind);
    Reading reading = read_all(fixture.merge().get());
    CHECK(reading.end == ReadState::kEnd);
    CHECK(order_of(reading) ==
          std::vector<std::string>{"0/3", "1/0", "2/1", "4/0", "4/0", "4/1", "4/3", "9/0", "10/1"});
  }
}

TEST_CASE("merge: none and one source") {
  CHECK(read_all(MergeFixture().merge().get()).end == ReadState::kEnd);
  Reading reading = read_all(MergeFixture().add({3, 1, 2}).merge().get());
  CHECK(order_of(reading) == std::vector<std::string>{"3/0", "1/0", "2/0"});
}

TEST_CASE("merge: equals a stable sort of all frames, whatever the sources are") {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    MergeFixture fixture;
    std::vector<std::pair<uint32_t, uint32_t>> expected;
    for (uint32_t source = 0; source < 5; ++source) {
      std::vector<uint32_t> times(random() % 700);
      for (uint32_t& t : times) t = random() % 300;
      std::sort(times.begin(), times.end());
      for (uint32_t t : times) expected.emplace_back(t, source);
      fixture.add(times, random() % 2 ? Kind::kWhole : Kind::kStreamed);
    }
    std::stable_sort(expected.begin(), expected.end());
    std::vector<std::string> expected_order;
    for (auto [t, source] : expected) {
      expected_order.push_back(std::to_string(t) + "/" + std::to_string(source));
    }
    CHECK(order_of(read_all(fixture.merge().get())) == expected_order);
  }
}

TEST_CASE("merge: damage ends one source and is remembered, the others go on") {
  const Buffer garbage(16, 0xff);
  for (Kind kind : {Kind::kWhole, Kind::kStreamed}) {
    MergeFixture fixture;
    fixture.add({1, 5}, kind).add({2, 3}, kind, garbage).add({4, 6}, kind);
    auto merged = fixture.merge();
    Reading reading = read_all(merged.get());
    CHECK(order_of(reading) == std::vector<std::string>{"1/0", "2/1", "3/1", "4/2", "5/0", "6/2"});
    CHECK(reading.end == ReadState::kDamaged);
    REQUIRE(merged->errors().size() == 3);
    CHECK(merged->errors()[0].empty());
    CHECK(merged->errors()[1].starts_with("damaged at byte 136: "));
    CHECK(merged->errors()[2].empty());
    CHECK(merged->error() == merged->errors()[1]);
  }
}

TEST_CASE("merge: it is stable when all sources are, and sums their progress") {
  CHECK(MergeFixture().add({1}).add({2}).merge()->stable());
  MergeFixture fixture;
  fixture.add({1}).add({2}, Kind::kStreamed);
  auto merged = fixture.merge();
  CHECK_FALSE(merged->stable());
  const uint64_t file_bytes = 24 + 16 + 40;
  CHECK(merged->progress().bytes_total == 2 * file_bytes);
  read_all(merged.get());
  CHECK(merged->progress().bytes_read == 2 * file_bytes);
}

}  // namespace
}  // namespace thymus::test
