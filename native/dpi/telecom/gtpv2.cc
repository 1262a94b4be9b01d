// GTPv2-C (3GPP TS 29.274).
//
//   flags (1): version 3 bits, P, T  type (1)  length (2)  [TEID (4) with T]  sequence (3)
//   spare (1), then elements: type (1)  length (2)  spare and instance (1)  value
#include "base/generated/events/gtpv2.h"

#include "dpi/parser.h"
#include "dpi/telecom/names.h"
#include "dpi/telecom/subscriber.h"

namespace thymus::dpi {
namespace {

namespace ids = event::gtpv2;

constexpr uint16_t kControlPort = 2123;
constexpr uint16_t kPorts[] = {kControlPort};
constexpr int kMostElements = 64;      // of a message with more, the first ones
constexpr size_t kMostAddresses = 16;  // F-TEIDs of one message

constexpr CodeName kMessages[] = {
    {1, "echo_request"},
    {2, "echo_response"},
    {3, "version_not_supported"},
    {32, "create_session_request"},
    {33, "create_session_response"},
    {34, "modify_bearer_request"},
    {35, "modify_bearer_response"},
    {36, "delete_session_request"},
    {37, "delete_session_response"},
    {38, "change_notification_request"},
    {39, "change_notification_response"},
    {64, "modify_bearer_command"},
    {66, "delete_bearer_command"},
    {68, "bearer_resource_command"},
    {70, "downlink_data_notification_failure"},
    {95, "create_bearer_request"},
    {96, "create_bearer_response"},
    {97, "update_bearer_request"},
    {98, "update_bearer_response"},
    {99, "delete_bearer_request"},
    {100, "delete_bearer_response"},
    {128, "identification_request"},
    {130, "context_request"},
    {131, "context_response"},
    {132, "context_acknowledge"},
    {133, "forward_relocation_request"},
    {134, "forward_relocation_response"},
    {170, "release_access_bearers_request"},
    {171, "release_access_bearers_response"},
    {176, "downlink_data_notification"},
    {177, "downlink_data_notification_acknowledge"},
};

struct State {
  uint64_t n_messages;
};

struct Header {
  uint8_t flags;
  uint8_t type;
  uint32_t teid;
  uint32_t sequence;
  size_t bytes;  // of the whole message

