#include <doctest/doctest.h>

#include "flow_fixture.h"

using namespace thymus;
using namespace thymus::test;
using flow::EndReason;
using flow::FlowState;
namespace flow_event = thymus::flow::flow_event;
namespace flow_flag = thymus::flow::flow_flag;

TEST_CASE("tracker: a whole connection starts at its third packet and ends after it closed") {
  TrackerRig rig;
  rig.feed(whole_connection(rig.make));
  REQUIRE(rig.sink.records.size() == 1);
  CHECK(rig.sink.records[0].events == flow_event::kStart);
  CHECK(rig.sink.records[0].flow.total_packets() == 3);
  rig.advance_to(2000);
  REQUIRE(rig.sink.records.size() == 2);
  const SeenRecord& end = rig.sink.records[1];
  CHECK(end.events == flow_event::kEnd);
  CHECK(end.reason == EndReason::kEndOfFlowDetected);
  CHECK(end.state() == FlowState::kSf);
  CHECK(end.history() == "ShADdFf");
  CHECK(end.flow.direction[0].packets == 5);
  CHECK(end.flow.direction[1].packets == 3);
  CHECK(end.flow.direction[0].payload == 50);
  CHECK(end.flow.direction[1].payload == 500);
  CHECK(end.flow.rtt_us == 15000);
  REQUIRE(end.flow.is_timed);
  CHECK(end.flow.server_time_us == 40000);
  CHECK(end.flow.segment_bytes[0] == 50);
  CHECK(end.flow.segment_bytes[1] == -500);
  CHECK(rig.tracker.active() == 0);
}

TEST_CASE("tracker: a refused attempt is said at once") {
  TrackerRig rig;
  rig.feed({rig.make.tcp(0, kClient, kServer, tcp_flag::kSyn),
            rig.make.tcp(1, kServer, kClient, tcp_flag::kRst | tcp_flag::kAck)});
  REQUIRE(rig.sink.records.size() == 1);
  CHECK(rig.sink.records[0].events == flow_event::kStart);
  CHECK(rig.sink.records[0].state() == FlowState::kRej);
  CHECK(rig.sink.records[0].history() == "Sr");
}

TEST_CASE("tracker: an unanswered SYN has failed after three seconds, retries or not") {
  TrackerRig rig;
  rig.feed({rig.make.tcp(0, kClient, kServer, tcp_flag::kSyn),
            rig.make.tcp(1000, kClient, kServer, tcp_flag::kSyn),
            rig.make.tcp(2900, kClient, kServer, tcp_flag::kSyn)});
  CHECK(rig.sink.records.empty());
  rig.advance_to(3100);
  REQUIRE(rig.sink.records.size() == 1);
  CHECK(rig.sink.records[0].events == flow_event::kStart);
  CHECK((rig.sink.records[0].flow.flags & flow_flag::kAttemptFailed) != 0);
  CHECK(rig.sink.records[0].state() == FlowState::kS0);
}

TEST_CASE("tracker: an unanswered SYN has failed at the end of the input") {
  TrackerRig rig;
  rig.feed({rig.make.tcp(0, kClient, kServer, tcp_flag::kSyn)});
  rig.finish_at(1);
  REQUIRE(rig.sink.records.size() == 1);
  CHECK(rig.sink.records[0].events == (flow_event::kStart | flow_event::kEnd));
  CHECK(rig.sink.records[0].reason == EndReason::kForcedEnd);
  CHECK((rig.sink.records[0].flow.flags & flow_flag::kAttemptFailed) != 0);
}

