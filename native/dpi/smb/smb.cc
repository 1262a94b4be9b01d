// SMB 1 to 3 over TCP 445 and, in NetBIOS sessions (RFC 1002 4.3), over TCP 139:
//
//   {u8 type, u24 length}, then for type 0 one SMB message or a chain of them
//
// A request waits in a buffer until its response comes; both are read then. What is read from and
// written to files goes by. Contents of encrypted and compressed messages are not seen.
#include <string_view>

#include "dpi/parser.h"
#include "dpi/smb/session.h"

namespace thymus::dpi {
namespace {

constexpr uint16_t kPorts[] = {445, 139};
constexpr std::string_view kFirstBytes("\x00\x81", 2);
constexpr size_t kFrameHeaderBytes = 4;
constexpr size_t kWholeBytes = 8192;  // longer messages that read or write files are not gathered
constexpr size_t kBulkHeadBytes = 256;
constexpr size_t kMaxGathered = 60 * 1024;

enum class Start : uint8_t { kNo, kCut, kYes };

// Whether a NetBIOS session message with SMB in it, or a session request, begins here.
Start looks_like_smb(Bytes bytes) {
  Reader r(bytes);
  const uint8_t type = r.u8();
  r.skip(3);
  const uint8_t magic = r.u8();
  const uint32_t smb = r.be24();
  if (!bytes.empty() && type >= 0x81 && type <= 0x85) {
    return bytes.size() < kFrameHeaderBytes ? Start::kCut : Start::kYes;
  }
  if (type != 0) return Start::kNo;
  if (!r.ok()) return Start::kCut;
  return smb == 0x534d42 && magic >= 0xfc ? Start::kYes : Start::kNo;
}

// File contents that may be long: they are used as they come.
bool is_bulk(Bytes message) {
  SmbHeader h;
  if (!read_smb_header(message, &h)) return false;
  return h.is2(smb2::kRead) || h.is2(smb2::kWrite) || h.is1(smb1::kReadAndX) ||
         h.is1(smb1::kWriteAndX);
}

size_t pass_body(SmbState* state, int side, Bytes bytes) {
  const auto n = static_cast<size_t>(std::min<uint64_t>(state->body_left[side], bytes.size()));
  state->body_left[side] -= n;
  if (const uint8_t file = state->body_file[side]; file != 0) {
    state->files[file - 1].tracker.add(bytes.first(n));
  }
  if (state->body_left[side] == 0) state->body_file[side] = 0;
  return n;
}

size_t take_one(SmbState* state, Context* context, int side, Bytes bytes, bool* is_broken) {
  if (*is_broken) return 0;
  if (state->body_left[side] > 0) return pass_body(state, side, bytes);
  const Start start = looks_like_smb(bytes);
  *is_broken = start == Start::kNo;
  if (start != Start::kYes) return 0;
  Reader r(bytes);
  const uint8_t type = r.u8();
  const size_t length = r.be24();
  if (type != 0) {
    state->body_left[side] = length;
    return kFrameHeaderBytes;
  }
  const size_t total = kFrameHeaderBytes + length;
  const size_t here = std::min(total, bytes.size());
  const Bytes message = bytes.first(here).subspan(kFrameHeaderBytes);
  const bool may_be_bulk = total > kWholeBytes;
  if (here < total) {
    if (!may_be_bulk || here < kBulkHeadBytes) return 0;
    if (total <= kMaxGathered && !is_bulk(message)) return 0;
  }
  SmbHeader h;
  if (read_smb_header(message, &h) && !state->is_sure) {
    state->client_is_responder = h.is_response == (side == 0);
  }
  state->is_sure = true;
  SmbSession(state, context).on_message(message, total - here, side);
  state->body_left[side] = total - here;
  return here;
}

Likelihood probe(const Segment& first) {
  const Start start = looks_like_smb(first.data);
  const bool on_port = first.has_port(445) || first.has_port(139);
  const bool is_session = Reader(first.data).u8() != 0;
  if (is_session) {
    Reader r(first.data);
    r.skip(1);
    const uint32_t length = r.be24();
    return on_port && start == Start::kYes && length <= 72 ? Likelihood::kLikely : Likelihood::kNo;
  }
  if (start == Start::kYes) return Likelihood::kLikely;
  return start == Start::kCut && on_port ? Likelihood::kMaybe : Likelihood::kNo;
}

Answer on_data(void* state_bytes, const Segment& segment, Context* context) {
  auto* state = static_cast<SmbState*>(state_bytes);
  const int side = segment.from_originator ? 0 : 1;
  if (state->is_lost[side]) {
    if (looks_like_smb(segment.data) != Start::kYes) return Answer::kAccept;
    state->is_lost[side] = false;
  }
  bool is_broken = false;
  // In pieces, so that the rest of a message fits its buffer.
  Reader r(segment.data);
  while (!r.empty() && !is_broken) {
    const Bytes piece = r.take_up_to(size_t{4} * 1024);
    if (!take_messages(context, side, piece, [&](Bytes bytes) {
          return take_one(state, context, side, bytes, &is_broken);
        })) {
      is_broken = true;
    }
  }
  if (!is_broken) return state->is_sure ? Answer::kAccept : Answer::kNeedMore;
  if (!state->is_sure) return Answer::kReject;
  state->is_lost[side] = true;
  context->buffers->clear(side);
  return Answer::kAccept;
}

bool on_gap(void* state_bytes, bool from_originator, Context* context) {
  auto* state = static_cast<SmbState*>(state_bytes);
  const int side = from_originator ? 0 : 1;
  state->is_lost[side] = true;
  state->body_left[side] = 0;
  state->body_file[side] = 0;
  context->buffers->clear(side);
  return true;
}

void on_end(void* state_bytes, Context* context) {
  SmbSession(static_cast<SmbState*>(state_bytes), context).flush();
}

}  // namespace

extern const Parser kSmb;

const Parser kSmb{
    .app = AppId::kSmb,
    .state_bytes = sizeof(SmbState),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .on_end = on_end,
    .first_bytes = kFirstBytes,
    .ports = kPorts,
};

}  // namespace thymus::dpi
