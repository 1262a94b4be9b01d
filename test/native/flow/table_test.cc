#include <algorithm>
#include <cmath>
#include <random>
#include <unordered_map>

#include <doctest/doctest.h>

#include "flow/flow_table.h"
#include "flow/packet_clock.h"
#include "flow/payload_stats.h"
#include "flow/state_pool.h"
#include "flow/tcp_tracker.h"
#include "flow/timer_wheel.h"
#include "flow_fixture.h"

using namespace thymus;
using namespace thymus::test;
using flow::FlowKey;
using flow::FlowTable;

namespace {

FlowKey key_of(uint32_t n) {
  FlowKey key{};
  key.a = ip4(10, 0, 0, 1);
  key.b =
      ip4(10, static_cast<uint8_t>(n >> 16), static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n));
  key.protocol = 6;
  return key;
}

// Few distinct hashes, so that probes run long and deletions shift.
uint64_t crowded_hash(uint32_t n) { return n % 37; }

}  // namespace

TEST_CASE("flow table: holds what an ordinary map holds, through any inserts and erasures") {
  FlowTable table(256);
  std::unordered_map<uint32_t, uint32_t> oracle;
  std::mt19937 random(7);
  for (int step = 0; step < 20000; ++step) {
    const uint32_t n = random() % 400;
    const FlowKey key = key_of(n);
    const uint32_t position = table.find(key, crowded_hash(n));
    const auto known = oracle.find(n);
    REQUIRE((position == flow::kNoIndex) == (known == oracle.end()));
    if (known != oracle.end()) {
      REQUIRE(position == known->second);
      table.erase(position);
      oracle.erase(known);
    } else if (!table.full()) {
      oracle[n] = table.insert(key, crowded_hash(n));
    }
    REQUIRE(table.size() == oracle.size());
  }
}

TEST_CASE("flow table: extras are zeros until made, and again zeros for the next flow") {
  FlowTable table(16);
  const uint32_t first = table.insert(key_of(1), 1), second = table.insert(key_of(2), 2);
  CHECK(table.extras(table[first]).name_hash == 0);
  table.make_extras(&table[first]).name_hash = 7;
  table.make_extras(&table[first]).tunnel_id = 8;
  CHECK(table.extras(table[first]).name_hash == 7);
  CHECK(table.extras(table[first]).tunnel_id == 8);
  CHECK(table.extras(table[second]).name_hash == 0);
  table.erase(first);
  CHECK(table.make_extras(&table[second]).name_hash == 0);
  CHECK(table.extras(table[table.insert(key_of(3), 3)]).tunnel_id == 0);
}

TEST_CASE("history: every letter of both sides in the order in which they came") {
  flow::Flow flow{};
  flow.flags = flow::flow_flag::kOriginatorGuessed;
  std::string want = "^";
  for (size_t i = 0; i < flow::kHistoryMost; ++i) {
    const size_t place = i * 7 % flow::kHistoryLetters.size();
    const int dir = i < flow::kHistoryLetters.size() ? 1 : 0;
    flow::append_history(place, dir, &flow);
    const char letter = flow::kHistoryLetters[place];
    want += dir == 0 ? static_cast<char>(letter - 'a' + 'A') : letter;
    CHECK(flow::history_of(flow).view() == want);
  }
  CHECK(want.size() == flow::kHistoryMost + 1);
}

TEST_CASE("timer wheel: fires at its tick, near or far, unless removed") {
  flow::TimerWheel wheel(64);
  wheel.start(1000);
  const uint32_t near = 1, far = 2, gone = 3;
  wheel.insert(near, 1005);
  wheel.insert(far, 5000);
  wheel.insert(gone, 1005);
  wheel.remove(gone);
  std::vector<uint32_t> due;
  while (due.empty()) wheel.step(&due);
  CHECK(wheel.now() == 1005);
  CHECK(due == std::vector<uint32_t>{near});
  due.clear();
  while (due.empty()) wheel.step(&due);
  CHECK(due == std::vector<uint32_t>{far});
  CHECK(wheel.now() < 5000);  // as far as the wheel reaches; the owner puts it back
  CHECK(wheel.empty());
}

