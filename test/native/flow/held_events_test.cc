#include "flow/held_events.h"

#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace thymus;
using flow::HeldEvents;

namespace {

HeldEvents::Event event(std::string_view text, int64_t since_ns = 0) {
  return {7, as_bytes(text), 1, true, false, 100, since_ns};
}

std::string front_text(const HeldEvents& held, uint32_t position) {
  const Bytes fields = held.front(position).fields;
  return {fields.begin(), fields.end()};
}

std::vector<uint32_t> waiting_since(const HeldEvents& held, int64_t since_ns) {
  std::vector<uint32_t> positions;
  held.waiting_since(since_ns, &positions);
  return positions;
}

}  // namespace

TEST_CASE("held events: each flow gets its own back in order") {
  HeldEvents held(4);
  CHECK(held.oldest() == flow::kNoIndex);
  REQUIRE(held.add(2, true, event("a")));
  REQUIRE(held.add(3, true, event("")));
  REQUIRE(held.add(2, false, event("a longer one")));
  CHECK(held.oldest() == 2);
  const HeldEvents::Event first = held.front(2);
  CHECK(first.type == 7);
  CHECK(first.truncations == 1);
  CHECK(first.from_originator);
  CHECK_FALSE(first.by_originator);
  CHECK(first.end_seq == 100);
  CHECK(held.pop(2));
  CHECK(front_text(held, 2) == "a longer one");
  CHECK(held.oldest() == 3);
  CHECK_FALSE(held.pop(2));
  CHECK(front_text(held, 3).empty());
  CHECK_FALSE(held.pop(3));
  CHECK(held.oldest() == flow::kNoIndex);
}

TEST_CASE("held events: those that wait too long are told, the oldest first") {
  HeldEvents held(4);
  REQUIRE(held.add(0, true, event("x", 10)));
  REQUIRE(held.add(1, true, event("y", 20)));
  REQUIRE(held.add(0, false, event("z", 30)));
  CHECK(waiting_since(held, 9).empty());
  CHECK(waiting_since(held, 20) == std::vector<uint32_t>{0, 1});
  held.pop(1);
  CHECK(waiting_since(held, 30) == std::vector<uint32_t>{0, 0});
}

TEST_CASE("held events: the ring takes what fits, over its end and on") {
  HeldEvents held(1);
  std::deque<std::string> kept;
  size_t n_refused = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::string text(static_cast<size_t>(round) * 977 % 32'000, static_cast<char>(round));
    if (held.add(0, kept.empty(), event(text))) {
      kept.push_back(text);
      continue;
    }
    ++n_refused;
    for (int i = 0; i < 40; ++i) {
      REQUIRE(front_text(held, 0) == kept.front());
      kept.pop_front();
      REQUIRE(held.pop(0) == !kept.empty());
    }
  }
  CHECK(n_refused > 20);
  CHECK(kept.size() > 100);
}
