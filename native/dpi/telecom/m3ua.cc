// M3UA (RFC 4666) over SCTP, and SCCP (ITU-T Q.713) inside of it.
//
//   version 1 (1)  reserved (1)  class (1)  type (1)  length (4), then parameters: tag (2)
//   length (2)  value, padded to 4 bytes
//   protocol data: origin (4)  destination (4)  service (1)  network (1)  priority (1)  link (1)
//   SCCP unitdata: type (1)  class (1)  [hops (1)]  pointers to called address, calling address
//   and data, each {length (1), value}; a pointer counts from its own octet
#include "base/generated/events/m3ua.h"

#include "dpi/parser.h"
#include "dpi/telecom/names.h"
#include "dpi/telecom/subscriber.h"
#include "dpi/telecom/tcap.h"

namespace thymus::dpi {
namespace {

namespace ids = event::m3ua;

constexpr uint16_t kPorts[] = {2905};
constexpr uint32_t kPpid = 3;
constexpr int kMostParameters = 16;

// Class * 256 + type.
constexpr CodeName kMessages[] = {
    {0x000, "error"},
    {0x001, "notify"},
    {0x101, "data"},
    {0x201, "duna"},
    {0x202, "dava"},
    {0x203, "daud"},
    {0x204, "scon"},
    {0x205, "dupu"},
    {0x206, "drst"},
    {0x301, "asp_up"},
    {0x302, "asp_down"},
    {0x303, "heartbeat"},
    {0x304, "asp_up_ack"},
    {0x305, "asp_down_ack"},
    {0x306, "heartbeat_ack"},
    {0x401, "asp_active"},
    {0x402, "asp_inactive"},
    {0x403, "asp_active_ack"},
    {0x404, "asp_inactive_ack"},
    {0x901, "registration_request"},
    {0x902, "registration_response"},
    {0x903, "deregistration_request"},
    {0x904, "deregistration_response"},
};
constexpr CodeName kSccpMessages[] = {
    {0x09, "udt"},
    {0x0a, "udts"},
    {0x11, "xudt"},
    {0x12, "xudts"},
};

struct State {
  uint64_t n_messages;
};

struct Header {
  uint8_t message_class;
  uint8_t type;
  uint32_t length;

