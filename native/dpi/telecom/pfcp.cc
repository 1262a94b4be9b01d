// PFCP (3GPP TS 29.244) over UDP.
//
//   flags (1): version 3 bits = 1, -, FO, MP, S  type (1)  length (2)  [SEID (8) with S]
//   sequence (3)  priority or spare (1), then elements: type (2)  length (2)  value
#include "base/generated/events/pfcp.h"

#include "dpi/parser.h"
#include "dpi/telecom/names.h"
#include "dpi/telecom/subscriber.h"

namespace thymus::dpi {
namespace {

namespace ids = event::pfcp;

constexpr uint16_t kPort = 8805;
constexpr uint16_t kPorts[] = {kPort};
constexpr int kMostElements = 64;  // of a message or a group with more, the first ones
constexpr int kMostDepth = 3;      // of groups: a rule, what it matches or does
constexpr size_t kMostEnds = 32;   // ends of tunnels in one message
constexpr int kMostMessages = 4;   // of one datagram
constexpr uint8_t kHasSeid = 1, kFollowOn = 4;

constexpr CodeName kMessages[] = {
    {1, "heartbeat_request"},
    {2, "heartbeat_response"},
    {3, "pfd_management_request"},
    {4, "pfd_management_response"},
    {5, "association_setup_request"},
    {6, "association_setup_response"},
    {7, "association_update_request"},
    {8, "association_update_response"},
    {9, "association_release_request"},
    {10, "association_release_response"},
    {11, "version_not_supported_response"},
    {12, "node_report_request"},
    {13, "node_report_response"},
    {14, "session_set_deletion_request"},
    {15, "session_set_deletion_response"},
    {50, "session_establishment_request"},
    {51, "session_establishment_response"},
    {52, "session_modification_request"},
    {53, "session_modification_response"},
    {54, "session_deletion_request"},
    {55, "session_deletion_response"},
    {56, "session_report_request"},
    {57, "session_report_response"},
};

struct State {
  uint64_t n_messages;
};

struct Header {
  uint8_t flags;
  uint8_t type;
  size_t bytes;  // of the whole message
  uint64_t seid;
  uint32_t sequence;
};

bool read_header(Reader* r, Header* h) {
  h->flags = r->u8();
  h->type = r->u8();
  h->bytes = size_t{r->be16()} + 4;
  h->seid = h->flags & kHasSeid ? r->be64() : 0;
  h->sequence = r->be24();
  r->skip(1);
  return r->ok() && (h->flags & 0xf8) == 0x20 && h->bytes >= (h->flags & kHasSeid ? 16u : 8u) &&
         !name_in(kMessages, h->type).empty();
}

void write_node_id(Bytes value, EventWriter* events) {
  constexpr uint8_t kV4 = 0, kV6 = 1;
  Reader in(value);
  const uint8_t kind = in.u8() & 0x0f;
  const Bytes rest = in.rest();
  if (kind == kV4 && rest.size() == 4) {
    events->put_ip(ids::kNodeAddress, IpAddress::v4(rest.data()));
  } else if (kind == kV6 && rest.size() == 16) {
    events->put_ip(ids::kNodeAddress, IpAddress::v6(rest.data()));
  } else if (kind > kV6) {
    events->put_bytes(ids::kNodeId, rest);
  }
}

void write_f_seid(Bytes value, EventWriter* events) {
  constexpr uint8_t kV4 = 2, kV6 = 1;
  Reader in(value);
  const uint8_t flags = in.u8();
  const uint64_t seid = in.be64();
  if (!in.ok()) return;
  events->put(ids::kFSeid, seid);
  const Bytes address = in.take(flags & kV4 ? 4 : flags & kV6 ? 16 : 0);
  if (address.size() == 4) events->put_ip(ids::kFSeidAddress, IpAddress::v4(address.data()));
  if (address.size() == 16) events->put_ip(ids::kFSeidAddress, IpAddress::v6(address.data()));
}

// What a message says of its session besides the elements that are written as they come: the first
// value of each.
struct Session {
  bool has_node = false;
  bool has_seid = false;
  bool has_instance = false;
  bool has_address = false;
  uint64_t created_pdrs = 0;
  size_t n_ends = 0;
};

void write_end(uint16_t field, uint32_t teid, Bytes address, Session* session,
               EventWriter* events) {
  static_assert(ids::f_teid::kTeid == ids::peer::kTeid);
  static_assert(ids::f_teid::kAddress == ids::peer::kAddress);
  IpAddress ip;
  if (session->n_ends == kMostEnds || !read_address(address, &ip)) return;
  ++session->n_ends;
  events->open(field);
  events->put(ids::f_teid::kTeid, teid);
  events->put_ip(ids::f_teid::kAddress, ip);
  events->close();
}

// The user plane's own end; one that it shall choose itself has no number yet.
void write_f_teid(Reader in, Session* session, EventWriter* events) {
  constexpr uint8_t kV4 = 1, kV6 = 2, kChoose = 4;
  const uint8_t flags = in.u8();
  if (flags & kChoose) return;
  const uint32_t teid = in.be32();
  write_end(ids::kFTeid, teid, in.take(flags & kV4 ? 4 : flags & kV6 ? 16 : 0), session, events);
}

void write_outer_header(Reader in, Session* session, EventWriter* events) {
  constexpr uint16_t kGtpV4 = 0x0100, kGtpV6 = 0x0200;
  const uint16_t what = in.be16();
  if (!(what & (kGtpV4 | kGtpV6))) return;
  const uint32_t teid = in.be32();
  write_end(ids::kPeer, teid, in.take(what & kGtpV4 ? 4 : 16), session, events);
}

void write_ue_address(Reader in, Session* session, EventWriter* events) {
  constexpr uint8_t kV6 = 1, kV4 = 2;
  const uint8_t flags = in.u8();
  IpAddress address;
  if (session->has_address || !(flags & (kV4 | kV6))) return;
  if (!read_address(in.take(flags & kV4 ? 4 : 16), &address)) return;
  session->has_address = true;
  events->put_ip(ids::kUeAddress, address);
}

// Flags say which identities follow, each after its length: IMSI, IMEI, MSISDN, NAI.
void write_user_id(Reader in, Context* context) {
  constexpr uint8_t kImsi = 1, kImei = 2, kMsisdn = 4;
  const uint8_t flags = in.u8();
  const auto next = [&in] { return tbcd(in.take(in.u8())); };
  if (flags & kImsi) put_identity(ids::kImsi, IdentityKind::kImsi, next().view(), context);
  if (flags & kImei) put_identity(ids::kImei, IdentityKind::kImei, next().view(), context);
  if (flags & kMsisdn) put_identity(ids::kMsisdn, IdentityKind::kMsisdn, next().view(), context);
}

// Labels, or the name as plain text.
void write_name(uint16_t field, Bytes value, EventWriter* events) {
  const AccessPoint name = access_point(value);
  if (name.empty()) {
    events->put_bytes(field, value);
  } else {
    events->put_text(field, name.view());
  }
}

void write_slice(Reader in, EventWriter* events) {
  constexpr uint32_t kNoDifferentiator = 0xffffff;
  Slice slice{.sst = in.u8(), .sd = in.be24(), .has_sd = true};
  if (!in.ok()) return;
  slice.has_sd = slice.sd != kNoDifferentiator;
  events->put_text(ids::kSlice, slice_text(slice).view());
}

namespace element {
constexpr uint16_t kCreatePdr = 1, kPdi = 2, kCreateFar = 3, kForwarding = 4, kCreatedPdr = 8,
                   kUpdatePdr = 9, kUpdateFar = 10, kUpdateForwarding = 11, kCause = 19,
                   kFTeid = 21, kNetworkInstance = 22, kFSeid = 57, kNodeId = 60, kOuterHeader = 84,
                   kUeAddress = 93, kUserId = 141, kApn = 159, kSlice = 257;
}  // namespace element

bool is_group(uint16_t type) {
  switch (type) {
    case element::kCreatePdr:
    case element::kPdi:
    case element::kCreateFar:
    case element::kForwarding:
    case element::kCreatedPdr:
    case element::kUpdatePdr:
    case element::kUpdateFar:
    case element::kUpdateForwarding:
      return true;
    default:
      return false;
  }
}

void write_element(uint16_t type, Bytes value, Session* session, Context* context) {
  EventWriter* events = context->events;
  Reader in(value);
  switch (type) {
    case element::kCause:
      events->put(ids::kCause, in.u8());
      break;
    case element::kNodeId:
      if (!session->has_node) write_node_id(value, events);
      session->has_node = true;
      break;
    case element::kFSeid:
      if (!session->has_seid) write_f_seid(value, events);
      session->has_seid = true;
      break;
    case element::kFTeid:
      write_f_teid(in, session, events);
      break;
    case element::kOuterHeader:
      write_outer_header(in, session, events);
      break;
    case element::kUeAddress:
      write_ue_address(in, session, events);
      break;
    case element::kNetworkInstance:
      if (!session->has_instance) write_name(ids::kNetworkInstance, value, events);
      session->has_instance = true;
      break;
    case element::kUserId:
      write_user_id(in, context);
      break;
    case element::kApn:
      write_name(ids::kApn, value, events);
      break;
    case element::kSlice:
      write_slice(in, events);
      break;
    default:
      break;
  }
}

void write_elements(Reader r, int depth, Session* session, Context* context) {
  for (int i = 0; i < kMostElements && r.remaining() >= 4; ++i) {
    const uint16_t type = r.be16();
    const Bytes value = r.take(r.be16());
    if (!r.ok()) return;
    session->created_pdrs += type == element::kCreatedPdr;
    if (is_group(type)) {
      if (depth < kMostDepth) write_elements(Reader(value), depth + 1, session, context);
    } else if (!value.empty()) {
      write_element(type, value, session, context);
    }
  }
}

Likelihood probe(const Segment& first) {
  Reader r(first.data);
  Header h;
  if (!read_header(&r, &h)) return Likelihood::kNo;
  const size_t wire_bytes = first.data.size() + first.cut_bytes;
  const bool is_whole = h.bytes == wire_bytes || (h.flags & kFollowOn && h.bytes < wire_bytes);
  return is_whole && first.has_port(kPort) ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_datagram(void* raw, const Segment& segment, Context* context) {
  auto* state = static_cast<State*>(raw);
  Reader datagram(segment.data);
  for (int i = 0; i < kMostMessages && !datagram.empty(); ++i) {
    Reader peek(datagram.rest());
    Header h;
    if (!read_header(&peek, &h)) break;
    Reader message = datagram.sub(h.bytes);
    message.skip(h.flags & kHasSeid ? 16 : 8);
    ++state->n_messages;
    EventWriter* events = context->events;
    events->begin(event::kPfcp);
    events->put(ids::kMessageType, h.type);
    events->put_text(ids::kMessage, name_in(kMessages, h.type));
    if (h.flags & kHasSeid) events->put(ids::kSeid, h.seid);
    events->put(ids::kSequence, h.sequence);
    Session session;
    write_elements(message, 0, &session, context);
    if (session.created_pdrs > 0) events->put(ids::kCreatedPdrs, session.created_pdrs);
    events->end();
  }
  return state->n_messages > 0 ? Answer::kAccept : Answer::kReject;
}

}  // namespace

extern const Parser kPfcp;

const Parser kPfcp{
    .app = AppId::kPfcp,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_datagram,
    .first_bytes = "\x20\x21\x22\x23\x24\x25\x26\x27",
    .ports = kPorts,
};

}  // namespace thymus::dpi
