// A flow: everything that is known of one biflow while it lives in the table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/address.h"
#include "dpi/app.h"
#include "flow/flow_key.h"

namespace thymus::flow {

inline constexpr uint32_t kNoIndex = 0xffffffff;      // no position, no handle
inline constexpr uint32_t kNotMeasured = 0xffffffff;  // of times in microseconds
inline constexpr size_t kSegments = 12;
inline constexpr size_t kHistoryMost = 20;  // each of ten letters once a direction

// TCP outcome after Zeek's conn_state; for other protocols kS0 one-way and kSf two-way.
enum class FlowState : uint8_t {
  kOther,
  kS0,
  kS1,
  kSf,
  kRej,
  kRsto,
  kRstr,
  kSh,
  kUnreachable,
  kDenied,
};

// IPFIX flowEndReason (IE 136, RFC 7012).
enum class EndReason : uint8_t {
  kNone,
  kIdleTimeout,
  kActiveTimeout,
  kEndOfFlowDetected,
  kForcedEnd,
  kLackOfResources,
};

namespace flow_event {
inline constexpr uint8_t kStart = 1, kUpdate = 2, kEnd = 4;
}  // namespace flow_event

namespace flow_flag {
inline constexpr uint16_t kMidstream = 1, kFragments = 2, kSampled = 4, kOriginatorGuessed = 8,
                          kMulticast = 16, kBothDirections = 32, kAttemptFailed = 64,
                          kTruncatedPackets = 128, kBadChecksums = 256, kIcmpError = 512,
                          kUninspected = 1024, kVaryingEcho = 2048;
}  // namespace flow_flag

// What Flow::payload_seen tells; those of direction 1 lie one bit higher.
namespace payload_bit {
inline constexpr uint8_t kSeen = 1,  // its first payload was seen
    kPlain = 4,                      // TCP: the byte at stream_next may be shown without asking
    kUnknown = 16,                   // nobody knows what it is; with a parser: not looked at yet
    kWaiting = 64,                   // TCP: segments wait, of either direction
    kHeld = 128;                     // TCP: events wait for an acknowledgement
}  // namespace payload_bit

// One direction. Index 0 is originator to responder, 1 the way back.
struct Direction {
  uint64_t bytes;    // whole frames as captured
  uint64_t payload;  // transport payload as the headers claim it
  uint32_t packets;
  uint32_t next_seq;  // TCP: one past the highest sequence number seen; echoes: see echo_mark
  uint32_t ack;       // TCP: highest acknowledgement sent; echoes: see echo_changes
  uint16_t retransmissions;
  uint8_t tcp_flags;  // ORed
  uint8_t syns;       // with ACK in direction 1; counts saturate at 255
  uint8_t rsts;
  uint8_t fins;
  uint8_t ttl_min;  // 0: no packet yet
  uint8_t ttl_max;
  uint8_t entropy;        // of the first payload, bits * 31; 255: not measured
  uint8_t printable;      // share * 254; 255: not measured
  uint16_t history_seen;  // letters already in the history, one bit each