  uint32_t code() const { return uint32_t{message_class} << 8 | type; }
};

bool read_header(Reader* r, Header* h) {
  const uint8_t version = r->u8();
  const uint8_t reserved = r->u8();
  h->message_class = r->u8();
  h->type = r->u8();
  h->length = r->be32();
  return r->ok() && version == 1 && reserved == 0 && h->length >= 8 && h->length % 4 == 0 &&
         !name_in(kMessages, h->code()).empty();
}

// ---- SCCP

struct SccpAddress {
  bool has_point_code = false;
  uint16_t point_code = 0;
  uint8_t ssn = 0;
  Digits title;
};

// The indicator says what follows: point code, subsystem, and the form of the global title.
SccpAddress read_sccp_address(Reader r) {
  constexpr uint8_t kHasPointCode = 1, kHasSubsystem = 2;
  SccpAddress out;
  const uint8_t indicator = r.u8();
  out.has_point_code = indicator & kHasPointCode;
  if (out.has_point_code) out.point_code = r.le16() & 0x3fff;
  if (indicator & kHasSubsystem) out.ssn = r.u8();
  bool is_odd = false;
  switch (indicator >> 2 & 0xf) {
    case 1:  // nature and parity
      is_odd = r.u8() & 0x80;
      break;
    case 2:  // translation type
      r.skip(1);
      break;
    case 3:  // translation type, plan and coding
      r.skip(1);
      is_odd = (r.u8() & 0xf) == 1;
      break;
    case 4:  // the same, and nature
      r.skip(1);
      is_odd = (r.u8() & 0xf) == 1;
      r.skip(1);
      break;
    default:
      return out;
  }
  const Digits digits = tbcd(r.rest());
  std::string_view text = digits.view();
  if (is_odd && text.size() == r.remaining() * 2) text.remove_suffix(1);
  out.title.add(text);
  return out;
}

void write_address(uint16_t field, const SccpAddress& address, Context* context) {
  namespace side = ids::sccp::called;
  EventWriter* events = context->events;
  events->open(field);
  if (address.has_point_code) events->put(side::kPointCode, address.point_code);
  if (address.ssn != 0) events->put(side::kSsn, address.ssn);
  put_identity(side::kGlobalTitle, IdentityKind::kMsisdn, address.title.view(), context);
  events->close();
}

// Subsystems of mobile networks that speak MAP (TS 23.003, 8.2).
bool is_map(uint8_t ssn) { return (ssn >= 5 && ssn <= 10) || (ssn >= 147 && ssn <= 150); }

// What the pointer at `at` points to.
Bytes pointed(Bytes message, size_t at) {
  Reader r(message);
  r.seek(at);
  r.seek(at + r.u8());
  return r.take(r.u8());
}

void write_sccp(Bytes message, Context* context) {
  static_assert(ids::sccp::called::kGlobalTitle == ids::sccp::calling::kGlobalTitle);
  constexpr uint8_t kExtended = 0x11, kExtendedService = 0x12;
  Reader r(message);
  const uint8_t type = r.u8();
  const std::string_view name = name_in(kSccpMessages, type);
  if (!r.ok() || name.empty()) return;
  const size_t pointers = type == kExtended || type == kExtendedService ? 3 : 2;
  const SccpAddress called = read_sccp_address(Reader(pointed(message, pointers)));
  const SccpAddress calling = read_sccp_address(Reader(pointed(message, pointers + 1)));
  EventWriter* events = context->events;
  events->open(ids::kSccp);
  events->put_text(ids::sccp::kMessage, name);
  write_address(ids::sccp::kCalled, called, context);
  write_address(ids::sccp::kCalling, calling, context);
  events->close();
  const bool speaks_map = is_map(called.ssn) || is_map(calling.ssn);
  write_tcap(pointed(message, pointers + 2), speaks_map, context);
}

// ---- M3UA

void write_protocol_data(Reader r, Context* context) {
  constexpr uint8_t kSccp = 3;
  const uint32_t opc = r.be32(), dpc = r.be32();
  const uint8_t service = r.u8();
  r.skip(3);
  if (!r.ok()) return;
  context->events->put(ids::kOpc, opc);
  context->events->put(ids::kDpc, dpc);
  context->events->put(ids::kServiceIndicator, service);
  if (service == kSccp) write_sccp(r.rest(), context);
}

Likelihood probe(const Segment& first) {
  Reader r(first.data);
  Header h;
  if (!read_header(&r, &h)) return Likelihood::kNo;
  if (h.length != first.data.size() && first.cut_bytes == 0) return Likelihood::kNo;
  if (first.payload_protocol == kPpid) return Likelihood::kLikely;
  return first.payload_protocol == 0 && first.has_port(kPorts[0]) ? Likelihood::kMaybe
                                                                  : Likelihood::kNo;
}

Answer on_message(void* raw, const Segment& segment, Context* context) {
  constexpr uint16_t kProtocolData = 0x0210;
  auto* state = static_cast<State*>(raw);
  Reader r(segment.data);
  Header h;
  if (!read_header(&r, &h)) return state->n_messages > 0 ? Answer::kAccept : Answer::kReject;
  ++state->n_messages;
  EventWriter* events = context->events;
  events->begin(event::kM3ua);
  events->put(ids::kMessageClass, h.message_class);
  events->put(ids::kMessageType, h.type);
  events->put_text(ids::kMessage, name_in(kMessages, h.code()));
  bool has_data = false;
  for (int i = 0; i < kMostParameters && r.remaining() >= 4; ++i) {
    const uint16_t tag = r.be16();
    const size_t length = r.be16();
    if (length < 4) break;
    const Bytes value = r.take_up_to(length - 4);
    r.take_up_to(-length & 3);
    if (tag != kProtocolData || has_data) continue;
    has_data = true;
    write_protocol_data(Reader(value), context);
  }
  events->end();
  return Answer::kAccept;
}

}  // namespace

extern const Parser kM3ua;

const Parser kM3ua{
    .app = AppId::kM3ua,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = false,
    .probe = probe,
    .on_data = on_message,
    .first_bytes = std::string_view("\x01", 1),
    .ports = kPorts,
    .over_sctp = true,
};

}  // namespace thymus::dpi
