#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "flow_fixture.h"

using namespace thymus;
using namespace thymus::test;
using flow::EndReason;
using flow::FlowState;
namespace flow_event = thymus::flow::flow_event;
namespace flow_flag = thymus::flow::flow_flag;

namespace {

std::vector<decode::PacketView> whole_connection(PacketMaker& make) {
  using namespace tcp_flag;
  return {make.tcp(0, kClient, kServer, kSyn, 0, 100),
          make.tcp(10, kServer, kClient, kSyn | kAck, 0, 500),
          make.tcp(15, kClient, kServer, kAck, 0, 101),
          make.tcp(20, kClient, kServer, kAck | kPsh, 50, 101),
          make.tcp(60, kServer, kClient, kAck | kPsh, 500, 501),
          make.tcp(70, kClient, kServer, kAck | kFin, 0, 151),
          make.tcp(80, kServer, kClient, kAck | kFin, 0, 1001),
          make.tcp(85, kClient, kServer, kAck, 0, 152)};
}

}  // namespace

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

namespace {

constexpr std::string_view kRequest = "GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n";
constexpr std::string_view kResponse = "HTTP/1.1 204 No Content\r\n\r\n";

// A request and its response; who acknowledges the response is left to the test.
class Exchange {
 public:
  explicit Exchange(TrackerRig* rig) : rig_(rig) {}

  void until_response(Endpoint client = kClient) {
    using namespace tcp_flag;
    send(0, client, kServer, kSyn, 100, 0);
    send(1, kServer, client, kSyn | kAck, 500, 101);
    send(2, client, kServer, kAck, 101, 501, kRequest);
    send(3, kServer, client, kAck, 501, kRequestEnd, kResponse);
  }
  void send(int64_t at_ms, Endpoint from, Endpoint to, uint8_t flags, uint32_t seq, uint32_t ack,
            std::string_view payload = {}) {
    std::string frame(54, '\0');
    frame += payload;
    decode::PacketView view =
        rig_->make.tcp(at_ms, from, to, flags, static_cast<uint32_t>(payload.size()), seq);
    view.tcp_ack = ack;
    view.frame = reinterpret_cast<const uint8_t*>(frame.data());
    rig_->feed({view});
  }

  static constexpr uint32_t kRequestEnd = 101 + kRequest.size();
  static constexpr uint32_t kResponseEnd = 501 + kResponse.size();

 private:
  TrackerRig* rig_;
};

}  // namespace

TEST_CASE("tracker: an event is said with the packet that acknowledges its last byte") {
  TrackerRig rig;
  Exchange exchange(&rig);
  exchange.until_response();
  exchange.send(4, kServer, kClient, tcp_flag::kAck, Exchange::kResponseEnd, Exchange::kRequestEnd);
  exchange.send(5, kClient, kServer, tcp_flag::kAck, Exchange::kRequestEnd,
                Exchange::kResponseEnd - 1);
  CHECK(rig.sink.events.empty());
  exchange.send(6, kClient, kServer, tcp_flag::kAck, Exchange::kRequestEnd, Exchange::kResponseEnd);
  REQUIRE(rig.sink.events.size() == 1);
  const flow::Moment& said = rig.sink.events[0].second;
  CHECK(said.by_packet);
  CHECK(said.index == 6);
  CHECK(said.engine_ns == kEpoch + 6 * kMs);
  CHECK(rig.tracker.counters().events_held == 1);
}

TEST_CASE("tracker: an event whose bytes were acknowledged before they were seen is said at once") {
  TrackerRig rig;
  Exchange exchange(&rig);
  using namespace tcp_flag;
  exchange.send(0, kClient, kServer, kAck, 101, 501, kRequest);
  exchange.send(1, kClient, kServer, kAck, Exchange::kRequestEnd, Exchange::kResponseEnd);
  exchange.send(2, kServer, kClient, kAck, 501, Exchange::kRequestEnd, kResponse);
  REQUIRE(rig.sink.events.size() == 1);
  CHECK(rig.sink.events[0].second.index == 2);
  CHECK(rig.tracker.counters().events_held == 0);
}