  // ICMP echo requests: a hash of the last one's data, 0 before there was one, and how many in a
  // row had other data than the one before (flow/echo_data.h).
  uint32_t echo_mark() const { return next_seq; }
  uint32_t echo_changes() const { return ack; }
  void set_echo(uint32_t mark, uint32_t changes) {
    next_seq = mark;
    ack = changes;
  }
};
static_assert(sizeof(Direction) == 40);

// Where inspection of a flow stands.
enum class Inspection : uint8_t { kUndecided, kAttached, kOver };

// What most flows have nothing to say of: names asked for, tunnels, bytes that wait.
struct FlowExtras {
  uint64_t name_hash;
  uint64_t client_fingerprint;
  dpi::AppId app_before;  // what it was before it became Flow::app: STARTTLS, an upgrade
  dpi::AppId app_other;   // what one side alone speaks, against Flow::app
  uint32_t stream_kept;   // what of stream::State is 0 unless segments wait
  uint32_t tunnel_id;     // of the first packet, also where the key leaves it out
  uint32_t encap_stack;   // of the first packet: Encap - 1, four bits each, outermost lowest
  uint8_t encap_depth;
  uint8_t tls_version;      // minor version + 1 of SSL 3.x, 0 when not TLS
  bool other_is_responder;  // who speaks app_other
};
static_assert(sizeof(FlowExtras) == 40);

struct alignas(64) Flow {
  // Line 0: to find a flow.
  FlowKey key;
  uint32_t hash;          // low half of the key's hash: its home in the index
  uint32_t extras;        // handle of its FlowExtras, 0 without
  uint32_t parser_state;  // handle of its state, kNoIndex without
  uint32_t rtt_us;        // kNotMeasured until then
  // Lines 1 and 2: every packet.
  int64_t ts_last_ns;
  int64_t engine_last_ns;
  uint64_t index_last;  // input index of the last packet
  Direction direction[2];
  uint64_t update_bytes;  // total bytes at which the next UPDATE is due
  uint16_t flags;
  dpi::AppId app;
  FlowState state : 4;
  uint8_t n_segments : 4;
  uint8_t payload_seen;    // payload_bit
  uint16_t orig_is_b : 1;  // the originator is endpoint b of the key
  uint16_t started : 1;    // a START record was written
  uint16_t closed : 1;     // TCP: both FINs or a RST were seen
  uint16_t established : 1;
  uint16_t fin_mask : 2;  // directions that sent a FIN
  uint16_t live : 1;
  uint16_t has_news : 1;       // packets came since the last record
  uint16_t orig_internal : 1;  // inside the home network
  uint16_t resp_internal : 1;
  uint16_t is_timed : 1;  // the responder has answered a request
  Inspection inspection : 2;
  uint8_t parser;  // index in dpi::parsers() while it has a state
  uint8_t stream_flags;
  uint16_t orig_mss;
  uint16_t orig_port;
  uint16_t resp_port;
  // Line 3: packets with payload, while the flow is young.
  int64_t payload_last_ns;  // last packet with payload
  union {
    int64_t request_ns;       // last payload from the originator before the first response
    uint32_t server_time_us;  // how long that took, when is_timed
  };
  std::array<int16_t, kSegments> segment_bytes;
  std::array<uint8_t, kSegments> segment_gaps;
  uint32_t stream_next[2];  // TCP: stream::State, as are stream_flags and FlowExtras::stream_kept
  uint32_t syn_options;     // of the originator's SYN: decode::TcpOptions
  // Line 4: the first packet, the handshake, and records.
  int64_t ts_first_ns;
  int64_t engine_emit_ns;  // of the last record; before START, of the first packet
  uint64_t id;
  int64_t syn_ns;  // of the first SYN, then of the SYN-ACK until it is acknowledged
  uint16_t out_of_order;
  uint16_t zero_windows;
  uint16_t orig_window;
  MacAddress orig_mac;
  MacAddress resp_mac;
  uint8_t orig_window_scale;  // of the SYN, one more than the option says; 0: without
  // Five bits a letter: its place in kHistoryLetters, and 16 for the responder's.
  std::array<uint8_t, kHistoryMost * 5 / 8 + 1> history;

  bool is_tcp() const { return key.protocol == decode::ip_protocol::kTcp; }
  const IpAddress& orig_address() const { return orig_is_b ? key.b : key.a; }
  const IpAddress& resp_address() const { return orig_is_b ? key.a : key.b; }
  uint64_t total_bytes() const { return direction[0].bytes + direction[1].bytes; }
  uint64_t total_packets() const {
    return static_cast<uint64_t>(direction[0].packets) + direction[1].packets;
  }
};
static_assert(sizeof(Flow) == 320, "five cache lines");
static_assert(offsetof(Flow, ts_last_ns) == 64 && offsetof(Flow, payload_last_ns) == 192 &&
              offsetof(Flow, ts_first_ns) == 256);
static_assert(kSegments < 16, "n_segments has four bits");
inline constexpr size_t kHotBytes = 256;  // prefetched before a flow is updated

// A moment of the total order (native/emit/record.def).
struct Moment {
  int64_t engine_ns;
  uint64_t index;
  uint32_t sub;
  bool by_packet = true;  // false of an event that a timer or the end of its flow let out
};

// The GTP-U tunnel of each direction of a flow, as its first packet had it.
struct GtpTunnels {
  struct Tunnel {
    int64_t ts_ns;
    IpAddress src;  // of the outermost IP packet
    IpAddress dst;
    uint32_t teid;
    uint8_t depth;  // tunnels around the packet
    bool is_known;
  };
  Tunnel of[2];
};

// Takes what the tracker says. Called on the lane's thread, at record edges only.
class FlowSink {
 public:
  // `tunnels` is null where the flow is in no GTP-U tunnel.
  virtual void on_flow(const Flow& flow, const FlowExtras& extras, const GtpTunnels* tunnels,
                       uint8_t events, EndReason reason, Moment moment) = 0;
  // A finished parser event; `from_originator` says which side it is said to come from.
  virtual void on_event(const Flow& flow, bool from_originator, int64_t ts_ns, uint16_t type,
                        Bytes fields, uint32_t truncations, Moment moment) = 0;
  virtual void on_anomaly(const decode::PacketView& view, decode::Anomaly anomaly,
                          Moment moment) = 0;
  // The tunnel of one direction, once, of a flow that has a record.
  virtual void on_gtpu(const Flow& flow, bool from_originator, const GtpTunnels::Tunnel& tunnel,
                       Moment moment) = 0;

 protected:
  ~FlowSink() = default;
};

}  // namespace thymus::flow