TEST_CASE("tracker: a datagram starts its flow, silence ends it") {
  TrackerRig rig;
  rig.feed({rig.make.udp(0, kClient, kServer, 30), rig.make.udp(5, kServer, kClient, 90)});
  REQUIRE(rig.sink.records.size() == 1);
  CHECK(rig.sink.records[0].events == flow_event::kStart);
  rig.advance_to(60'000);
  CHECK(rig.sink.records.size() == 1);
  rig.advance_to(60'100);
  REQUIRE(rig.sink.records.size() == 2);
  CHECK(rig.sink.records[1].reason == EndReason::kIdleTimeout);
  CHECK(rig.sink.records[1].state() == FlowState::kSf);
  CHECK(rig.sink.records[1].flow.rtt_us == 5000);
}

TEST_CASE("tracker: an update comes each minute while packets come, and at eightfold growth") {
  TrackerRig rig;
  std::vector<decode::PacketView> views;
  for (int s = 0; s < 130; ++s) views.push_back(rig.make.udp(s * 1000, kClient, kServer, 10));
  rig.feed(views);
  int updates = 0;
  for (const SeenRecord& r : rig.sink.records) updates += r.events == flow_event::kUpdate;
  CHECK(updates == 2);

  TrackerRig bulk;
  views.clear();
  for (int i = 0; i < 1000; ++i) views.push_back(bulk.make.udp(i, kClient, kServer, 1400));
  bulk.feed(views);
  // 64 KiB floor, then 8 times that, of 1.45 MB.
  updates = 0;
  for (const SeenRecord& r : bulk.sink.records) updates += r.events == flow_event::kUpdate;
  CHECK(updates == 2);
}

TEST_CASE("tracker: a SYN on a closed connection begins a new flow") {
  TrackerRig rig;
  rig.feed(whole_connection(rig.make));
  rig.feed({rig.make.tcp(90, kClient, kServer, tcp_flag::kSyn, 0, 9000)});
  REQUIRE(rig.sink.records.size() == 2);
  CHECK(rig.sink.records[1].events == flow_event::kEnd);
  CHECK(rig.tracker.active() == 1);
  CHECK(rig.tracker.counters().flows == 2);
}

TEST_CASE("tracker: a capture that begins with the answer still finds the originator") {
  TrackerRig rig;
  rig.feed({rig.make.tcp(0, kServer, kClient, tcp_flag::kSyn | tcp_flag::kAck)});
  rig.finish_at(1);
  REQUIRE(rig.sink.records.size() == 1);
  const flow::Flow& flow = rig.sink.records[0].flow;
  CHECK(flow.orig_address() == kClient.address);
  CHECK(flow.orig_port == kClient.port);
  CHECK((flow.flags & flow_flag::kOriginatorGuessed) != 0);
  CHECK(flow.direction[1].packets == 1);
  CHECK(rig.sink.records[0].history() == "^h");
}

TEST_CASE("tracker: without a handshake the side with the better-known port is the server") {
  struct Case {
    uint16_t sender, receiver;
    bool is_answer;
  };
  constexpr Case kCases[] = {{443, 50000, true},    {50000, 443, false},  {20000, 50000, true},
                             {50000, 20000, false}, {443, 20000, true},   {20000, 443, false},
                             {80, 443, false},      {20000, 8080, false}, {50000, 50001, false}};
  for (const Case& c : kCases) {
    CAPTURE(c.sender);
    CAPTURE(c.receiver);
    const Endpoint sender{kServer.address, c.sender};
    const Endpoint receiver{kClient.address, c.receiver};
    TrackerRig rig;
    rig.feed({rig.make.tcp(0, sender, receiver, tcp_flag::kAck, 10)});
    rig.finish_at(1);
    REQUIRE(!rig.sink.records.empty());
    const flow::Flow& flow = rig.sink.records.back().flow;
    CHECK(flow.orig_port == (c.is_answer ? c.receiver : c.sender));
    CHECK(((flow.flags & flow_flag::kOriginatorGuessed) != 0) == c.is_answer);
  }
}

TEST_CASE("tracker: records leave in the total order, whatever ends or starts") {
  TrackerRig rig(64);
  std::vector<decode::PacketView> views;
  for (int i = 0; i < 2000; ++i) {
    const Endpoint from{kClient.address, static_cast<uint16_t>(1000 + i * 7 % 211)};
    views.push_back(i % 3 ? rig.make.udp(i * 37, from, kServer, 20)
                          : rig.make.tcp(i * 37, from, kServer, tcp_flag::kSyn));
  }
  rig.feed(views);
  rig.finish_at(2000 * 37 + 1);
  const auto us = [](const flow::Moment& m) { return m.engine_ns / 1000; };
  for (size_t i = 1; i < rig.sink.records.size(); ++i) {
    const flow::Moment& a = rig.sink.records[i - 1].moment;
    const flow::Moment& b = rig.sink.records[i].moment;
    const bool before = us(a) != us(b)       ? us(a) < us(b)
                        : a.index != b.index ? a.index < b.index
                                             : a.sub < b.sub;
    REQUIRE(before);
  }
  CHECK(rig.tracker.active() == 0);
  CHECK(rig.tracker.counters().flows ==
        rig.tracker.counters().flows_ended + rig.tracker.counters().unrecorded_flows);
}

TEST_CASE("tracker: a jump of years ends all flows without counting the ticks between") {
  TrackerRig rig;
  rig.feed({rig.make.udp(0, kClient, kServer, 30)});
  rig.advance_to(int64_t{20} * 365 * 86400 * 1000);
  REQUIRE(rig.sink.records.size() == 2);
  CHECK(rig.sink.records[1].moment.engine_ns == kEpoch + 30 * kSec);
}

TEST_CASE(
    "tracker: a hole in a stream is said when the receiver has what is behind it, or at the end") {
  using namespace tcp_flag;
  TrackerRig rig;
  std::vector<decode::PacketView> views = {
      rig.make.tcp(0, kClient, kServer, kSyn, 0, 100),
      rig.make.tcp(1, kServer, kClient, kSyn | kAck, 0, 500),
      rig.make.tcp(2, kClient, kServer, kAck, 50, 151),
      rig.make.tcp(3, kServer, kClient, kAck, 0, 501),
      rig.make.tcp(4, kServer, kClient, kAck, 0, 501),
      rig.make.tcp(5, kServer, kClient, kAck, 50, 601),
  };
  views[1].tcp_ack = views[3].tcp_ack = 101;
  views[4].tcp_ack = views[5].tcp_ack = 201;
  rig.feed({views.begin(), views.begin() + 4});
  CHECK(rig.sink.anomalies.empty());
  CHECK(rig.tracker.stream_counters().kept == 1);
  rig.feed({views.begin() + 4, views.end()});
  REQUIRE(rig.sink.anomalies.size() == 1);
  rig.finish_at(10);
  REQUIRE(rig.sink.anomalies.size() == 2);
  for (const decode::Anomaly anomaly : rig.sink.anomalies) {
    CHECK(anomaly == decode::Anomaly::kStreamReassemblySeqGap);
  }
  CHECK(rig.tracker.stream_counters().gap_bytes == 150);
}

TEST_CASE("tracker: the first packet of each direction says which GTP tunnel carries it") {
  TrackerRig rig;
  auto packets = whole_connection(rig.make);
  for (decode::PacketView& view : packets) {
    view.tunnel_type = decode::Encap::kGtpU;
    view.tunnel_id = view.src == packets[0].src ? 0x10 : 0x20;
  }
  rig.feed(packets);
  CHECK(rig.sink.tunnels == std::vector<std::pair<bool, uint32_t>>{{true, 0x10}, {false, 0x20}});
  rig.finish_at(10'000);
  REQUIRE_FALSE(rig.sink.records.empty());
  CHECK(rig.sink.records.back().tunnels.of[0].teid == 0x10);
  CHECK(rig.sink.records.back().tunnels.of[1].teid == 0x20);
}

TEST_CASE("tracker: a protocol right above IP names its flow") {
  TrackerRig rig;
  auto packets = whole_connection(rig.make);
  decode::PacketView esp = packets[0];
  esp.protocol = 50;
  esp.transport_ok = false;
  rig.feed({esp});
  rig.finish_at(1000);
  REQUIRE_FALSE(rig.sink.records.empty());
  CHECK(rig.sink.records.back().flow.app == dpi::AppId::kEsp);
}
