#include "stream/reassembler.h"

#include <algorithm>
#include <cstring>

namespace thymus::stream {
namespace {

// Flags of direction 0; those of direction 1 lie one bit higher.
constexpr unsigned kStarted = 1;   // `next` is known
constexpr unsigned kUsed = 4;      // bytes were shown or kept
constexpr unsigned kOwesGap = 16;  // bytes are missing before `next`
constexpr unsigned kEnded = 64;    // `next` is where the FIN was

// A flow that waits mostly waits for one hole, behind which come several segments.
constexpr size_t kBlocksPerFlow = 4;

bool has(unsigned flag, int dir, const State& state) { return state.flags & flag << dir; }
void set(unsigned flag, int dir, State* state) {
  state->flags = static_cast<uint8_t>(state->flags | flag << dir);
}
void clear(unsigned flag, int dir, State* state) {
  state->flags = static_cast<uint8_t>(state->flags & ~(flag << dir));
}

// Sequence numbers compare modulo 2^32 (RFC 9293, 3.4).
int32_t distance(uint32_t from, uint32_t to) { return static_cast<int32_t>(to - from); }
bool after(uint32_t a, uint32_t b) { return distance(b, a) > 0; }

}  // namespace

Reassembler::Reassembler(size_t limit_bytes)
    : kept_(limit_bytes / kBlockBytes / kBlocksPerFlow + 1), blocks_(limit_bytes / kBlockBytes) {}

bool Reassembler::is_plain(int dir, const State& state) const {
  if (state.kept != 0) return false;
  return (state.flags >> dir & (kStarted | kOwesGap | kEnded)) == kStarted;
}

void Reassembler::note_shown(int dir, State* state) { set(kUsed, dir, state); }

void Reassembler::expect_first(int dir, uint32_t seq, State* state) {
  if (has(kUsed, dir, *state) || has(kEnded, dir, *state)) return;
  set(kStarted, dir, state);
  state->next[dir] = seq;
}

Faults Reassembler::push(int dir, const Segment& segment, State* state, Receiver* receiver) {
  Call call{dir, state, receiver};
  // A SYN takes the number before its data (RFC 7413).
  const uint32_t begin = segment.seq + (segment.is_syn ? 1 : 0);
  if (segment.is_syn || !has(kStarted, dir, *state)) expect_first(dir, begin, state);
  const uint32_t end = begin + segment.wire_bytes;
  const int32_t ahead = distance(call.next(), begin);
  const bool is_outside = ahead > kMostAhead || ahead < -kMostAhead;
  if (is_outside || (has(kEnded, dir, *state) && after(end, call.next()))) {
    ++counters_.ignored;
    return 0;
  }
  Bytes data = segment.data;
  uint32_t cut_end = end;
  if (const Waiting* held = waiting(call); held != nullptr && held->has_fin) {
    const int32_t room = distance(begin, held->fin_seq);
    if (room < 0 || data.size() > static_cast<uint32_t>(room)) ++counters_.ignored;
    data = data.first(std::min<size_t>(data.size(), static_cast<size_t>(std::max(room, 0))));
    if (after(cut_end, held->fin_seq)) cut_end = held->fin_seq;
  }
  if (ahead <= 0) {
    const auto repeated = static_cast<size_t>(-static_cast<int64_t>(ahead));
    const Bytes fresh = data.subspan(std::min(repeated, data.size()));
    if (!fresh.empty() || after(cut_end, call.next())) show_in_order(fresh, cut_end, &call);
  } else if (!data.empty()) {
    keep({begin, data}, cut_end, &call);
  }
  if (segment.is_fin && call.wanted) note_fin(end, &call);
  return leave(&call);
}

Faults Reassembler::acknowledge(int dir, uint32_t ack, State* state, Receiver* receiver) {
  Call call{dir, state, receiver};
  for (const Waiting* held = waiting(call); call.wanted && held != nullptr && held->n > 0;) {
    const int32_t acked = distance(call.next(), ack);
    if (acked <= 0 || acked > kMostAhead || after(held->pieces[0].seq, ack)) break;
    give_up_until(held->pieces[0].seq, &call);
    show_in_order({}, call.next(), &call);
  }
  return leave(&call);
}

Faults Reassembler::flush(int dir, State* state, Receiver* receiver) {
  Call call{dir, state, receiver};
  for (const Waiting* held = waiting(call); call.wanted && held != nullptr && held->n > 0;) {
    give_up_until(held->pieces[0].seq, &call);
    show_in_order({}, call.next(), &call);
  }
  return leave(&call);
}

void Reassembler::forget(State* state) {
  if (state->kept == 0) return;
  for (Waiting& held : kept_[state->kept].waiting) drop(&held);
  kept_.give_back(state->kept);
  state->kept = 0;
}

Reassembler::Waiting* Reassembler::waiting(const Call& call) {
  return call.state->kept == 0 ? nullptr : &kept_[call.state->kept].waiting[call.dir];
}

Reassembler::Waiting* Reassembler::make_waiting(const Call& call) {
  if (call.state->kept == 0) {
    call.state->kept = kept_.take();
    if (call.state->kept == 0) return nullptr;
    for (Waiting& held : kept_[call.state->kept].waiting) {
      held.n = 0;
      held.has_fin = false;
    }
  }
  return waiting(call);
}

void Reassembler::show(Bytes bytes, Call* call) {
  State* state = call->state;
  const uint32_t seq = call->next();
  call->next() += static_cast<uint32_t>(bytes.size());
  set(kUsed, call->dir, state);
  if (has(kOwesGap, call->dir, *state)) {
    clear(kOwesGap, call->dir, state);
    call->wanted = call->receiver->on_gap();
  }
  if (call->wanted) call->wanted = call->receiver->on_bytes(bytes, seq);
}

void Reassembler::give_up_until(uint32_t seq, Call* call) {
  ++counters_.gaps;
  counters_.gap_bytes += seq - call->next();
  call->faults |= fault::kGap;
  set(kOwesGap, call->dir, call->state);
  call->next() = seq;
}

// `rest` begins at the next byte. Bytes from there to `cut_end` that nobody has were cut off.
void Reassembler::show_in_order(Bytes rest, uint32_t cut_end, Call* call) {
  Waiting* held = waiting(*call);
  size_t n_shown = 0;
  while (call->wanted) {
    const Piece* first = held != nullptr && n_shown < held->n ? &held->pieces[n_shown] : nullptr;
    if (first != nullptr && first->seq == call->next()) {
      const size_t overlap = std::min<size_t>(rest.size(), first->bytes);
      compare(*first, 0, rest.first(overlap), call);
      rest = rest.subspan(overlap);
      if (after(first->end() + first->cut_bytes, cut_end)) {
        cut_end = first->end() + first->cut_bytes;
      }
      show({blocks_[first->block].bytes, first->bytes}, call);
      blocks_.give_back(first->block);
      ++n_shown;
    } else if (!rest.empty()) {
      const size_t room = first != nullptr ? first->seq - call->next() : rest.size();
      const size_t n = std::min(room, rest.size());
      show(rest.first(n), call);
      rest = rest.subspan(n);
    } else if (after(cut_end, call->next())) {
      set(kOwesGap, call->dir, call->state);
      call->next() = first != nullptr && after(cut_end, first->seq) ? first->seq : cut_end;
    } else {
      break;
    }
  }
  if (n_shown > 0) {
    std::copy(held->pieces + n_shown, held->pieces + held->n, held->pieces);
    held->n -= static_cast<uint32_t>(n_shown);
  }
  if (call->wanted) end_at_fin(call);
}

// REQUIRES: `run` begins behind the next byte.
void Reassembler::keep(Run run, uint32_t cut_end, Call* call) {
  ++counters_.kept;
  set(kUsed, call->dir, call->state);
  Waiting* held = make_waiting(*call);
  if (held != nullptr && insert(&run, cut_end, held, call)) return;
  call->faults |= fault::kLimit;
  ++counters_.limit_reached;
  // Each round shows at least one piece, whose block has room for some of what is left.
  while (call->wanted) {
    const bool is_first = held == nullptr || held->n == 0 || after(held->pieces[0].seq, run.seq);
    give_up_until(is_first ? run.seq : held->pieces[0].seq, call);
    if (is_first) return show_in_order(run.rest, cut_end, call);
    show_in_order({}, call->next(), call);
    const int32_t ahead = distance(call->next(), run.seq);
    if (ahead <= 0) {
      const auto repeated = static_cast<size_t>(-static_cast<int64_t>(ahead));
      const Bytes fresh = run.rest.subspan(std::min(repeated, run.rest.size()));
      if (call->wanted) show_in_order(fresh, cut_end, call);
      return;
    }
    if (call->wanted && insert(&run, cut_end, held, call)) return;
  }
}

// Puts what is new of `run` between the pieces. False: no room for what is left in it.
bool Reassembler::insert(Run* run, uint32_t cut_end, Waiting* held, Call* call) {
  Piece* const pieces = held->pieces;
  size_t i = held->n;
  while (i > 0 && after(pieces[i - 1].end(), run->seq)) --i;
  const auto step = [run](size_t n) {
    run->seq += static_cast<uint32_t>(n);
    run->rest = run->rest.subspan(n);
  };
  while (!run->rest.empty()) {
    if (i < held->n && !after(pieces[i].seq, run->seq)) {
      const size_t offset = run->seq - pieces[i].seq;
      const size_t n = std::min(run->rest.size(), pieces[i].bytes - offset);
      compare(pieces[i], offset, run->rest.first(n), call);
      step(n);
      ++i;
      continue;
    }
    const size_t room = i < held->n ? pieces[i].seq - run->seq : run->rest.size();
    const size_t n = std::min(room, run->rest.size());
    Piece* before = i > 0 ? &pieces[i - 1] : nullptr;
    if (before != nullptr && before->end() == run->seq && before->bytes < kBlockBytes) {
      const size_t m = std::min(n, kBlockBytes - before->bytes);
      std::memcpy(blocks_[before->block].bytes + before->bytes, run->rest.data(), m);
      before->bytes = static_cast<uint16_t>(before->bytes + m);
      before->cut_bytes =
          static_cast<uint16_t>(before->cut_bytes - std::min<size_t>(m, before->cut_bytes));
      step(m);
      continue;
    }
    const size_t m = std::min(n, kBlockBytes);
    if (!add_piece(i, *run, m, held)) return false;
    step(m);
    ++i;
  }
  if (i > 0 && pieces[i - 1].end() == run->seq && after(cut_end, run->seq)) {
    pieces[i - 1].cut_bytes =
        static_cast<uint16_t>(std::min<uint32_t>(cut_end - run->seq, UINT16_MAX));
  }
  return true;
}

bool Reassembler::add_piece(size_t at, const Run& run, size_t n, Waiting* held) {
  if (held->n == kMostPieces) return false;
  const uint32_t block = blocks_.take();
  if (block == 0) return false;
  std::memcpy(blocks_[block].bytes, run.rest.data(), n);
  Piece* const pieces = held->pieces;
  std::copy_backward(pieces + at, pieces + held->n, pieces + held->n + 1);
  pieces[at] = {run.seq, block, static_cast<uint16_t>(n), 0};
  ++held->n;
  return true;
}

void Reassembler::compare(const Piece& piece, size_t offset, Bytes bytes, Call* call) {
  if (bytes.empty() ||
      std::memcmp(blocks_[piece.block].bytes + offset, bytes.data(), bytes.size()) == 0) {
    return;
  }
  if (!(call->faults & fault::kDifferentData)) ++counters_.different_data;
  call->faults |= fault::kDifferentData;
}

// The first FIN says where the stream ends; one behind a hole waits like data.
void Reassembler::note_fin(uint32_t seq, Call* call) {
  if (has(kEnded, call->dir, *call->state) || after(call->next(), seq)) return;
  if (seq == call->next()) {
    set(kEnded, call->dir, call->state);
    if (Waiting* held = waiting(*call)) drop(held);
    return;
  }
  Waiting* held = make_waiting(*call);
  if (held == nullptr || held->has_fin) return;
  held->has_fin = true;
  held->fin_seq = seq;
  while (held->n > 0 && !after(seq, held->pieces[held->n - 1].seq)) {
    blocks_.give_back(held->pieces[--held->n].block);
  }
  if (held->n == 0) return;
  Piece& last = held->pieces[held->n - 1];
  if (after(last.end(), seq)) last.bytes = static_cast<uint16_t>(seq - last.seq);
  if (after(last.end() + last.cut_bytes, seq)) {
    last.cut_bytes = static_cast<uint16_t>(seq - last.end());
  }
}

void Reassembler::end_at_fin(Call* call) {
  Waiting* held = waiting(*call);
  if (held == nullptr || !held->has_fin || after(held->fin_seq, call->next())) return;
  set(kEnded, call->dir, call->state);
  drop(held);
}

void Reassembler::drop(Waiting* held) {
  for (size_t i = 0; i < held->n; ++i) blocks_.give_back(held->pieces[i].block);
  held->n = 0;
  held->has_fin = false;
}

// Gives back what is no longer needed.
Faults Reassembler::leave(Call* call) {
  if (call->state->kept == 0) return call->faults;
  const auto is_idle = [](const Waiting& held) { return held.n == 0 && !held.has_fin; };
  const Waiting* both = kept_[call->state->kept].waiting;
  if (!call->wanted || (is_idle(both[0]) && is_idle(both[1]))) forget(call->state);
  return call->faults;
}

}  // namespace thymus::stream
