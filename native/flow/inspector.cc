#include "flow/inspector.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/generated/anomaly_codes.h"
#include "flow/sctp_messages.h"

namespace thymus::flow {
namespace {

namespace ip = decode::ip_protocol;
namespace tcp = decode::tcp_flag;

dpi::Transport transport_of(const Flow& flow) {
  switch (flow.key.protocol) {
    case ip::kTcp:
      return dpi::Transport::kTcp;
    case ip::kSctp:
      return dpi::Transport::kSctp;
    default:
      return dpi::Transport::kUdp;
  }
}

constexpr uint8_t unknown_bit(bool from_originator) {
  return static_cast<uint8_t>(payload_bit::kUnknown << (from_originator ? 0 : 1));
}

// In Flow::parser: no parser yet, the state keeps the starts of the two directions.
constexpr uint8_t kHeadOnly = 255;

struct Head {
  uint8_t size;
  std::array<uint8_t, Inspector::kHeadBytes> bytes;

  Bytes kept() const { return Bytes(bytes).first(size); }
  void keep(Bytes more) {
    const Bytes added = Reader(more).take_up_to(bytes.size() - size);
    std::copy(added.begin(), added.end(), bytes.begin() + size);
    size = static_cast<uint8_t>(size + added.size());
  }
};

struct Heads {
  Head of[2];
};

bool is_port_of(uint16_t port, const dpi::Parser& parser) {
  return std::ranges::find(parser.ports, port) != parser.ports.end();
}

// What the side that has not spoken yet will say is compared with what the parser understands: of
// datagrams where they go to the port of another service.
void await_other_side(const dpi::Segment& segment, const dpi::Parser& parser, Flow* flow) {
  if (segment.transport == dpi::Transport::kSctp) return;
  if (segment.transport == dpi::Transport::kUdp &&
      (!segment.from_originator || is_port_of(segment.dst_port, parser) ||
       !dpi::is_service_port(segment.dst_port, segment.transport))) {
    return;
  }
  const int other = segment.from_originator ? 1 : 0;
  const bool has_spoken = flow->payload_seen & payload_bit::kSeen << other;
  const unsigned rest = flow->payload_seen & ~(unknown_bit(true) | unknown_bit(false));
  flow->payload_seen =
      static_cast<uint8_t>(has_spoken ? rest : rest | unknown_bit(!segment.from_originator));
}

const dpi::Parser& parser_of(const Flow& flow) { return *dpi::parsers()[flow.parser]; }

// Some drivers count what fills up a frame as payload of a bare acknowledgement.
bool is_padding(const decode::PacketView& view) {
  constexpr uint32_t kFilledIpBytes = 46;  // in the shortest frame of Ethernet
  if (view.ip_bytes > kFilledIpBytes || view.tcp_flags != tcp::kAck) return false;
  const Bytes payload = view.payload();
  return std::all_of(payload.begin(), payload.end(), [](uint8_t byte) { return byte == 0; });
}

size_t state_bytes(uint8_t parser) {
  return parser == kHeadOnly ? sizeof(Heads) : dpi::parsers()[parser]->state_bytes;
}

}  // namespace

// What reassembly shows of one direction, with all that a segment says besides its bytes.
class Inspector::InOrder final : public stream::Receiver {
 public:
  InOrder(Inspector* inspector, const dpi::Segment& segment, Flow* flow)
      : inspector_(inspector), segment_(segment), flow_(flow) {}

  bool on_bytes(Bytes bytes, uint32_t seq) override {
    segment_.data = bytes;
    segment_.seq = seq;
    flow_->stream_next[segment_.from_originator ? 0 : 1] =
        seq + static_cast<uint32_t>(bytes.size());
    inspector_->show(segment_, flow_);
    return flow_->inspection != Inspection::kOver;
  }
  bool on_gap() override {
    return inspector_->survives_gap(segment_.from_originator ? 0 : 1, flow_);
  }

