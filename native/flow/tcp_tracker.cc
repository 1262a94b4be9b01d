#include "flow/tcp_tracker.h"

#include <algorithm>
#include <bit>

namespace thymus::flow {
namespace {

namespace tcp = decode::tcp_flag;

void count(uint8_t* counter) {
  if (*counter < 255) ++*counter;
}
void count(uint16_t* counter) {
  if (*counter < 65535) ++*counter;
}

uint32_t elapsed_us(int64_t from_ns, int64_t to_ns) {
  return static_cast<uint32_t>(std::clamp<int64_t>((to_ns - from_ns) / 1000, 0, kNotMeasured / 2));
}

// Sequence numbers compare modulo 2^32 (RFC 9293, 3.4).
bool after(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) > 0; }

void track_handshake(const decode::PacketView& view, int dir, Flow* flow) {
  const bool ack = view.tcp_flags & tcp::kAck;
  if (view.tcp_flags & tcp::kSyn) {
    count(&flow->direction[dir].syns);
    if (dir == 0 && !ack && flow->direction[1].syns == 0) {
      if (flow->direction[0].syns == 1) {
        flow->syn_ns = view.ts_ns;
        flow->orig_window = view.tcp_window;
        flow->orig_mss = view.tcp_mss;
        flow->syn_options = view.tcp_options;
        flow->orig_window_scale = static_cast<uint8_t>(view.tcp_window_scale + 1);
      }
      flow->state = FlowState::kS0;
    } else if (dir == 1 && ack && flow->direction[1].syns == 1) {
      flow->state = FlowState::kS1;
      if (flow->syn_ns != 0) flow->rtt_us = elapsed_us(flow->syn_ns, view.ts_ns);
      flow->syn_ns = view.ts_ns;
    }
  } else if (dir == 0 && ack && flow->state == FlowState::kS1 && !flow->established) {
    flow->established = 1;
    if (flow->rtt_us != kNotMeasured && flow->syn_ns != 0) {
      flow->rtt_us += elapsed_us(flow->syn_ns, view.ts_ns);
    }
  }
}

TcpChange track_close(const decode::PacketView& view, int dir, Flow* flow) {
  TcpChange change;
  if (view.tcp_flags & tcp::kRst) {
    count(&flow->direction[dir].rsts);
    if (flow->closed) return change;
    if (flow->state == FlowState::kS0) {
      change.refused = dir == 1;
      flow->state = dir == 1 ? FlowState::kRej : FlowState::kRsto;
    } else if (flow->state == FlowState::kS1) {
      flow->state = dir == 0 ? FlowState::kRsto : FlowState::kRstr;
    }
    flow->closed = 1;
    change.closed = true;
  } else if (view.tcp_flags & tcp::kFin) {
    count(&flow->direction[dir].fins);
    flow->fin_mask = static_cast<uint8_t>((flow->fin_mask | 1 << dir) & 3);
    if (flow->state == FlowState::kS0 && dir == 0) flow->state = FlowState::kSh;
    if (flow->fin_mask == 3 && !flow->closed) {
      if (flow->state == FlowState::kS1) flow->state = FlowState::kSf;
      flow->closed = 1;
      change.closed = true;
    }
  }
  return change;
}

// Retransmissions and holes, from the highest sequence number seen in this direction.
void track_sequence(const decode::PacketView& view, int dir, Flow* flow) {
  Direction& d = flow->direction[dir];
  const uint32_t span = view.payload_wire_bytes + ((view.tcp_flags & tcp::kSyn) ? 1u : 0u) +
                        ((view.tcp_flags & tcp::kFin) ? 1u : 0u);
  const uint32_t end = view.tcp_seq + span;
  if (d.packets == 1) {  // the first of this direction; packets were counted before
    d.next_seq = end;
  } else if (span > 0) {
    if (after(view.tcp_seq, d.next_seq)) {
      count(&flow->out_of_order);  // a hole: lost before the tap, or overtaken
      add_history<'g'>(dir, flow);
      d.next_seq = end;
    } else if (after(end, d.next_seq)) {
      if (view.tcp_seq != d.next_seq) {
        count(&d.retransmissions);
        add_history<'t'>(dir, flow);
      }
      d.next_seq = end;
    } else {
      count(&d.retransmissions);
      add_history<'t'>(dir, flow);
    }
  }
  if (view.tcp_flags & tcp::kAck) d.ack = view.tcp_ack;
  if (view.tcp_window == 0 && !(view.tcp_flags & (tcp::kRst | tcp::kSyn))) {
    count(&flow->zero_windows);
    add_history<'w'>(dir, flow);
  }
}

void track_history(const decode::PacketView& view, int dir, Flow* flow) {
  const uint8_t flags = view.tcp_flags;
  const bool syn = flags & tcp::kSyn, fin = flags & tcp::kFin, rst = flags & tcp::kRst,
             ack = flags & tcp::kAck;
  if (syn && (fin || rst)) {
    add_history<'q'>(dir, flow);
    return;
  }
  if (syn && ack) add_history<'h'>(dir, flow);
  if (syn && !ack) add_history<'s'>(dir, flow);
  if (view.payload_wire_bytes > 0) {
    add_history<'d'>(dir, flow);
  } else if (ack && !syn && !fin && !rst) {
    add_history<'a'>(dir, flow);
  }
  if (fin) add_history<'f'>(dir, flow);
  if (rst) add_history<'r'>(dir, flow);
}

constexpr size_t kLetterBits = 5;
constexpr unsigned kOfResponder = 16;

size_t history_length(const Flow& flow) {
  return static_cast<size_t>(std::popcount(flow.direction[0].history_seen) +
                             std::popcount(flow.direction[1].history_seen));
}

}  // namespace

void append_history(size_t place, int dir, Flow* flow) {
  const size_t bit = history_length(*flow) * kLetterBits;
  const unsigned letter = static_cast<unsigned>(place) + (dir == 0 ? 0 : kOfResponder);
  const unsigned bits = letter << bit % 8;
  flow->history[bit / 8] = static_cast<uint8_t>(flow->history[bit / 8] | bits);
  if (bits > 255) flow->history[bit / 8 + 1] = static_cast<uint8_t>(bits >> 8);
  uint16_t& seen = flow->direction[dir].history_seen;
  seen = static_cast<uint16_t>(seen | 1u << place);
}

TextBuilder<kHistoryMost + 1> history_of(const Flow& flow) {
  TextBuilder<kHistoryMost + 1> text;
  if (flow.flags & flow_flag::kOriginatorGuessed) text.add('^');
  for (size_t i = 0, n = history_length(flow); i < n; ++i) {
    const size_t byte = i * kLetterBits / 8;
    const unsigned next = byte + 1 < flow.history.size() ? flow.history[byte + 1] : 0u;
    const unsigned letter = (flow.history[byte] | next << 8) >> i * kLetterBits % 8 & 31;
    const char c = kHistoryLetters[letter % kOfResponder];
    text.add(letter < kOfResponder ? static_cast<char>(c - 'a' + 'A') : c);
  }
  return text;
}

TcpChange track_tcp(const decode::PacketView& view, int dir, Flow* flow) {
  flow->direction[dir].tcp_flags |= view.tcp_flags;
  track_history(view, dir, flow);
  track_sequence(view, dir, flow);
  track_handshake(view, dir, flow);
  if (view.tcp_flags & (tcp::kRst | tcp::kFin)) return track_close(view, dir, flow);
  return {};
}

}  // namespace thymus::flow
