#include <doctest/doctest.h>

#include "flow_fixture.h"

using namespace thymus;
using namespace thymus::test;
using flow::EndReason;
using flow::FlowState;
namespace flow_event = thymus::flow::flow_event;
namespace flow_flag = thymus::flow::flow_flag;

TEST_CASE("tracker: a full table ends an idle flow early and counts it") {
  TrackerRig rig(16);
  for (uint16_t i = 0; i < 40; ++i) {
    const Endpoint client{kClient.address, static_cast<uint16_t>(1000 + i)};
    rig.feed({rig.make.udp(i, client, kServer, 8), rig.make.udp(i, kServer, client, 8)});
  }
  CHECK(rig.tracker.active() == 16);
  CHECK(rig.tracker.counters().evictions == 24);
  int ended = 0;
  for (const SeenRecord& r : rig.sink.records) ended += r.reason == EndReason::kLackOfResources;
  CHECK(ended == 24);
  rig.finish_at(100);
  uint64_t packets = 0;
  for (const SeenRecord& r : rig.sink.records) {
    if (r.events & flow_event::kEnd) packets += r.flow.total_packets();
  }
  CHECK(packets == 80);
}

TEST_CASE("tracker: spoofed sources never push out a flow that was answered") {
  constexpr uint32_t kMostFlows = 1024;
  TrackerRig rig(kMostFlows);
  for (uint16_t i = 0; i < kMostFlows / 2; ++i) {
    const Endpoint client{kClient.address, static_cast<uint16_t>(1000 + i)};
    rig.feed({rig.make.tcp(0, client, kServer, tcp_flag::kSyn),
              rig.make.tcp(0, kServer, client, tcp_flag::kSyn | tcp_flag::kAck)});
  }
  constexpr uint32_t kSources = 20'000;
  for (uint32_t i = 0; i < kSources; ++i) {
    const Endpoint from{ip4(80, static_cast<uint8_t>(i >> 16), static_cast<uint8_t>(i >> 8),
                            static_cast<uint8_t>(i)),
                        4444};
    rig.feed({rig.make.tcp(1 + i / 100, from, kServer, tcp_flag::kSyn)});
  }
  CHECK(rig.tracker.active() == kMostFlows / 2 + kMostFlows / 3);
  CHECK(rig.tracker.counters().evictions == 0);
  CHECK(rig.tracker.counters().unrecorded_flows == kSources - kMostFlows / 3);
  CHECK(rig.tracker.counters().unrecorded_packets == kSources - kMostFlows / 3);

  // Whoever is answered in the middle of the flood stays, too.
  const Endpoint genuine{ip4(80, 200, 0, 1), 5555};
  rig.feed({rig.make.tcp(300, genuine, kServer, tcp_flag::kSyn)});
  rig.feed({rig.make.tcp(301, kServer, genuine, tcp_flag::kSyn | tcp_flag::kAck)});
  CHECK(rig.tracker.active() == kMostFlows / 2 + kMostFlows / 3);
  rig.finish_at(2000);
  uint32_t answered = 0;
  for (const SeenRecord& r : rig.sink.records) {
    if (!(r.events & flow_event::kEnd) || !(r.flow.flags & flow_flag::kBothDirections)) continue;
    CHECK(r.reason == EndReason::kForcedEnd);
    ++answered;
  }
  CHECK(answered == kMostFlows / 2 + 1);
}

TEST_CASE("tracker: a direction of which no answer is seen is no flood") {
  TrackerRig rig(48);
  for (int round = 0; round < 5; ++round) {
    for (uint16_t i = 0; i < 40; ++i) {
      const Endpoint client{kClient.address, static_cast<uint16_t>(1000 + i)};
      for (int k = 0; round == 0 && k < 4; ++k) {
        rig.feed({rig.make.tcp(round, client, kServer, tcp_flag::kAck, 100)});
      }
      rig.feed({rig.make.tcp(round, client, kServer, tcp_flag::kAck, 100)});
    }
  }
  CHECK(rig.tracker.active() == 40);
  CHECK(rig.tracker.counters().evictions == 0);
}

TEST_CASE("tracker: a flood of spoofed sources inside a GTP tunnel says nothing of it") {
  constexpr uint32_t kMostFlows = 1024, kSources = 4 * kMostFlows;
  TrackerRig rig(kMostFlows);
  const decode::PacketView first = whole_connection(rig.make)[0];
  for (uint32_t i = 0; i < kSources; ++i) {
    decode::PacketView view = first;
    view.tunnel_type = decode::Encap::kGtpU;
    view.src.bytes[13] = static_cast<uint8_t>(i >> 8);
    view.src.bytes[14] = static_cast<uint8_t>(i);
    view.index = first.index + i;
    rig.feed({view});
  }
  CHECK(rig.sink.tunnels.empty());
  CHECK(rig.tracker.counters().unrecorded_flows > 0);
}

TEST_CASE("tracker: under pressure flows are not looked into, and counted all the same") {
  const auto uninspected = [](const TrackerRig& rig) {
    return (rig.sink.records.back().flow.flags & flow_flag::kUninspected) != 0;
  };
  TrackerRig rig;
  rig.tracker.shed(flow::Shed::kNewInspection);
  rig.feed(whole_connection(rig.make));
  rig.advance_to(2000);
  CHECK(uninspected(rig));
  CHECK(rig.sink.records.back().flow.total_packets() == 8);
  const FlowState state = rig.sink.records.back().flow.state;
  CHECK(state == FlowState::kSf);
  CHECK(rig.tracker.counters().uninspected_flows == 1);

  TrackerRig calm;
  calm.feed(whole_connection(calm.make));
  calm.advance_to(2000);
  CHECK_FALSE(uninspected(calm));
  CHECK(calm.tracker.counters().uninspected_flows == 0);
}

TEST_CASE("tracker: under the highest pressure long flows are counted, and nothing more") {
  constexpr int kPackets = 3000;
  constexpr uint64_t kWorkedOn = flow::Tracker::kElephantPackets;
  TrackerRig rig;
  std::vector<decode::PacketView> views;
  for (int i = 0; i < kPackets; ++i) views.push_back(rig.make.udp(i, kClient, kServer, 100));
  rig.tracker.shed(flow::Shed::kElephants);
  rig.feed(views);
  rig.finish_at(kPackets);
  const flow::Flow& flow = rig.sink.records.back().flow;
  CHECK(flow.total_packets() == kPackets);
  CHECK(flow.direction[0].payload == kPackets * 100);
  CHECK((flow.flags & flow_flag::kSampled) != 0);
  CHECK(rig.tracker.counters().sampled_packets == kPackets - kWorkedOn);
}
