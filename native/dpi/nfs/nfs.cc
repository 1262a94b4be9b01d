// NFS over ONC RPC (RFC 5531).
//
//   TCP: | last fragment, length |  before each message; the rest as in a datagram
//   call:  | xid | 0 | 2 | 100003 | version | procedure | credentials | verifier | arguments
//   reply: | xid | 1 | 0 | verifier | 0 | status, results |
//
// Of each message its start is kept, which holds handles and names; the data of files is skipped.
// A reply says nothing of its program, so a call must come first, but on NFS's own port.
#include <algorithm>

#include "dpi/nfs/session.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

using nfs::Session;

constexpr uint16_t kPort = 2049;
constexpr uint16_t kPorts[] = {kPort};
constexpr uint32_t kCall = 0, kReply = 1;
constexpr size_t kMaxStartBytes = 2048;
constexpr uint32_t kLastFragment = 0x80000000;
constexpr uint32_t kMaxFragmentBytes = 64u << 20;
static_assert(sizeof(Session) <= kMaxScratchBytes);

struct Direction {
  uint32_t skip_bytes;  // of the fragment that was begun
  uint32_t next_seq;
  bool is_continued;  // the next fragment belongs to the message of the one before
  bool is_after_gap;
};

struct State {
  Direction directions[2];
  bool is_broken;
};

Session* session_of(Context* context) {
  const auto memory = context->buffers->scratch(sizeof(Session));
  return memory.empty() ? nullptr : static_cast<Session*>(static_cast<void*>(memory.data()));
}

void on_message(Bytes message, bool by_responder, Context* context) {
  Session* session = session_of(context);
  if (session == nullptr) return;
  Reader r(message);
  const uint32_t xid = r.be32();
  const uint32_t type = r.be32();
  nfs::Call call{};
  if (type == kCall && read_call(&r, xid, &call)) session->on_call(call, by_responder);
  if (type == kReply) session->on_reply(&r, xid, context->events);
}

// One fragment, or as much of it as is of use; 0 when more of it must come first.
size_t take_fragment(Bytes all, bool by_responder, State* s, Context* context) {
  Direction& d = s->directions[by_responder ? 1 : 0];
  if (d.skip_bytes > 0) {
    const size_t n = std::min<size_t>(d.skip_bytes, all.size());
    d.skip_bytes -= static_cast<uint32_t>(n);
    return n;
  }
  Reader r(all);
  const uint32_t mark = r.be32();
  if (!r.ok()) return 0;
  const uint32_t bytes = mark & ~kLastFragment;
  if (bytes > kMaxFragmentBytes) {
    s->is_broken = true;
    return all.size();
  }
  const size_t start = d.is_continued ? 0 : std::min<size_t>(bytes, kMaxStartBytes);
  if (r.remaining() < start) return 0;
  if (!d.is_continued) on_message(r.take(start), by_responder, context);
  d.is_continued = !(mark & kLastFragment);
  d.skip_bytes = bytes - static_cast<uint32_t>(start);
  return 4 + start;
}

// Only data that would have been skipped may be missing.
bool skip_gap(uint32_t seq, Direction* d) {
  const uint32_t missing = seq - d->next_seq;
  d->is_after_gap = false;
  if (missing > d->skip_bytes) return false;
  d->skip_bytes -= missing;
  return true;
}

Likelihood probe(const Segment& first) {
  Reader r(first.data);
  if (first.transport == Transport::kTcp) {
    const uint32_t mark = r.be32();
    if (!(mark & kLastFragment) || (mark & ~kLastFragment) > kMaxFragmentBytes) {
      return Likelihood::kNo;
    }
  }
  r.skip(4);  // xid
  const uint32_t type = r.be32();
  if (type == kReply) {
    const bool is_known = r.be32() <= 1 && r.ok() && first.has_port(kPort);
    return is_known ? Likelihood::kLikely : Likelihood::kNo;
  }
  const uint32_t rpc_version = r.be32();
  const uint32_t program = r.be32();
  const uint32_t version = r.be32();
  const uint32_t procedure = r.be32();
  const bool is_call = r.ok() && type == kCall && rpc_version == 2 && program == nfs::kProgram &&
                       version >= nfs::kLowestVersion && version <= nfs::kHighestVersion &&
                       !nfs::procedure_name(version, procedure).empty();
  return is_call ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  if (segment.transport == Transport::kUdp) {
    on_message(Reader(segment.data).take_up_to(kMaxStartBytes), !segment.from_originator, context);
    return Answer::kAccept;
  }
  auto* s = static_cast<State*>(state);
  const int side = segment.from_originator ? 0 : 1;
  Direction& d = s->directions[side];
  if (d.is_after_gap && !skip_gap(segment.seq, &d)) return Answer::kDone;
  d.next_seq = segment.seq + static_cast<uint32_t>(segment.data.size());
  const bool kept = take_messages(context, side, segment.data, [&](Bytes all) {
    return take_fragment(all, side == 1, s, context);
  });
  return kept && !s->is_broken ? Answer::kAccept : Answer::kDone;
}

bool on_gap(void* state, bool from_originator, Context* context) {
  auto* s = static_cast<State*>(state);
  const int side = from_originator ? 0 : 1;
  // The start of a message is lost with what is missing.
  if (!context->buffers->view(side).empty()) return false;
  s->directions[side].is_after_gap = true;
  return true;
}

void on_end(void*, Context* context) {
  if (Session* session = session_of(context)) session->on_end(context->events);
}

}  // namespace

extern const Parser kNfsTcp;
extern const Parser kNfsUdp;

const Parser kNfsTcp{
    .app = AppId::kNfs,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .on_end = on_end,
    .first_bytes = {"\x80", 1},
    .ports = kPorts,
};
const Parser kNfsUdp{
    .app = AppId::kNfs,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .on_end = on_end,
    .ports = kPorts,
};

}  // namespace thymus::dpi