  bool has_teid() const { return (flags & 0x08) != 0; }
};

bool read_header(Reader* r, Header* h) {
  h->flags = r->u8();
  h->type = r->u8();
  h->bytes = size_t{r->be16()} + 4;
  h->teid = h->has_teid() ? r->be32() : 0;
  h->sequence = r->be24();
  r->skip(1);
  return r->ok() && (h->flags & 0xe7) == 0x40 && h->bytes >= (h->has_teid() ? 12u : 8u);
}

void write_f_teid(Bytes value, EventWriter* events) {
  constexpr uint8_t kV4 = 0x80, kV6 = 0x40, kInterface = 0x3f;
  Reader in(value);
  const uint8_t flags = in.u8();
  const uint32_t teid = in.be32();
  if (!in.ok()) return;
  events->open(ids::kFTeid);
  events->put(ids::f_teid::kInterfaceType, flags & kInterface);
  events->put(ids::f_teid::kTeid, teid);
  IpAddress address;
  const size_t size = flags & kV4 ? 4 : flags & kV6 ? 16 : 0;
  if (read_address(in.take_up_to(size), &address)) {
    events->put_ip(ids::f_teid::kAddress, address);
  }
  events->close();
}

// Flags say which of the places follow, in this order: cell (7), service area (7), routing area
// (7), tracking area (5), cell of E-UTRAN (7), location area (5).
void write_location(Reader in, EventWriter* events) {
  constexpr uint8_t kCell = 1, kServiceArea = 2, kRoutingArea = 4, kTrackingArea = 8,
                    kEutranCell = 16;
  const uint8_t flags = in.u8();
  Location location;
  const auto read_place = [&](bool has_cell) {
    location.plmn = plmn_text(in.take(3));
    location.area = in.be16();
    if (has_cell) location.cell = in.be16();
    location.has_cell |= has_cell;
  };
  if (flags & kCell) read_place(true);
  if (flags & kServiceArea) read_place(true);
  if (flags & kRoutingArea) in.skip(7);
  if (flags & kTrackingArea) read_place(false);
  if (flags & kEutranCell) {
    location.plmn = plmn_text(in.take(3));
    location.cell = in.be32() & 0x0fffffff;
    location.has_cell = true;
  }
  if (!in.ok() || location.plmn.empty()) return;
  events->open(ids::kLocation);
  events->put_text(ids::location::kPlmn, location.plmn.view());
  if (location.area != 0) events->put(ids::location::kArea, location.area);
  if (location.has_cell) events->put(ids::location::kCell, location.cell);
  events->close();
}

void write_ue_address(Reader in, EventWriter* events) {
  constexpr uint8_t kV4 = 1, kV6 = 2;
  const uint8_t kind = in.u8() & 7;
  // Of both families the IPv4 address comes last, behind that of IPv6 and its prefix length.
  if (kind > kV6) in.skip(17);
  if (kind == kV6) in.skip(1);
  IpAddress address;
  if (read_address(in.take_up_to(kind == kV6 ? 16 : 4), &address) && kind >= kV4) {
    events->put_ip(ids::kUeAddress, address);
  }
}

void write_elements(Reader r, bool is_top, size_t* addresses, Context* context);

void write_element(uint8_t type, Bytes value, size_t* addresses, Context* context) {
  constexpr uint8_t kImsi = 1, kCause = 2, kApn = 71, kEbi = 73, kMei = 75, kMsisdn = 76, kPaa = 79,
                    kRat = 82, kLocation = 86, kBearerContext = 93;
  EventWriter* events = context->events;
  Reader in(value);
  switch (type) {
    case kImsi:
      put_identity(ids::kImsi, IdentityKind::kImsi, tbcd(value).view(), context);
      break;
    case kCause:
      events->put(ids::kCause, in.u8());
      break;
    case kApn:
      events->put_text(ids::kApn, access_point(value).view());
      break;
    case kEbi:
      events->put(ids::kEbi, in.u8() & 0x0fu);
      break;
    case kMei:
      put_identity(ids::kImei, IdentityKind::kImei, tbcd(value).view(), context);
      break;
    case kMsisdn:
      put_identity(ids::kMsisdn, IdentityKind::kMsisdn, tbcd(value).view(), context);
      break;
    case kPaa:
      write_ue_address(in, events);
      break;
    case kRat:
      events->put(ids::kRatType, in.u8());
      break;
    case kLocation:
      write_location(in, events);
      break;
    case kBearerContext:
      write_elements(in, false, addresses, context);
      break;
    default:
      break;
  }
}

// The elements of a message or of a bearer context in it; F-TEIDs of both are listed together.
void write_elements(Reader r, bool is_top, size_t* addresses, Context* context) {
  constexpr uint8_t kFTeid = 87;
  for (int i = 0; i < kMostElements && r.remaining() >= 4; ++i) {
    const uint8_t type = r.u8();
    const size_t length = r.be16();
    r.skip(1);
    const Bytes value = r.take(length);
    if (!r.ok()) return;
    if (type == kFTeid && *addresses < kMostAddresses) {
      ++*addresses;
      write_f_teid(value, context->events);
    } else if (is_top && !value.empty()) {
      write_element(type, value, addresses, context);
    }
  }
}

Likelihood probe(const Segment& first) {
  Reader r(first.data);
  Header h;
  if (!read_header(&r, &h) || name_in(kMessages, h.type).empty()) return Likelihood::kNo;
  const size_t wire_bytes = first.data.size() + first.cut_bytes;
  const bool is_whole = h.bytes == wire_bytes || (h.flags & 0x10 && h.bytes < wire_bytes);
  if (!is_whole) return Likelihood::kNo;
  return first.has_port(kControlPort) ? Likelihood::kLikely : Likelihood::kMaybe;
}

Answer on_message(void* raw, const Segment& segment, Context* context) {
  auto* state = static_cast<State*>(raw);
  constexpr int kMostPiggybacked = 4;
  Reader datagram(segment.data);
  for (int i = 0; i < kMostPiggybacked && !datagram.empty(); ++i) {
    Reader peek(datagram.rest());
    Header h;
    if (!read_header(&peek, &h)) break;
    Reader message = datagram.sub(h.bytes);
    message.skip(h.has_teid() ? 12 : 8);
    ++state->n_messages;
    EventWriter* events = context->events;
    events->begin(event::kGtpv2);
    events->put(ids::kMessageType, h.type);
    const std::string_view name = name_in(kMessages, h.type);
    if (!name.empty()) events->put_text(ids::kMessage, name);
    if (h.has_teid()) events->put(ids::kTeid, h.teid);
    events->put(ids::kSequence, h.sequence);
    size_t addresses = 0;
    write_elements(message, true, &addresses, context);
    events->end();
  }
  return state->n_messages > 0 ? Answer::kAccept : Answer::kReject;
}

}  // namespace

extern const Parser kGtpv2;

const Parser kGtpv2{
    .app = AppId::kGtpControl,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_message,
    .first_bytes = "\x40\x48\x50\x58",
    .ports = kPorts,
};

}  // namespace thymus::dpi
