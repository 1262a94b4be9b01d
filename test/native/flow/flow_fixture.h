// Packets and records for tests of the flow stage, in the words of the domain.
#pragma once

#include <string>
#include <vector>

#include "decode/packet_view.h"
#include "flow/tcp_tracker.h"
#include "flow/tracker.h"

namespace thymus::test {

namespace tcp_flag = decode::tcp_flag;

inline IpAddress ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  const uint8_t raw[4] = {a, b, c, d};
  return IpAddress::v4(raw);
}

inline constexpr int64_t kMs = 1'000'000;
inline constexpr int64_t kSec = 1'000'000'000;
inline constexpr int64_t kEpoch = 1'700'000'000 * kSec;

struct Endpoint {
  IpAddress address;
  uint16_t port;
};

inline const Endpoint kClient{ip4(10, 0, 0, 1), 40000};
inline const Endpoint kServer{ip4(10, 0, 0, 2), 80};

// Makes views as `decode` would; index counts up, time is given in milliseconds since the start.
class PacketMaker {
 public:
  decode::PacketView tcp(int64_t at_ms, Endpoint from, Endpoint to, uint8_t flags,
                         uint32_t payload = 0, uint32_t seq = 0) {
    decode::PacketView v = ip(at_ms, from, to, decode::ip_protocol::kTcp, payload);
    v.tcp_flags = flags;
    v.tcp_seq = seq;
    v.tcp_window = 1000;
    return v;
  }
  decode::PacketView udp(int64_t at_ms, Endpoint from, Endpoint to, uint32_t payload) {
    return ip(at_ms, from, to, decode::ip_protocol::kUdp, payload);
  }

 private:
  decode::PacketView ip(int64_t at_ms, Endpoint from, Endpoint to, uint8_t protocol,
                        uint32_t payload) {
    decode::PacketView v{};
    v.frame = frame_;
    v.ts_ns = v.engine_ns = kEpoch + at_ms * kMs;
    v.index = next_index_++;
    v.caplen = v.origlen = 54 + payload;
    v.ip_bytes = 40 + payload;
    v.src = from.address;
    v.dst = to.address;
    v.src_port = from.port;
    v.dst_port = to.port;
    v.network = decode::Network::kIpv4;
    v.protocol = protocol;
    v.ttl = 64;
    v.payload_offset = 54;
    v.payload_bytes = v.payload_wire_bytes = payload;
    v.transport_ok = true;
    v.vlan_outer = v.vlan_inner = decode::kNoVlan;
    return v;
  }

  uint64_t next_index_ = 0;
  uint8_t frame_[2048] = {};
};

struct SeenRecord {
  uint8_t events;
  flow::EndReason reason;
  flow::Moment moment;
  flow::Flow flow;  // copies as of the record
  flow::FlowExtras extras;
  flow::GtpTunnels tunnels;
  flow::FlowState state() const { return flow.state; }
  std::string history() const { return std::string(flow::history_of(flow).view()); }
};

class RecordingSink final : public flow::FlowSink {
 public:
  void on_flow(const flow::Flow& flow, const flow::FlowExtras& extras, const flow::GtpTunnels* gtp,
               uint8_t events, flow::EndReason reason, flow::Moment moment) override {
    const flow::GtpTunnels tunnels_of = gtp == nullptr ? flow::GtpTunnels{} : *gtp;
    records.push_back({events, reason, moment, flow, extras, tunnels_of});
  }
  void on_event(const flow::Flow&, bool, int64_t, uint16_t type, Bytes, uint32_t,
                flow::Moment moment) override {
    events.emplace_back(type, moment);
  }
  void on_anomaly(const decode::PacketView&, decode::Anomaly anomaly, flow::Moment) override {
    anomalies.push_back(anomaly);
  }
  void on_gtpu(const flow::Flow&, bool from_originator, const flow::GtpTunnels::Tunnel& tunnel,
               flow::Moment) override {
    tunnels.emplace_back(from_originator, tunnel.teid);
  }

  std::vector<SeenRecord> records;
  std::vector<std::pair<uint16_t, flow::Moment>> events;
  std::vector<decode::Anomaly> anomalies;
  std::vector<std::pair<bool, uint32_t>> tunnels;  // from the originator, TEID
};

// A tracker whose home network is 10/8, with a sink that remembers.
struct TrackerRig {
  explicit TrackerRig(uint32_t max_flows = 1024)
      : home({home_prefix()}), tracker(options(max_flows), &home, &sink) {}

  static Prefix home_prefix() {
    Prefix p;
    (void)parse_prefix("10.0.0.0/8", &p);
    return p;
  }
  static flow::TrackerOptions options(uint32_t max_flows) {
    flow::TrackerOptions o;
    o.max_flows = max_flows;
    o.parser_state_bytes = 1 << 20;
    return o;
  }
  void feed(std::vector<decode::PacketView> views) { tracker.process(views); }
  void finish_at(int64_t at_ms) { tracker.finish(kEpoch + at_ms * kMs); }
  void advance_to(int64_t at_ms) { tracker.advance(kEpoch + at_ms * kMs); }

  flow::HomeNet home;
  RecordingSink sink;
  flow::Tracker tracker;
  PacketMaker make;
};

// From the handshake to the last acknowledgment, 50 bytes there and 500 back.
inline std::vector<decode::PacketView> whole_connection(PacketMaker& make) {
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

}  // namespace thymus::test