 private:
  Inspector* inspector_;
  dpi::Segment segment_;
  Flow* flow_;
};

stream::Faults Inspector::on_payload(const decode::PacketView& view, int dir, Flow* flow) {
  if (flow->inspection == Inspection::kOver) return 0;
  dpi::Segment segment{view.payload(),      view.ts_ns,    dir == 0,
                       transport_of(*flow), view.src_port, view.dst_port};
  if (segment.transport == dpi::Transport::kUdp && view.payload_wire_bytes > view.payload_bytes) {
    segment.cut_bytes = view.payload_wire_bytes - view.payload_bytes;
  }
  if (segment.transport == dpi::Transport::kSctp) {
    show_messages(segment, flow);
    return 0;
  }
  if (segment.transport == dpi::Transport::kTcp) {
    constexpr uint8_t kSpecial = tcp::kSyn | tcp::kFin | tcp::kRst;
    const bool is_plain = flow->payload_seen & payload_bit::kPlain << dir &&
                          view.tcp_seq == flow->stream_next[dir] && !(view.tcp_flags & kSpecial) &&
                          view.payload_bytes == view.payload_wire_bytes;
    if (view.payload_bytes > 0 && is_padding(view)) [[unlikely]]
      return 0;
    if (!is_plain) return reassemble(view, dir, segment, flow);
    flow->stream_next[dir] += view.payload_bytes;
    segment.seq = view.tcp_seq;
  }
  if (view.payload_bytes > 0) show(segment, flow);
  return 0;
}

// Each message of an SCTP packet is shown by itself, like a datagram.
void Inspector::show_messages(const dpi::Segment& packet, Flow* flow) {
  each_sctp_message(packet.data, [&](const SctpMessage& message) {
    if (flow->inspection == Inspection::kOver) return;
    dpi::Segment segment = packet;
    segment.data = message.data;
    segment.payload_protocol = message.payload_protocol;
    segment.cut_bytes = message.is_whole ? 0 : 1;
    show(segment, flow);
  });
}

stream::Faults Inspector::reassemble(const decode::PacketView& view, int dir,
                                     const dpi::Segment& segment, Flow* flow) {
  stream::State state = state_of(*flow);
  stream::Faults faults = 0;
  // What a RST carries says why and is no part of the stream (RFC 9293, 3.5.3).
  if (!(view.tcp_flags & tcp::kRst)) {
    const bool is_syn = view.tcp_flags & tcp::kSyn;
    if (is_syn) note_plain_bytes(view, dir, *flow, &state);
    if (is_syn && view.tcp_flags & tcp::kAck) streams_.expect_first(dir ^ 1, view.tcp_ack, &state);
    // Bytes that a header claims and its frame never had reach no receiver.
    const bool is_cut = view.is_truncated();
    InOrder receiver(this, segment, flow);
    faults = streams_.push(
        dir,
        {view.tcp_seq, segment.data, is_cut ? view.payload_wire_bytes : view.payload_bytes, is_syn,
         (view.tcp_flags & tcp::kFin) != 0},
        &state, &receiver);
    const Direction& other = flow->direction[dir ^ 1];
    if (state.kept != 0 && other.tcp_flags & tcp::kAck) {
      faults |= streams_.acknowledge(dir, other.ack, &state, &receiver);
    }
  }
  store(state, flow);
  return faults;
}

stream::Faults Inspector::on_ack(const decode::PacketView& view, int dir, Flow* flow) {
  if (!(view.tcp_flags & tcp::kAck) || view.tcp_flags & tcp::kRst) return 0;
  stream::State state = state_of(*flow);
  InOrder receiver(
      this, {{}, view.ts_ns, dir != 0, dpi::Transport::kTcp, view.dst_port, view.src_port}, flow);
  const stream::Faults faults = streams_.acknowledge(dir ^ 1, view.tcp_ack, &state, &receiver);
  store(state, flow);
  return faults;
}

stream::Faults Inspector::on_last_payload(int dir, Flow* flow) {
  stream::State state = state_of(*flow);
  const bool forth = dir == 0;
  InOrder receiver(this,
                   {{},
                    flow->ts_last_ns,
                    forth,
                    dpi::Transport::kTcp,
                    forth ? flow->orig_port : flow->resp_port,
                    forth ? flow->resp_port : flow->orig_port},
                   flow);
  const stream::Faults faults = streams_.flush(dir, &state, &receiver);
  store(state, flow);
  return faults;
}

// A SYN that is sent again comes late: what was shown without asking stays shown.
void Inspector::note_plain_bytes(const decode::PacketView& view, int dir, const Flow& flow,
                                 stream::State* state) {
  for (const int d : {0, 1}) {
    const uint64_t own_bytes = d == dir ? view.payload_wire_bytes : 0;
    const bool was_plain = flow.payload_seen & payload_bit::kPlain << d;
    if (was_plain && flow.direction[d].payload > own_bytes) streams_.note_shown(d, state);
  }
}

stream::State Inspector::state_of(const Flow& flow) const {
  const bool waits = flow.payload_seen & payload_bit::kWaiting;
  return {{flow.stream_next[0], flow.stream_next[1]},
          waits ? table_->extras(flow).stream_kept : 0,
          flow.stream_flags};
}

void Inspector::store(stream::State state, Flow* flow) {
  if (flow->inspection == Inspection::kOver) streams_.forget(&state);
  std::copy(std::begin(state.next), std::end(state.next), flow->stream_next);
  flow->stream_flags = state.flags;
  unsigned bits = flow->payload_seen & ~(payload_bit::kPlain * 3u | payload_bit::kWaiting);
  for (const int dir : {0, 1}) {
    if (streams_.is_plain(dir, state)) bits |= unsigned{payload_bit::kPlain} << dir;
  }
  if (state.kept != 0) {
    table_->make_extras(flow).stream_kept = state.kept;
    bits |= payload_bit::kWaiting;
  }
  flow->payload_seen = static_cast<uint8_t>(bits);
}

void Inspector::show(const dpi::Segment& segment, Flow* flow) {
  counters_.bytes += segment.data.size();
  if (flow->parser_state == kNoIndex || flow->parser == kHeadOnly) {
    choose(segment, flow);
    return;
  }
  const uint8_t unseen = unknown_bit(segment.from_originator);
  if (flow->inspection == Inspection::kAttached && flow->payload_seen & unseen) {
    flow->payload_seen = static_cast<uint8_t>(flow->payload_seen & ~unseen);
    if (segment.transport == dpi::Transport::kTcp) {
      compare_sides(segment, flow);
    } else if (answers_as_service(segment, flow)) {
      return;
    }
  }
  settle(feed(segment, flow), segment, flow);
}

void Inspector::compare_sides(const dpi::Segment& segment, Flow* flow) {
  if (parser_of(*flow).probe(segment) != dpi::Likelihood::kNo || dpi::is_carrier(flow->app)) return;
  for (const uint8_t other : dpi::candidates(segment, &room_)) {
    const dpi::Parser& parser = *dpi::parsers()[other];
    if (parser.app == dpi::AppId::kUnknown || parser.app == flow->app) continue;
    if (parser.probe(segment) != dpi::Likelihood::kLikely) continue;
    FlowExtras& extras = table_->make_extras(flow);
    extras.app_other = parser.app;
    extras.other_is_responder = !segment.from_originator;
    dpi::write_anomaly(anomaly_code::kProtoDetectMismatch, &writer_);
    return;
  }
}

// A service on its own port is known by its answer, whatever its first datagram was.
bool Inspector::answers_as_service(const dpi::Segment& answer, Flow* flow) {
  if (parser_of(*flow).probe(answer) != dpi::Likelihood::kNo) return false;
  for (const uint8_t other : dpi::candidates(answer, &room_)) {
    const dpi::Parser& parser = *dpi::parsers()[other];
    if (!is_port_of(answer.src_port, parser)) continue;
    if (parser.probe(answer) != dpi::Likelihood::kLikely) continue;
    on_end(flow);
    flow->inspection = Inspection::kUndecided;
    try_parser(other, answer, nullptr, flow);
    return true;
  }
  return false;
}

void Inspector::set_app(dpi::AppId app, Flow* flow) {
  const bool was_known =
      flow->app != dpi::AppId::kUnknown && flow->app != dpi::AppId::kFailed && flow->app != app;
  if (was_known && table_->extras(*flow).app_before == dpi::AppId::kUnknown) {
    table_->make_extras(flow).app_before = flow->app;
  }
  flow->app = app;
}

void Inspector::on_end(Flow* flow) {
  if (flow->parser_state == kNoIndex) return;
  if (flow->inspection == Inspection::kAttached && parser_of(*flow).on_end != nullptr) {
    dpi::Context* context = context_of(flow);
    parser_of(*flow).on_end(memory_.open(flow->parser_state), context);
  }
  detach(flow);
}

void Inspector::let_go(Flow* flow) {
  on_end(flow);
  flow->inspection = Inspection::kOver;
  store(state_of(*flow), flow);
}

bool Inspector::survives_gap(int dir, Flow* flow) {
  // Nobody has begun: what comes may still be recognised.
  if (flow->parser_state == kNoIndex) return true;
  if (flow->parser == kHeadOnly) {
    const auto* heads = static_cast<const Heads*>(memory_.open(flow->parser_state));
    if (heads->of[dir].size == 0) return true;
  }
  if (flow->inspection == Inspection::kAttached) {
    const dpi::Parser& parser = parser_of(*flow);
    if (parser.on_gap != nullptr) {
      dpi::Context* context = context_of(flow);
      if (parser.on_gap(memory_.open(flow->parser_state), dir == 0, context)) return true;
    }
  }
  ++counters_.gaps;
  on_end(flow);
  flow->inspection = Inspection::kOver;
  return false;
}

void Inspector::choose(const dpi::Segment& segment, Flow* flow) {
  if (expected_.any(flow->engine_last_ns) && try_expected(segment, flow)) return;
  if (flow->parser_state != kNoIndex) {
    choose_by_head(segment, flow);
  } else if (!ask(segment, nullptr, flow)) {
    nobody_knows(segment, flow);
  }
}

// The start of a direction came in several segments. It is kept until somebody wants the flow. Of
// a direction that begins now all is shown.
void Inspector::choose_by_head(const dpi::Segment& segment, Flow* flow) {
  const int own = segment.from_originator ? 0 : 1;
  auto* kept_heads = static_cast<Heads*>(memory_.open(flow->parser_state));
  const size_t before = kept_heads->of[own].size;
  if (before == kHeadBytes) return nobody_knows(segment, flow);
  kept_heads->of[own].keep(segment.data);
  // A parser that is tried takes memory of its own, and may give up ours.
  const Heads heads = *kept_heads;
  dpi::Segment first = segment;
  if (before > 0) first.data = heads.of[own].kept();
  first.seq -= static_cast<uint32_t>(before);
  const dpi::Segment other{heads.of[own ^ 1].kept(), segment.ts_ns,    !segment.from_originator,
                           segment.transport,        segment.dst_port, segment.src_port};
  const uint32_t kept = std::exchange(flow->parser_state, kNoIndex);
  if (!ask(first, other.data.empty() ? nullptr : &other, flow)) {
    flow->parser_state = kept;
    flow->parser = kHeadOnly;
    nobody_knows(segment, flow);
    return;
  }
  memory_.free(kept, sizeof(Heads));
  const size_t used = before > 0 ? heads.of[own].size - before : segment.data.size();
  if (used == segment.data.size() || flow->inspection == Inspection::kOver) return;
  dpi::Segment rest = segment;
  rest.data = segment.data.subspan(used);
  rest.seq += static_cast<uint32_t>(used);
  show(rest, flow);
}

// Whether somebody wants the flow. `earlier`: what the other side sent before, or null.
bool Inspector::ask(const dpi::Segment& first, const dpi::Segment* earlier, Flow* flow) {
  const std::span<const uint8_t> asked = dpi::candidates(first, &room_);
  // Those that are sure are tried while the others are asked, those that are not, afterwards.
  size_t n_maybe = 0;
  for (const uint8_t parser : asked) {
    const dpi::Likelihood likelihood = dpi::parsers()[parser]->probe(first);
    if (likelihood == dpi::Likelihood::kMaybe) room_[n_maybe++] = parser;
    if (likelihood == dpi::Likelihood::kLikely && try_parser(parser, first, earlier, flow))
      return true;
  }
  for (size_t i = 0; i < n_maybe; ++i) {
    if (try_parser(room_[i], first, earlier, flow)) return true;
  }
  return false;
}

// Shows the start of the flow to a parser. False when it rejects; then nothing has changed.
bool Inspector::try_parser(uint8_t parser, const dpi::Segment& first, const dpi::Segment* earlier,
                           Flow* flow) {
  if (!attach(parser, flow)) return true;
  if (earlier != nullptr) {
    settle(feed(*earlier, flow), *earlier, flow);
    if (flow->inspection == Inspection::kOver) return true;
  }
  const dpi::Answer answer = feed(first, flow);
  settle(answer, first, flow);
  if (answer != dpi::Answer::kReject) return true;
  flow->inspection = Inspection::kUndecided;
  return false;
}

// False where none was announced, or what came is something else.
bool Inspector::try_expected(const dpi::Segment& segment, Flow* flow) {
  const bool tcp = segment.transport == dpi::Transport::kTcp;
  const IpAddress& src = segment.from_originator ? flow->orig_address() : flow->resp_address();
  const IpAddress& dst = segment.from_originator ? flow->resp_address() : flow->orig_address();
  ExpectedFlows::Entry entry;
  if (!expected_.take(tcp, segment.dst_port, dst, src, flow->engine_last_ns, &entry) &&
      !expected_.take(tcp, segment.src_port, src, dst, flow->engine_last_ns, &entry)) {
    return false;
  }
  const int parser = dpi::parser_for(entry.app, segment.transport);
  if (parser < 0) return false;
  if (flow->parser_state != kNoIndex) detach(flow);
  if (!attach(static_cast<uint8_t>(parser), flow)) return true;
  if (parser_of(*flow).on_expected != nullptr) {
    parser_of(*flow).on_expected(memory_.open(flow->parser_state),
                                 {entry.note.data(), entry.note_bytes});
  }
  const dpi::Answer answer = feed(segment, flow);
  settle(answer, segment, flow);
  if (answer != dpi::Answer::kReject) return true;
  flow->inspection = Inspection::kUndecided;
  return false;
}

// The rest of the direction, or the other side, may still tell.
void Inspector::nobody_knows(const dpi::Segment& segment, Flow* flow) {
  const uint8_t unknown = unknown_bit(true) | unknown_bit(false);
  if (segment.transport != dpi::Transport::kTcp) {
    const bool is_datagram = segment.transport == dpi::Transport::kUdp;
    if (is_datagram && flow->n_segments >= kDatagramsAsked) flow->inspection = Inspection::kOver;
    return;
  }
  const int own = segment.from_originator ? 0 : 1;
  bool is_full = true;
  if (flow->parser_state != kNoIndex) {
    is_full =
        static_cast<const Heads*>(memory_.open(flow->parser_state))->of[own].size == kHeadBytes;
  } else if (segment.data.size() < kHeadBytes) {
    if (!attach(kHeadOnly, flow)) return;
    static_cast<Heads*>(memory_.open(flow->parser_state))->of[own].keep(segment.data);
    is_full = false;
  }
  if (is_full) flow->payload_seen |= unknown_bit(segment.from_originator);
  const bool both_unknown = (flow->payload_seen & unknown) == unknown;
  if (!both_unknown && flow->n_segments < kSegmentsAsked) return;
  if (flow->parser_state != kNoIndex) detach(flow);
  flow->inspection = Inspection::kOver;
}

bool Inspector::attach(uint8_t parser, Flow* flow) {
  flow->parser_state = memory_.allocate(state_bytes(parser));
  if (flow->parser_state == kNoIndex) {
    flow->inspection = Inspection::kOver;
    return false;
  }
  flow->parser = parser;
  return true;
}

dpi::Context* Inspector::context_of(Flow* flow) {
  flow_ = flow;
  context_ = {&writer_, &memory_,  this,          &options_, {}, dpi::AppId::kUnknown,
              0,        flow->app, digests_.get()};
  return &context_;
}

dpi::Answer Inspector::feed(const dpi::Segment& segment, Flow* flow) {
  dpi::Context* context = context_of(flow);
  void* state = memory_.open(flow->parser_state);
  const dpi::Answer answer = parser_of(*flow).on_data(state, segment, context);
  const dpi::FlowFacts& said = context->facts;
  if ((said.name_hash | said.client_fingerprint | said.tls_version) != 0) note_facts(said, flow);
  return answer;
}

void Inspector::note_facts(const dpi::FlowFacts& said, Flow* flow) {
  FlowExtras& extras = table_->make_extras(flow);
  if (said.name_hash != 0) extras.name_hash = said.name_hash;
  if (said.client_fingerprint != 0) extras.client_fingerprint = said.client_fingerprint;
  if (said.tls_version != 0) extras.tls_version = said.tls_version;
}

void Inspector::settle(dpi::Answer answer, const dpi::Segment& segment, Flow* flow) {
  const auto known = [this, flow] {
    if (dpi::is_carrier(flow->app)) return;
    const bool says_more = context_.facts.app != dpi::AppId::kUnknown;
    if (says_more) {
      set_app(context_.facts.app, flow);
    } else if (flow->inspection != Inspection::kAttached) {
      set_app(parser_of(*flow).app, flow);
    }
  };
  switch (answer) {
    case dpi::Answer::kNeedMore:
      break;
    case dpi::Answer::kAccept:
      known();
      if (flow->inspection != Inspection::kAttached)
        await_other_side(segment, parser_of(*flow), flow);
      flow->inspection = Inspection::kAttached;
      break;
    case dpi::Answer::kDone:
      known();
      detach(flow);
      flow->inspection = Inspection::kOver;
      break;
    case dpi::Answer::kReject:
      if (flow->app == dpi::AppId::kUnknown) flow->app = dpi::AppId::kFailed;
      detach(flow);
      flow->inspection = Inspection::kOver;
      break;
    case dpi::Answer::kHandOver:
      known();
      hand_over(segment, flow);
      break;
  }
}

void Inspector::hand_over(const dpi::Segment& segment, Flow* flow) {
  const int next = dpi::parser_for(context_.next, segment.transport);
  const size_t rest = std::min(context_.next_bytes, segment.data.size());
  detach(flow);
  flow->inspection = Inspection::kUndecided;
  if (context_.next == dpi::AppId::kUnknown) {  // whatever it turns out to be
    flow->payload_seen &= static_cast<uint8_t>(~(unknown_bit(true) | unknown_bit(false)));
  } else if (next < 0) {
    set_app(context_.next, flow);
    flow->inspection = Inspection::kOver;
    return;
  } else if (!attach(static_cast<uint8_t>(next), flow)) {
    return;
  }
  if (rest == 0) return;
  dpi::Segment tail = segment;
  tail.data = segment.data.last(rest);
  show(tail, flow);
}

void Inspector::detach(Flow* flow) {
  memory_.free(flow->parser_state, state_bytes(flow->parser));
  flow->parser_state = kNoIndex;
}

void Inspector::expect(const dpi::Expectation& expectation, Bytes note) {
  const bool to_originator = expectation.server_is_originator;
  const IpAddress& server = to_originator ? flow_->orig_address() : flow_->resp_address();
  const IpAddress& client = to_originator ? flow_->resp_address() : flow_->orig_address();
  expected_.add(expectation.app, expectation.tcp, expectation.server_port, server, client,
                flow_->engine_last_ns, note);
}

}  // namespace thymus::flow
