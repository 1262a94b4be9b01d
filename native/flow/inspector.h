// Recognition of one lane's flows: chooses a parser by the first payload, feeds it while it is
// attached, lets go when it is done. TCP payload reaches a parser in order (stream/reassembler.h);
// at a hole that stays a parser that cannot go on is detached and the hole counted.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/event_writer.h"
#include "decode/packet_view.h"
#include "dpi/candidates.h"
#include "dpi/parser.h"
#include "flow/expected_flows.h"
#include "flow/flow.h"
#include "flow/flow_table.h"
#include "flow/parser_memory.h"
#include "stream/reassembler.h"

namespace thymus::flow {

struct InspectorCounters {
  uint64_t bytes = 0;
  uint64_t gaps = 0;
  uint64_t no_memory = 0;
  uint64_t digests_lost = 0;
  uint64_t expectations_lost = 0;
};

struct InspectorOptions {
  size_t state_bytes;   // of parsers
  size_t stream_bytes;  // of TCP payload that waits for what is before it
  dpi::ParserOptions parsers;
  const EventKinds* wanted_events;  // of others only the types; null: all
};

class Inspector final : private dpi::Expectations {
 public:
  // A TCP direction whose start nobody knows is kept up to this length and asked about again: the
  // first segment may hold a single byte.
  static constexpr size_t kHeadBytes = 32;
  // Datagrams, and segments with payload, of a flow after which nobody is asked any more.
  static constexpr int kDatagramsAsked = 4;
  static constexpr int kSegmentsAsked = 12;
  static_assert(kSegmentsAsked <= static_cast<int>(kSegments));

  // `table`: of the flows that are shown; it outlives the inspector, as does `events`.
  Inspector(const InspectorOptions& options, FlowTable* table, EventWriter::Sink* events)
      : memory_(options.state_bytes),
        streams_(options.stream_bytes),
        table_(table),
        writer_(events, options.wanted_events),
        options_(options.parsers) {
    if (options_.digests) digests_ = std::make_unique<dpi::FileDigests>();
  }

  // True for packets that on_payload must see.
  static bool is_of_interest(const decode::PacketView& view, const Flow& flow) {
    namespace tcp = decode::tcp_flag;
    return view.payload_wire_bytes > 0 || view.tcp_flags & (tcp::kSyn | tcp::kFin) ||
           flow.payload_seen & payload_bit::kWaiting;
  }
  // A packet in direction `dir` acknowledges what waits in the other one.
  // REQUIRES: a TCP segment.
  stream::Faults on_ack(const decode::PacketView& view, int dir, Flow* flow);
  // Payload of one packet in direction `dir`, if it has any.
  stream::Faults on_payload(const decode::PacketView& view, int dir, Flow* flow);
  // The flow ends: what waits in direction `dir` is shown.
  stream::Faults on_last_payload(int dir, Flow* flow);
  // It is looked into no further: what its parser has open is reported, what waits is given up.
  void let_go(Flow* flow);
  // The flow ends: its parser reports what is open and its state is given back.
  void on_end(Flow* flow);

  const InspectorCounters& counters() const {
    counters_.no_memory = memory_.refusals();
    counters_.expectations_lost = expected_.lost();
    counters_.digests_lost = digests_ == nullptr ? 0 : digests_->lost();
    return counters_;
  }
  const stream::Counters& stream_counters() const { return streams_.counters(); }

 private:
  class InOrder;

  stream::Faults reassemble(const decode::PacketView& view, int dir, const dpi::Segment& segment,
                            Flow* flow);
  void note_plain_bytes(const decode::PacketView& view, int dir, const Flow& flow,
                        stream::State* state);
  stream::State state_of(const Flow& flow) const;
  void store(stream::State state, Flow* flow);
  void note_facts(const dpi::FlowFacts& said, Flow* flow);
  // Tells the parser of a hole; lets it go, and counts that, when it cannot go on.
  bool survives_gap(int dir, Flow* flow);
  void show(const dpi::Segment& segment, Flow* flow);
  // The second side begins to speak: whether it is another protocol than the first side's.
  void compare_sides(const dpi::Segment& segment, Flow* flow);
  // The first answer to a datagram, at the port of a service: true when it is that service's.
  bool answers_as_service(const dpi::Segment& answer, Flow* flow);
  void set_app(dpi::AppId app, Flow* flow);
  void show_messages(const dpi::Segment& packet, Flow* flow);
  void choose(const dpi::Segment& segment, Flow* flow);
  void choose_by_head(const dpi::Segment& segment, Flow* flow);
  bool ask(const dpi::Segment& first, const dpi::Segment* earlier, Flow* flow);
  bool try_parser(uint8_t parser, const dpi::Segment& first, const dpi::Segment* earlier,
                  Flow* flow);
  bool try_expected(const dpi::Segment& segment, Flow* flow);
  void nobody_knows(const dpi::Segment& segment, Flow* flow);
  void hand_over(const dpi::Segment& segment, Flow* flow);
  bool attach(uint8_t parser, Flow* flow);
  dpi::Context* context_of(Flow* flow);
  dpi::Answer feed(const dpi::Segment& segment, Flow* flow);
  void settle(dpi::Answer answer, const dpi::Segment& segment, Flow* flow);
  void detach(Flow* flow);
  void expect(const dpi::Expectation& expectation, Bytes note) override;

  ParserMemory memory_;
  stream::Reassembler streams_;
  FlowTable* table_;
  EventWriter writer_;
  dpi::ParserOptions options_;
  std::unique_ptr<dpi::FileDigests> digests_;
  ExpectedFlows expected_;
  dpi::Context context_{};
  const Flow* flow_ = nullptr;  // of the call under way
  std::array<uint8_t, dpi::kMaxParsers> room_{};
  mutable InspectorCounters counters_;
};

}  // namespace thymus::flow
