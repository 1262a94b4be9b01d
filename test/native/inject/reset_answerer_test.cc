#include "inject/reset_answerer.h"

#include <doctest/doctest.h>

#include "inject/tcp_segment.h"
#include "support/mangle.h"

namespace thymus::inject {
namespace {

using namespace test;
namespace tcp_flag = decode::tcp_flag;

constexpr uint8_t kSyn = tcp_flag::kSyn, kRst = tcp_flag::kRst, kAck = tcp_flag::kAck;
constexpr HashKey kKey{1, 2};
constexpr int64_t kStartNs = 1'000'000'000'000, kMs = 1'000'000, kSecond = 1'000 * kMs;
const Link kLink{{0x02, 0, 0, 0, 0, 0x99}, std::nullopt};

ResetTarget host(const std::string& address) { return {ip_address(address), std::nullopt, 0}; }
ResetTarget edge(const std::string& from, const std::string& to, uint16_t port) {
  return {ip_address(from), ip_address(to), port};
}

struct Tap {
  ResetAnswerer answerer;
  explicit Tap(std::vector<ResetTarget> targets, uint32_t per_second = 1000)
      : answerer(per_second, kKey) {
    answerer.set_targets(targets);
  }
  Answer sees(const std::vector<uint8_t>& frame, int64_t now_ns = kStartNs) {
    return answerer.answer(frame, static_cast<uint32_t>(frame.size()), now_ns, kLink);
  }
  bool answers(const std::vector<uint8_t>& frame, int64_t now_ns = kStartNs) {
    return sees(frame, now_ns).n == 2;
  }
};

TEST_CASE("ResetAnswerer: a host is answered in both directions, others are not") {
  Tap tap({host(kClient)});
  CHECK(tap.answers(segment(kAck)));
  CHECK(tap.answers(segment(kAck, reversed({}))));
  CHECK_FALSE(tap.answers(segment(kAck, {kOther, kServer})));
  CHECK_FALSE(tap.answers(segment(kAck, {kClient6, kServer6})));
  CHECK(tap.answerer.counts().segments == 2);
  CHECK(tap.answerer.counts().answered == 2);
}

TEST_CASE("ResetAnswerer: an edge is one service of one host as the other one calls it") {
  Tap tap({edge(kClient, kServer, 443)});
  const Ends ends;
  CHECK(tap.answers(segment(kAck, ends)));
  CHECK(tap.answers(segment(kAck, reversed(ends))));
  CHECK_FALSE(tap.answers(segment(kAck, {kClient, kServer, 40000, 80})));
  CHECK_FALSE(tap.answers(segment(kAck, {kClient, kServer, 443, 40000})));
  CHECK_FALSE(tap.answers(segment(kAck, {kOther, kServer})));
  CHECK_FALSE(tap.answers(segment(kAck, {kServer, kOther})));
}

TEST_CASE("ResetAnswerer: an edge without a port is all that two hosts have") {
  Tap tap({edge(kClient6, kServer6, 0)});
  CHECK(tap.answers(segment(kAck, {kClient6, kServer6, 1, 2})));
  CHECK(tap.answers(segment(kAck, {kServer6, kClient6, 3, 4})));
}

TEST_CASE("ResetAnswerer: what a host is held to is spared, in both directions") {
  ResetTarget held = host(kClient);
  held.spared = {{ip_address(kClient), ip_address(kServer), 443},
                 {ip_address(kOther), ip_address(kClient), 22}};
  Tap tap({held});
  const Ends https{kClient, kServer, 40000, 443}, ssh{kOther, kClient, 40000, 22};
  for (const Ends& ends : {https, reversed(https), ssh, reversed(ssh)}) {
    CHECK_FALSE(tap.answers(segment(kAck, ends)));
  }
  const Ends other_port{kClient, kServer, 40000, 80}, other_way{kClient, kOther, 40000, 22};
  for (const Ends& ends : {other_port, reversed(other_port), other_way, reversed(other_way)}) {
    CHECK(tap.answers(segment(kAck, ends)));
  }
  CHECK(tap.answerer.counts().segments == 4);
}

TEST_CASE("ResetAnswerer: resets are never answered, its own among them") {
  Tap tap({host(kClient)});
  CHECK_FALSE(tap.answers(segment(kRst)));
  CHECK_FALSE(tap.answers(segment(kRst | kAck)));
  const Answer own = tap.sees(segment(kAck));
  for (size_t i = 0; i < own.n; ++i) {
    const Bytes frame = own.frames[i].bytes();
    CHECK(tap.sees({frame.begin(), frame.end()}).n == 0);
  }
  CHECK(tap.answerer.counts().resets_seen == 4);
}

TEST_CASE("ResetAnswerer: without targets nothing is answered, nor what is no target any more") {
  Tap tap({});
  CHECK_FALSE(tap.answers(segment(kAck)));
  tap.answerer.set_targets(std::vector{host(kClient)});
  CHECK(tap.answers(segment(kAck)));
  tap.answerer.set_targets({});
  CHECK_FALSE(tap.answers(segment(kAck)));
  CHECK(tap.answerer.states().empty());
}

TEST_CASE("ResetAnswerer: fragments of a target are counted and not answered") {
  Tap tap({host(kClient)});
  auto fragment = segment(kAck);
  fragment[14 + 6] = 0x20;
  CHECK_FALSE(tap.answers(fragment));
  CHECK(tap.answerer.counts().unanswerable == 1);
}

TEST_CASE("ResetAnswerer: one connection takes a burst and then twenty a second") {
  Tap tap({host(kClient)});
  int answered = 0;
  for (int i = 0; i < 1000; ++i) answered += tap.answers(segment(kAck), kStartNs + i * kMs);
  CHECK(answered >= 35);
  CHECK(answered <= 36);
  CHECK(tap.answers(segment(kAck, {kClient, kServer, 40001, 443}), kStartNs + kSecond));
  CHECK(tap.answerer.counts().held_back == 1000 - static_cast<uint64_t>(answered));
}

TEST_CASE("ResetAnswerer: all connections together stay below the rate") {
  Tap tap({host(kClient)}, 100);
  int answered = 0;
  for (unsigned i = 0; i < 4000; ++i) {
    answered += tap.answers(segment(kAck, {kClient, kServer, 1024 + i, 443}), kStartNs + i * kMs);
  }
  // 100 at once and 100 in each of four seconds, two for a segment.
  CHECK(answered >= 249);
  CHECK(answered <= 251);
}

TEST_CASE("ResetAnswerer: each end is spoken for with the hop limit that was seen of it") {
  Tap tap({host(kClient)});
  auto from_server = segment(kAck, reversed({}));
  constexpr size_t kTtl = 14 + 8;
  from_server[kTtl] = 113;
  const auto ttl = [](const ResetFrame& frame) { return view_of(frame.bytes()).ttl; };
  const Answer first = tap.sees(from_server);
  REQUIRE(first.n == 2);
  CHECK(ttl(first.frames[0]) == 64);
  CHECK(ttl(first.frames[1]) == 113);
  const Answer second = tap.sees(segment(kAck));
  REQUIRE(second.n == 2);
  CHECK(ttl(second.frames[0]) == 113);
  CHECK(ttl(second.frames[1]) == 64);
}

TEST_CASE("ResetAnswerer: a connection that goes on after a second has outlived its resets") {
  Tap tap({host(kClient), host(kOther)});
  const auto outlived = [&](size_t i) { return tap.answerer.states()[i].outlived_ns; };
  CHECK(tap.answers(segment(kAck)));
  CHECK(tap.answers(segment(kAck), kStartNs + kSecond / 2));
  CHECK(outlived(0) == 0);
  CHECK(tap.answers(segment(kAck), kStartNs + 2 * kSecond));
  CHECK(outlived(0) == kStartNs + 2 * kSecond);
  CHECK(outlived(1) == 0);
  CHECK(tap.answerer.states()[0].answered == 3);
  SUBCASE("and keeps that when other targets come and go") {
    tap.answerer.set_targets(std::vector{host(kServer6), host(kClient)});
    CHECK(outlived(0) == 0);
    CHECK(outlived(1) == kStartNs + 2 * kSecond);
    CHECK(tap.answerer.states()[1].answered == 3);
  }
}

TEST_CASE("ResetAnswerer: whoever tries again has not outlived anything") {
  Tap tap({host(kClient)});
  CHECK(tap.answers(segment(kSyn)));
  CHECK(tap.answers(segment(kSyn), kStartNs + 3 * kSecond));
  CHECK(tap.answers(segment(kSyn), kStartNs + 6 * kSecond));
  CHECK(tap.answerer.states()[0].outlived_ns == 0);
}

TEST_CASE("ResetAnswerer: survives damage, and answers for its targets alone") {
  for (const Ends& ends : {Ends{}, Ends{kClient6, kServer6}}) {
    Tap tap({edge(ends.from, ends.to, 443)}, 1'000'000);
    int64_t now_ns = kStartNs;
    mangle(segment(kAck, ends, "hello"), [&](Bytes frame) {
      now_ns += kSecond;
      const Answer answer =
          tap.answerer.answer(frame, static_cast<uint32_t>(frame.size()), now_ns, kLink);
      for (size_t i = 0; i < answer.n; ++i) {
        const auto view = view_of(answer.frames[i].bytes());
        CHECK(tap.answerer.states()[0].answered > 0);
        CHECK(edge(ends.from, ends.to, 443).covers(view));
      }
    });
  }
}

}  // namespace
}  // namespace thymus::inject