TEST_CASE("tracker: a RST acknowledges nothing, the end of the flow lets its events out") {
  TrackerRig rig;
  Exchange exchange(&rig);
  exchange.until_response();
  exchange.send(4, kClient, kServer, tcp_flag::kRst | tcp_flag::kAck, Exchange::kRequestEnd,
                Exchange::kResponseEnd);
  CHECK(rig.sink.events.empty());
  rig.advance_to(3000);
  REQUIRE(rig.sink.events.size() == 1);
  CHECK_FALSE(rig.sink.events[0].second.by_packet);
  REQUIRE(rig.sink.records.back().events == flow_event::kEnd);
  CHECK(rig.sink.records.back().moment.by_packet);
  CHECK(rig.sink.events[0].second.sub < rig.sink.records.back().moment.sub);
}

TEST_CASE("tracker: an event waits ten seconds for its acknowledgement") {
  TrackerRig rig;
  Exchange exchange(&rig);
  exchange.until_response();
  rig.advance_to(10'000);
  CHECK(rig.sink.events.empty());
  rig.advance_to(10'200);
  REQUIRE(rig.sink.events.size() == 1);
  CHECK_FALSE(rig.sink.events[0].second.by_packet);
  CHECK(rig.tracker.counters().events_unacknowledged == 1);
}

TEST_CASE("tracker: when too many events wait the oldest are said early, none is lost") {
  TrackerRig rig;
  constexpr size_t kFlows = 20, kRounds = 5000;
  for (size_t i = 0; i < kFlows; ++i) {
    const Endpoint client{kClient.address, static_cast<uint16_t>(40000 + i)};
    Exchange exchange(&rig);
    uint32_t request = 101, response = 501;
    for (size_t round = 0; round < kRounds; ++round) {
      exchange.send(1, client, kServer, tcp_flag::kAck, request, 501, kRequest);
      request += static_cast<uint32_t>(kRequest.size());
      exchange.send(1, kServer, client, tcp_flag::kAck, response, request, kResponse);
      response += static_cast<uint32_t>(kResponse.size());
    }
  }
  const uint64_t early = rig.tracker.counters().events_unacknowledged;
  CHECK(early > 0);
  CHECK(rig.sink.events.size() == early);
  rig.finish_at(20);
  CHECK(rig.sink.events.size() == kFlows * kRounds);
}

TEST_CASE("tracker: a responder that speaks another protocol is named beside the originator's") {
  TrackerRig rig;
  Exchange exchange(&rig);
  using namespace tcp_flag;
  constexpr std::string_view kBanner = "SSH-2.0-OpenSSH_9.6\r\n";
  exchange.send(0, kClient, kServer, kAck, 101, 501, kRequest);
  exchange.send(1, kServer, kClient, kAck, 501, Exchange::kRequestEnd, kBanner);
  rig.finish_at(10);
  const SeenRecord& end = rig.sink.records.back();
  CHECK(end.flow.app == dpi::AppId::kHttp);
  CHECK(end.extras.app_other == dpi::AppId::kSsh);
  CHECK(end.extras.other_is_responder);
  CHECK(end.extras.app_before == dpi::AppId::kUnknown);
}

TEST_CASE("tracker: two sides of one protocol are one app, and an upgrade remembers the first") {
  TrackerRig rig;
  Exchange exchange(&rig);
  exchange.until_response();
  using namespace tcp_flag;
  constexpr std::string_view kUpgrade =
      "GET /b HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  constexpr std::string_view kSwitching =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
  exchange.send(5, kClient, kServer, kAck, Exchange::kRequestEnd, Exchange::kResponseEnd, kUpgrade);
  exchange.send(6, kServer, kClient, kAck, Exchange::kResponseEnd,
                Exchange::kRequestEnd + static_cast<uint32_t>(kUpgrade.size()), kSwitching);
  rig.finish_at(10);
  const SeenRecord& end = rig.sink.records.back();
  CHECK(end.flow.app == dpi::AppId::kWebsocket);
  CHECK(end.extras.app_before == dpi::AppId::kHttp);
  CHECK(end.extras.app_other == dpi::AppId::kUnknown);
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
