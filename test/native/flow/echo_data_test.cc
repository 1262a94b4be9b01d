#include "flow/echo_data.h"

#include <vector>

#include <doctest/doctest.h>

#include "flow_fixture.h"

using namespace thymus;
using namespace thymus::test;

namespace {

constexpr uint8_t kEchoRequest = 8, kEchoReply = 0, kEchoRequestV6 = 128;

// The flow after echo messages whose data `fill` makes, one after another.
template <typename Fill>
flow::Flow after(uint32_t n, uint8_t protocol, uint8_t type, uint32_t bytes, Fill fill) {
  flow::Flow flow{};
  flow.key.protocol = protocol;
  for (uint32_t i = 0; i < n; ++i) {
    std::vector<uint8_t> data(bytes);
    fill(i, &data);
    decode::PacketView v{};
    v.frame = data.data();
    v.caplen = v.origlen = bytes;
    v.protocol = protocol;
    v.icmp_type = type;
    v.payload_bytes = v.payload_wire_bytes = bytes;
    v.transport_ok = true;
    flow::note_echo_data(v, 0, &flow);
  }
  return flow;
}

bool is_marked(const flow::Flow& flow) { return flow.flags & flow::flow_flag::kVaryingEcho; }

constexpr auto kTimes = [](uint32_t i, std::vector<uint8_t>* data) {
  for (size_t at = 0; at < data->size(); ++at) (*data)[at] = static_cast<uint8_t>(at);
  (*data)[0] = (*data)[23] = static_cast<uint8_t>(i);
};
constexpr auto kOwn = [](uint32_t i, std::vector<uint8_t>* data) {
  (*data)[40] = static_cast<uint8_t>(i);
};

}  // namespace

TEST_CASE("echo data: requests that each carry something else mark the flow") {
  using decode::ip_protocol::kIcmp, decode::ip_protocol::kIcmpV6;
  CHECK(is_marked(after(17, kIcmp, kEchoRequest, 56, kOwn)));
  CHECK_FALSE(is_marked(after(16, kIcmp, kEchoRequest, 56, kOwn)));
  CHECK(is_marked(after(40, kIcmpV6, kEchoRequestV6, 900, kOwn)));
}

TEST_CASE("echo data: times, replies, short requests and now and then another are no marks") {
  using decode::ip_protocol::kIcmp;
  CHECK_FALSE(is_marked(after(200, kIcmp, kEchoRequest, 56, kTimes)));
  CHECK_FALSE(is_marked(after(200, kIcmp, kEchoReply, 56, kOwn)));
  CHECK_FALSE(is_marked(after(200, kIcmp, kEchoRequest, 55, kOwn)));
  CHECK_FALSE(is_marked(after(200, kIcmp, kEchoRequest, 56, [](uint32_t i, auto* data) {
    (*data)[40] = static_cast<uint8_t>(i / 2);
  })));
}

TEST_CASE(
    "echo data: a tunnel's requests are marked in the record, a datagram's are not looked at") {
  TrackerRig rig;
  std::vector<decode::PacketView> views;
  std::vector<std::vector<uint8_t>> frames(40, std::vector<uint8_t>(200));
  for (size_t i = 0; i < frames.size(); ++i) {
    frames[i][54 + 30] = static_cast<uint8_t>(i);
    decode::PacketView v = rig.make.udp(static_cast<int64_t>(i), kClient, kServer, 100);
    v.frame = frames[i].data();
    if (i % 2 == 0) {
      v.protocol = decode::ip_protocol::kIcmp;
      v.icmp_type = kEchoRequest;
    }
    views.push_back(v);
  }
  rig.feed(views);
  rig.tracker.finish(kEpoch + kSec);
  int marked = 0;
  for (const SeenRecord& record : rig.sink.records) {
    if (!is_marked(record.flow)) continue;
    ++marked;
    CHECK(record.flow.key.protocol == decode::ip_protocol::kIcmp);
  }
  CHECK(marked == 1);
}
