#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "flow_fixture.h"

using namespace thymus;
using namespace thymus::test;
namespace flow_event = thymus::flow::flow_event;

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
