// GTPv1-C (3GPP TS 29.060), and the path messages of GTP-U (TS 29.281).
//
//   flags (1): version 3 bits, protocol type, -, E, S, PN  type (1)  length (2)  TEID (4)
//   [sequence (2)  N-PDU number (1)  next extension (1)] with E, S or PN, then elements: type (1),
//   from 128 on length (2), value
#include "base/generated/events/gtpv1.h"

#include "dpi/parser.h"
#include "dpi/telecom/names.h"
#include "dpi/telecom/subscriber.h"

namespace thymus::dpi {
namespace {

namespace ids = event::gtpv1;

constexpr uint16_t kControlPort = 2123, kUserPort = 2152;
constexpr uint16_t kPorts[] = {kControlPort, kUserPort, 3386};
constexpr int kMostElements = 64;  // of a message with more, the first ones

constexpr CodeName kMessages[] = {
    {1, "echo_request"},
    {2, "echo_response"},
    {3, "version_not_supported"},
    {16, "create_pdp_context_request"},
    {17, "create_pdp_context_response"},
    {18, "update_pdp_context_request"},
    {19, "update_pdp_context_response"},
    {20, "delete_pdp_context_request"},
    {21, "delete_pdp_context_response"},
    {26, "error_indication"},
    {27, "pdu_notification_request"},
    {31, "supported_extension_headers_notification"},
    {48, "identification_request"},
    {49, "identification_response"},
    {50, "sgsn_context_request"},
    {51, "sgsn_context_response"},
    {52, "sgsn_context_acknowledge"},
    {254, "end_marker"},
};

struct State {
  uint64_t n_messages;
};

struct Header {
  uint8_t flags;
  uint8_t type;
  uint16_t length;
  uint32_t teid;
  uint16_t sequence;
};

bool read_header(const Segment& segment, Reader* r, Header* h) {
  h->flags = r->u8();
  h->type = r->u8();
  h->length = r->be16();
  h->teid = r->be32();
  h->sequence = 0;
  if (!r->ok() || (h->flags & 0xf8) != 0x30) return false;  // version 1, GTP
  const size_t wire_bytes = r->remaining() + segment.cut_bytes;
  if (h->length != wire_bytes) return false;
  if (!(h->flags & 0x07)) return true;
  h->sequence = r->be16();
  r->skip(2);
  return r->ok();
}

// How long an element with a fixed length is (TS 29.060, table 37); 0: not known here.
size_t fixed_bytes(uint8_t type) {
  switch (type) {
    case 1:   // cause
    case 8:   // reordering required
    case 11:  // MAP cause
    case 13:  // confirmed
    case 14:  // recovery
    case 15:  // selection mode
    case 19:  // teardown
    case 20:  // NSAPI
    case 21:  // RANAP cause
    case 23:  // radio priority of short messages
    case 24:  // radio priority
    case 29:  // reason
      return 1;
    case 25:  // packet flow
    case 26:  // charging characteristics
    case 27:  // trace reference
    case 28:  // trace type
      return 2;
    case 12:  // signature
      return 3;
    case 4:    // TLLI
    case 5:    // P-TMSI
    case 16:   // TEID of data
    case 17:   // TEID of control
    case 127:  // charging id
      return 4;
    case 18:  // TEID of more data
      return 5;
    case 3:  // routing area
      return 6;
    case 2:  // IMSI
      return 8;
    case 22:  // RAB context
      return 9;
    case 9:  // authentication
      return 28;
    default:
      return 0;
  }
}

// Kind (1): cell, service area or routing area; its network (3), area (2), and cell (2).
void write_location(Reader in, EventWriter* events) {
  constexpr uint8_t kRoutingArea = 2;
  const uint8_t kind = in.u8();
  const Digits plmn = plmn_text(in.take(3));
  const uint16_t area = in.be16(), cell = in.be16();
  if (!in.ok() || plmn.empty() || kind > kRoutingArea) return;
  events->open(ids::kLocation);
  events->put_text(ids::location::kPlmn, plmn.view());
  events->put(ids::location::kArea, area);
  if (kind != kRoutingArea) events->put(ids::location::kCell, cell);
  events->close();
}

void write_element(uint8_t type, Bytes value, Context* context) {
  constexpr uint8_t kCause = 1, kImsi = 2, kTeidData = 16, kTeidControl = 17, kNsapi = 20,
                    kEndUserAddress = 128, kApn = 131, kNodeAddress = 133, kMsisdn = 134,
                    kRat = 151, kLocation = 152, kImei = 154;
  EventWriter* events = context->events;
  Reader in(value);
  IpAddress address;
  switch (type) {
    case kCause:
      events->put(ids::kCause, in.u8());
      break;
    case kImsi:
      put_identity(ids::kImsi, IdentityKind::kImsi, tbcd(value).view(), context);
      break;
    case kMsisdn:
      in.skip(1);  // kind of number
      put_identity(ids::kMsisdn, IdentityKind::kMsisdn, tbcd(in.rest()).view(), context);
      break;
    case kImei:
      put_identity(ids::kImei, IdentityKind::kImei, tbcd(value).view(), context);
      break;
    case kTeidData:
      events->put(ids::kTeidData, in.be32());
      break;
    case kTeidControl:
      events->put(ids::kTeidControl, in.be32());
      break;
    case kNsapi:
      events->put(ids::kNsapi, in.u8() & 0x0fu);
      break;
    case kRat:
      events->put(ids::kRatType, in.u8());
      break;
    case kEndUserAddress:
      in.skip(2);
      if (read_address(in.rest(), &address)) events->put_ip(ids::kUeAddress, address);
      break;
    case kApn:
      events->put_text(ids::kApn, access_point(value).view());
      break;
    case kNodeAddress:
      if (read_address(value, &address)) events->put_ip(ids::kNodeAddress, address);
      break;
    case kLocation:
      write_location(in, events);
      break;
    default:
      break;
  }
}

void write_elements(Reader* r, Context* context) {
  for (int i = 0; i < kMostElements && !r->empty(); ++i) {
    const uint8_t type = r->u8();
    const size_t length = type & 0x80 ? size_t{r->be16()} : fixed_bytes(type);
    // Where the next one begins is not known.
    if (length == 0 && !(type & 0x80)) return;
    const Bytes value = r->take(length);
    if (!r->ok()) return;
    if (!value.empty()) write_element(type, value, context);
  }
}

Likelihood probe(const Segment& first) {
  Reader r(first.data);
  Header h;
  if (!read_header(first, &r, &h)) return Likelihood::kNo;
  const bool is_known = !name_in(kMessages, h.type).empty();
  if (!is_known) return Likelihood::kNo;
  const bool has_port = first.has_port(kControlPort) || first.has_port(kUserPort);
  return has_port ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_message(void* raw, const Segment& segment, Context* context) {
  auto* state = static_cast<State*>(raw);
  Reader r(segment.data);
  Header h;
  if (!read_header(segment, &r, &h)) {
    return state->n_messages > 0 ? Answer::kAccept : Answer::kReject;
  }
  ++state->n_messages;
  EventWriter* events = context->events;
  events->begin(event::kGtpv1);
  events->put(ids::kMessageType, h.type);
  const std::string_view name = name_in(kMessages, h.type);
  if (!name.empty()) events->put_text(ids::kMessage, name);
  events->put(ids::kTeid, h.teid);
  if (h.flags & 0x02) events->put(ids::kSequence, h.sequence);
  write_elements(&r, context);
  events->end();
  // Path messages are spoken by both planes, all others by control alone.
  if (!segment.has_port(kUserPort)) context->facts.app = AppId::kGtpControl;
  return Answer::kAccept;
}

}  // namespace

extern const Parser kGtpv1;

const Parser kGtpv1{
    .app = AppId::kGtpPath,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_message,
    .first_bytes = "\x30\x31\x32\x33\x34\x35\x36\x37",
    .ports = kPorts,
};

}  // namespace thymus::dpi
