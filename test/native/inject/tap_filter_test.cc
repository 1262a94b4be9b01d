#include "inject/tap_filter.h"

#include <doctest/doctest.h>
#include <pcap/pcap.h>

#include "inject/tcp_segment.h"
#include "support/mangle.h"

namespace thymus::inject {
namespace {

using namespace test;

constexpr unsigned kAck = decode::tcp_flag::kAck;

ResetTarget host(const std::string& address) { return {ip_address(address), std::nullopt, 0}; }

// As the kernel runs it: how many bytes are taken.
unsigned taken(const std::vector<sock_filter>& code, Bytes frame) {
  std::vector<bpf_insn> program;
  for (const sock_filter& one : code) program.push_back({one.code, one.jt, one.jf, one.k});
  const auto size = static_cast<unsigned>(frame.size());
  return bpf_filter(program.data(), frame.data(), size, size);
}

TEST_CASE("tap_filter: takes TCP of a host in both directions") {
  const auto code = tap_filter(std::vector{host(kClient), host(kClient6)});
  const Ends v4, v6{kClient6, kServer6};
  for (const Ends& ends : {v4, reversed(v4), v6, reversed(v6)}) {
    CHECK(taken(code, segment(kAck, ends)) == kHeadBytes);
  }
}

TEST_CASE("tap_filter: leaves other hosts, UDP and other protocols") {
  const auto code = tap_filter(std::vector{host(kClient), host(kClient6)});
  CHECK(taken(code, segment(kAck, {kOther, kServer})) == 0);
  CHECK(taken(code, segment(kAck, {"fd00::6", kServer6})) == 0);
  CHECK(taken(code, Packet().ethernet().ipv4(kClient, kServer).udp(1, 2).bytes()) == 0);
  CHECK(taken(code, Packet().ethernet(0x86dd).ipv6(kClient6, kServer6).udp(1, 2).bytes()) == 0);
  CHECK(taken(code, Packet().ethernet(0x0806).zeros(28).bytes()) == 0);
}

TEST_CASE("tap_filter: looks behind a VLAN tag") {
  const auto code = tap_filter(std::vector{host(kClient), host(kClient6)});
  for (const unsigned type : {0x8100u, 0x88a8u}) {
    Packet v4, v6;
    v4.ethernet(type).vlan(7, 0x0800).ipv4(kClient, kServer, 6).tcp(1, 2, kAck);
    v6.ethernet(type).vlan(7, 0x86dd).ipv6(kServer6, kClient6, 6).tcp(1, 2, kAck);
    CHECK(taken(code, v4.bytes()) == kHeadBytes);
    CHECK(taken(code, v6.bytes()) == kHeadBytes);
  }
}

TEST_CASE("tap_filter: takes nothing without targets") {
  const auto code = tap_filter({});
  CHECK(taken(code, segment(kAck)) == 0);
  CHECK(taken(code, segment(kAck, {kClient6, kServer6})) == 0);
}

TEST_CASE("tap_filter: the most targets fit in a program, and each is found") {
  std::vector<ResetTarget> targets;
  for (unsigned i = 0; i < kMostTargets; ++i) {
    const std::string tail = std::to_string(i / 256) + "." + std::to_string(i % 256);
    targets.push_back(host("10.9." + tail));
  }
  const auto code = tap_filter(targets);
  CHECK(code.size() <= BPF_MAXINSNS);
  CHECK(taken(code, segment(kAck, {"10.9.0.0", kServer})) == kHeadBytes);
  CHECK(taken(code, segment(kAck, {kServer, "10.9.1.255"})) == kHeadBytes);
  CHECK(taken(code, segment(kAck, {kServer, "10.9.2.0"})) == 0);
}

TEST_CASE("tap_filter: survives damage") {
  const auto code = tap_filter(std::vector{host(kClient)});
  mangle(segment(kAck), [&](Bytes frame) {
    const unsigned n = taken(code, frame);
    CHECK((n == 0 || n == kHeadBytes));
  });
}

}  // namespace
}  // namespace thymus::inject
