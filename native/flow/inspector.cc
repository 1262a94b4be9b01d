#include "flow/inspector.h"

namespace thymus::flow {
namespace {

namespace ip = decode::ip_protocol;

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

bool speaks(const dpi::Parser& parser, dpi::Transport transport) {
  return transport == dpi::Transport::kTcp   ? parser.over_tcp
         : transport == dpi::Transport::kUdp ? parser.over_udp
                                             : false;
}

}  // namespace

void Inspector::on_payload(const decode::PacketView& view, int dir, Flow* flow) {
  if (flow->inspection == Inspection::kOver) return;
  dpi::Segment segment{view.payload(),      view.ts_ns,    dir == 0,
                       transport_of(*flow), view.src_port, view.dst_port};
  if (segment.transport == dpi::Transport::kUdp && view.payload_wire_bytes > view.payload_bytes) {
    segment.cut_bytes = view.payload_wire_bytes - view.payload_bytes;
  }
  if (segment.transport == dpi::Transport::kTcp && !in_order(view, dir, flow, &segment.data))
    return;
  counters_.bytes += segment.data.size();
  if (flow->parser_state == kNoIndex) {
    choose(segment, flow);
  } else {
    settle(feed(segment, flow), flow);
  }
}

void Inspector::on_end(Flow* flow) {
  if (flow->parser_state == kNoIndex) return;
  const dpi::Parser& parser = *dpi::parsers()[flow->parser];
  if (flow->inspection == Inspection::kAttached && parser.on_end != nullptr) {
    parser.on_end(pool_.at(flow->parser_state), &writer_);
  }
  detach(flow);
}

// Bytes not shown before. False: nothing new, or a hole.
bool Inspector::in_order(const decode::PacketView& view, int dir, Flow* flow, Bytes* fresh) {
  const auto seen = static_cast<uint8_t>(4 << dir);  // bits 2 and 3: stream_next is set
  uint32_t& next = flow->stream_next[dir];
  if (!(flow->payload_seen & seen)) {
    flow->payload_seen |= seen;
    next = view.tcp_seq;
  }
  auto ahead = static_cast<int32_t>(view.tcp_seq - next);
  if (ahead > 0) {
    if (!survives_gap(dir, flow)) return false;
    next = view.tcp_seq;
    ahead = 0;
  }
  const auto repeated = static_cast<size_t>(-static_cast<int64_t>(ahead));
  if (repeated >= fresh->size()) return false;
  *fresh = fresh->subspan(repeated);
  next += static_cast<uint32_t>(fresh->size());
  return true;
}

bool Inspector::survives_gap(int dir, Flow* flow) {
  if (flow->inspection == Inspection::kAttached) {
    const dpi::Parser& parser = *dpi::parsers()[flow->parser];
    if (parser.on_gap != nullptr && parser.on_gap(pool_.at(flow->parser_state), dir == 0)) {
      return true;
    }
  }
  ++counters_.gaps;
  on_end(flow);
  flow->inspection = Inspection::kOver;
  return false;
}

void Inspector::choose(const dpi::Segment& segment, Flow* flow) {
  const auto all = dpi::parsers();
  for (const dpi::Likelihood wanted : {dpi::Likelihood::kLikely, dpi::Likelihood::kMaybe}) {
    for (size_t i = 0; i < all.size(); ++i) {
      if (!speaks(*all[i], segment.transport) || all[i]->probe(segment) != wanted) continue;
      if (!attach(static_cast<uint8_t>(i), flow)) return;
      const dpi::Answer answer = feed(segment, flow);
      settle(answer, flow);
      if (answer != dpi::Answer::kReject) return;
      flow->inspection = Inspection::kUndecided;
    }
  }
  // Nobody knows the first payload of this direction; the other side may still tell.
  const uint8_t both = 3;
  if ((flow->payload_seen & both) == both) flow->inspection = Inspection::kOver;
}

bool Inspector::attach(uint8_t parser, Flow* flow) {
  flow->parser_state = pool_.allocate(dpi::parsers()[parser]->state_bytes);
  if (flow->parser_state == kNoIndex) {
    ++counters_.no_memory;
    flow->inspection = Inspection::kOver;
    return false;
  }
  flow->parser = parser;
  return true;
}

dpi::Answer Inspector::feed(const dpi::Segment& segment, Flow* flow) {
  return dpi::parsers()[flow->parser]->on_data(pool_.at(flow->parser_state), segment, &writer_);
}

void Inspector::settle(dpi::Answer answer, Flow* flow) {
  switch (answer) {
    case dpi::Answer::kNeedMore:
      break;
    case dpi::Answer::kAccept:
      flow->app = dpi::parsers()[flow->parser]->app;
      flow->inspection = Inspection::kAttached;
      break;
    case dpi::Answer::kDone:
      flow->app = dpi::parsers()[flow->parser]->app;
      detach(flow);
      flow->inspection = Inspection::kOver;
      break;
    case dpi::Answer::kReject:
      if (flow->app == dpi::AppId::kUnknown) flow->app = dpi::AppId::kFailed;
      detach(flow);
      flow->inspection = Inspection::kOver;
      break;
  }
}

void Inspector::detach(Flow* flow) {
  pool_.free(flow->parser_state, dpi::parsers()[flow->parser]->state_bytes);
  flow->parser_state = kNoIndex;
}

}  // namespace thymus::flow