TEST_CASE("timer wheel: a list keeps its others when any of them leaves") {
  for (uint32_t leaves = 0; leaves < 4; ++leaves) {
    flow::TimerWheel wheel(4);
    wheel.start(0);
    for (uint32_t i = 0; i < 4; ++i) wheel.insert(i, 3);
    wheel.remove(leaves);
    wheel.remove(leaves);
    std::vector<uint32_t> due;
    for (int tick = 0; tick < 3; ++tick) wheel.step(&due);
    std::sort(due.begin(), due.end());
    std::vector<uint32_t> others = {0, 1, 2, 3};
    std::erase(others, leaves);
    CHECK(due == others);
    CHECK(wheel.empty());
  }
}

TEST_CASE("packet clock: never goes back, and keeps its pace after the capture's clock was set") {
  flow::PacketClock clock;
  CHECK(clock.advance(100 * kSec) == 100 * kSec);
  CHECK(clock.advance(99 * kSec) == 100 * kSec);
  CHECK(clock.advance(101 * kSec) == 101 * kSec);
  CHECK(clock.advance(1 * kSec) == 101 * kSec);
  CHECK(clock.advance(3 * kSec) == 103 * kSec);
  CHECK(clock.backwards() == 2);
  CHECK(clock.jumps() == 1);
}

TEST_CASE("payload stats: equal the definition") {
  std::mt19937 random(3);
  for (const size_t size : {1u, 2u, 60u, 255u, 256u, 1000u}) {
    for (const unsigned values : {1u, 3u, 256u}) {
      std::vector<uint8_t> bytes(size);
      for (auto& b : bytes) b = static_cast<uint8_t>(random() % values);
      const size_t n = std::min<size_t>(size, flow::kEntropyBytes);
      double counts[256] = {};
      for (size_t i = 0; i < n; ++i) ++counts[bytes[i]];
      double bits = 0;
      for (const double c : counts) {
        if (c > 0) bits -= c / static_cast<double>(n) * std::log2(c / static_cast<double>(n));
      }
      CHECK(std::abs(flow::payload_stats(bytes).entropy - bits * 31) <= 1);
    }
  }
  const uint8_t text[] = {'a', ' ', '\n', 0};
  CHECK(flow::payload_stats(text).printable == 3 * 254 / 4);
}

TEST_CASE("payload stats: a gap is quantised within one step of its definition") {
  for (const int64_t us : {0, 1, 2, 5, 10, 100, 1000, 30000, 1000000, 60000000}) {
    const double want = std::min(255.0, std::round(10 * std::log2(1.0 + static_cast<double>(us))));
    CHECK(std::abs(flow::quantise_gap(us * 1000) - want) <= 1);
  }
}

TEST_CASE("state pool: gives zeroed blocks, takes them back, ends at its limit") {
  flow::StatePool pool(64 * 16);
  const uint32_t a = pool.allocate(100);  // 128 bytes
  REQUIRE(a != flow::kNoIndex);
  std::memset(pool.at(a), 0xff, 100);
  pool.free(a, 100);
  const uint32_t b = pool.allocate(100);
  CHECK(b == a);
  for (int i = 0; i < 100; ++i) REQUIRE(static_cast<uint8_t*>(pool.at(b))[i] == 0);
  int more = 0;
  while (pool.allocate(64) != flow::kNoIndex) ++more;
  CHECK(more == 14);
}

TEST_CASE("state pool: blocks of all sizes do not overlap, and none is a quarter too large") {
  for (size_t bytes = 1; bytes < 70'000; bytes = bytes * 9 / 8 + 1) {
    flow::StatePool pool(1 << 20);
    const uint32_t a = pool.allocate(bytes), b = pool.allocate(bytes);
    const auto distance =
        static_cast<size_t>(static_cast<uint8_t*>(pool.at(b)) - static_cast<uint8_t*>(pool.at(a)));
    CHECK(distance >= bytes);
    CHECK(distance <= std::max<size_t>(bytes + 15, bytes * 5 / 4));
  }
}
