// PFCP (3GPP TS 29.244) over UDP.
//
//   flags (1): version 3 bits = 1, -, FO, MP, S  type (1)  length (2)  [SEID (8) with S]
//   sequence (3)  priority or spare (1), then elements: type (2)  length (2)  value
#include "base/generated/events/pfcp.h"

#include "dpi/parser.h"
#include "dpi/telecom/names.h"

namespace thymus::dpi {
namespace {

namespace ids = event::pfcp;

constexpr uint16_t kPort = 8805;
constexpr uint16_t kPorts[] = {kPort};
constexpr int kMostElements = 64;
constexpr int kMostMessages = 4;  // of one datagram
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

void write_elements(Reader r, EventWriter* events) {
  constexpr uint16_t kCreatedPdr = 8, kCause = 19, kFSeid = 57, kNodeId = 60;
  uint64_t created_pdrs = 0;
  bool has_node = false, has_seid = false;
  for (int i = 0; i < kMostElements && r.remaining() >= 4; ++i) {
    const uint16_t type = r.be16();
    const Bytes value = r.take(r.be16());
    if (!r.ok() || value.empty()) break;
    if (type == kCause) events->put(ids::kCause, Reader(value).u8());
    if (type == kNodeId && !has_node) write_node_id(value, events);
    if (type == kFSeid && !has_seid) write_f_seid(value, events);
    has_node |= type == kNodeId;
    has_seid |= type == kFSeid;
    created_pdrs += type == kCreatedPdr;
  }
  if (created_pdrs > 0) events->put(ids::kCreatedPdrs, created_pdrs);
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
    write_elements(message, events);
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
