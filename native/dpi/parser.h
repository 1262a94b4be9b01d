// The contract of an application protocol parser.
//
// A parser is one file that defines one `Parser` value, listed in parsers.def. It owns no memory:
// its state is `state_bytes` zeroed bytes that the flow lends it, and what it must keep of a stream
// lies in the buffers of its `Context`. It may keep no pointer to payload or buffers: they are
// valid during the call only. A parser never allocates, never reads a clock and touches payload
// only through `Reader`. Work and output per call are bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/event_writer.h"
#include "dpi/app.h"
#include "dpi/context.h"

namespace thymus::dpi {

enum class Answer : uint8_t {
  kNeedMore,  // undecided: show what follows in either direction, each byte once
  kAccept,    // it is mine; keep me attached
  kDone,      // it is mine; no need to look at the rest of the flow
  kReject,    // not mine, or no longer
  kHandOver,  // it was mine; from here on it is that of Context::next (STARTTLS, Upgrade, CONNECT)
};

enum class Transport : uint8_t { kTcp, kUdp, kSctp };

// A run of in-order payload of one direction (a datagram for UDP, a message for SCTP).
struct Segment {
  Bytes data;
  int64_t ts_ns;
  bool from_originator;
  Transport transport;
  uint16_t src_port;
  uint16_t dst_port;
  // Of a datagram or message, behind `data`, that were cut off; 1 where their number is not known.
  size_t cut_bytes = 0;
  uint32_t payload_protocol = 0;  // of an SCTP message: its payload protocol identifier
  uint32_t seq = 0;  // of the first byte (TCP): after a gap it says how much is missing

  bool has_port(uint16_t port) const { return src_port == port || dst_port == port; }
};

// How likely it is that a flow speaks this protocol, from its first payload alone.
enum class Likelihood : uint8_t { kNo, kMaybe, kLikely };

struct Parser {
  AppId app;
  size_t state_bytes;
  bool over_tcp;
  bool over_udp;
  // Looks at the first payload of a direction; pure. The rest of the fields say when it is asked.
  Likelihood (*probe)(const Segment& first);
  // `state` points to state_bytes zeroed bytes at the first call.
  Answer (*on_data)(void* state, const Segment& segment, Context* context);
  // Bytes of one direction are missing before what on_data will show next. False, or null here: the
  // parser cannot go on after a hole. Called only while it is attached.
  bool (*on_gap)(void* state, bool from_originator, Context* context) = nullptr;
  // The flow is over: transactions without an answer are reported. May be null.
  void (*on_end)(void* state, Context* context) = nullptr;
  // First bytes of a payload with which `probe` may answer anything but kNo; empty: any. A parser
  // that lists them costs nothing on all other flows.
  std::string_view first_bytes = {};
  // Its usual server ports: it is asked before those that do not list the flow's port. A flow on
  // one of them is shown to the parser whatever its first byte.
  std::span<const uint16_t> ports = {};
  bool over_sctp = false;
  // The flow was announced by another one (Context::expect), which left a note of at most
  // kMaxNoteBytes. Called before the first on_data, without a probe. May be null.
  void (*on_expected)(void* state, Bytes note) = nullptr;
};

inline bool speaks_over(const Parser& parser, Transport transport) {
  return transport == Transport::kTcp   ? parser.over_tcp
         : transport == Transport::kUdp ? parser.over_udp
                                        : parser.over_sctp;
}

// Of the state; longer pieces of streams belong into the buffers of the context.
inline constexpr size_t kMaxParserStateBytes = 4096;

// All parsers, in the order in which they are asked when likelihoods are equal.
std::span<const Parser* const> parsers();

}  // namespace thymus::dpi
