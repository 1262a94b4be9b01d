// ONC RPC version 2 (RFC 5531). The program that is called names the flow: NFS with its companions
// MOUNT and NLM (RFC 1813, RFC 7530), or plain RPC.
//
//   TCP: | last fragment, length |  before each message
//   call:  | xid | 0 | 2 | program | version | procedure | credentials | verifier | ...
//   reply: | xid | 1 | 0 | verifier | status | ...   or   | xid | 1 | 1 | why |
//
// A reply does not say which program answers. Off the usual ports one reply says too little, so
// two of different xid, or a call, must be seen.
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

constexpr uint16_t kPortmapPort = 111;
constexpr uint16_t kNfsPort = 2049;
constexpr uint16_t kPorts[] = {kPortmapPort, kNfsPort};
constexpr uint32_t kLastFragment = 0x80000000;
constexpr uint32_t kMaxRecordBytes = 1u << 24;
constexpr uint32_t kMaxAuthBytes = 400;  // RFC 5531, 8.2

enum class Kind : uint8_t { kNone, kCall, kReply };

struct Message {
  Kind kind = Kind::kNone;
  uint32_t xid = 0;
  uint32_t program = 0;
};

struct State {
  uint32_t reply_xid;
  bool has_reply;
};

// AUTH_NONE, AUTH_SYS, AUTH_SHORT, AUTH_DH, RPCSEC_GSS or AUTH_TLS.
bool skip_auth(Reader* r) {
  const uint32_t flavor = r->be32();
  const uint32_t bytes = r->be32();
  if (flavor > 7 || bytes > kMaxAuthBytes) return false;
  r->take_up_to((bytes + 3) / 4 * 4);  // the payload may be the start of a record only
  return r->ok();
}

Message read_call(Reader* r, uint32_t xid) {
  const uint32_t rpc_version = r->be32();
  const uint32_t program = r->be32();
  const uint32_t version = r->be32();
  const uint32_t procedure = r->be32();
  constexpr uint32_t kMaxVersion = 0xffff;
  constexpr uint32_t kMaxProcedure = 0xffff;
  // Programs below this are assigned, those of users and transient ones lie above (RFC 5531, 13).
  constexpr uint32_t kFirstReserved = 0x60000000;
  const bool is_call = rpc_version == 2 && program > 0 && program < kFirstReserved &&
                       version <= kMaxVersion && procedure <= kMaxProcedure && skip_auth(r);
  return is_call ? Message{Kind::kCall, xid, program} : Message{};
}

Message read_reply(Reader* r, uint32_t xid) {
  const uint32_t denied = r->be32();
  if (denied == 1) {
    const uint32_t why = r->be32();
    const uint32_t detail = r->be32();
    return r->ok() && why <= 1 && detail <= 14 ? Message{Kind::kReply, xid} : Message{};
  }
  constexpr uint32_t kMaxStatus = 5;  // SYSTEM_ERR
  const bool is_reply = denied == 0 && skip_auth(r) && r->be32() <= kMaxStatus && r->ok();
  return is_reply ? Message{Kind::kReply, xid} : Message{};
}

Message read_message(const Segment& segment) {
  Reader r(segment.data);
  if (segment.transport == Transport::kTcp) {
    const uint32_t mark = r.be32();
    const uint32_t bytes = mark & ~kLastFragment;
    if (bytes < 12 || bytes > kMaxRecordBytes || (mark & kLastFragment) == 0) return {};
  }
  const uint32_t xid = r.be32();
  const uint32_t type = r.be32();
  if (!r.ok() || type > 1) return {};
  return type == 0 ? read_call(&r, xid) : read_reply(&r, xid);
}

AppId app_of_program(uint32_t program) {
  constexpr uint32_t kNfs = 100003;
  constexpr uint32_t kMount = 100005;
  constexpr uint32_t kLockManager = 100021;
  const bool is_nfs = program == kNfs || program == kMount || program == kLockManager;
  return is_nfs ? AppId::kNfs : AppId::kRpc;
}

Likelihood probe(const Segment& first) {
  const Message message = read_message(first);
  if (message.kind == Kind::kNone) return Likelihood::kNo;
  const bool on_port = first.has_port(kPortmapPort) || first.has_port(kNfsPort);
  return on_port || message.kind == Kind::kCall ? Likelihood::kLikely : Likelihood::kMaybe;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* s = static_cast<State*>(state);
  const Message message = read_message(segment);
  if (message.kind == Kind::kCall) {
    context->facts.app = app_of_program(message.program);
    return Answer::kDone;
  }
  // Behind the first reply of a stream its pieces need not begin with a message.
  const bool is_stream = segment.transport == Transport::kTcp;
  if (message.kind == Kind::kNone) {
    return s->has_reply && is_stream ? Answer::kNeedMore : Answer::kReject;
  }
  if (segment.has_port(kNfsPort)) context->facts.app = AppId::kNfs;
  if (segment.has_port(kNfsPort) || segment.has_port(kPortmapPort)) return Answer::kDone;
  if (s->has_reply && message.xid != s->reply_xid) return Answer::kDone;
  s->has_reply = true;
  s->reply_xid = message.xid;
  return Answer::kNeedMore;
}

}  // namespace

extern const Parser kOncRpcTcp;
extern const Parser kOncRpcUdp;

const Parser kOncRpcTcp{
    .app = AppId::kRpc,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = {"\x80", 1},
    .ports = kPorts,
};
const Parser kOncRpcUdp{
    .app = AppId::kRpc,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .ports = kPorts,
};

}  // namespace thymus::dpi
