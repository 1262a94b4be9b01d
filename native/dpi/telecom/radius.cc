// RADIUS (RFC 2865), its accounting (RFC 2866) and changes of authorization (RFC 5176) over UDP.
//
//   code (1)  identifier (1)  length (2)  authenticator (16), then attributes: type (1)  length (1)
//   value; type 26 holds a vendor (4) and the vendor's own attributes of the same form
#include "base/generated/events/radius.h"

#include "dpi/parser.h"
#include "dpi/telecom/names.h"
#include "dpi/telecom/subscriber.h"

namespace thymus::dpi {
namespace {

namespace ids = event::radius;

constexpr uint16_t kPorts[] = {1812, 1813, 1645, 1646, 3799};
constexpr size_t kHeaderBytes = 20;
constexpr int kMostAttributes = 128;  // of a message with more, the first ones
constexpr uint32_t kMaxEvents = 20'000;

constexpr CodeName kMessages[] = {
    {1, "access_request"},
    {2, "access_accept"},
    {3, "access_reject"},
    {4, "accounting_request"},
    {5, "accounting_response"},
    {11, "access_challenge"},
    {12, "status_server"},
    {13, "status_client"},
    {40, "disconnect_request"},
    {41, "disconnect_ack"},
    {42, "disconnect_nak"},
    {43, "coa_request"},
    {44, "coa_ack"},
    {45, "coa_nak"},
};
constexpr CodeName kAcctStatus[] = {
    {1, "start"},         {2, "stop"},           {3, "interim_update"},
    {7, "accounting_on"}, {8, "accounting_off"}, {15, "failed"},
};

namespace attribute {
constexpr uint8_t kUserName = 1, kNasAddress = 4, kNasPort = 5, kServiceType = 6,
                  kFramedAddress = 8, kReplyMessage = 18, kVendor = 26, kSessionTimeout = 27,
                  kCalledStation = 30, kCallingStation = 31, kNasIdentifier = 32, kAcctStatus = 40,
                  kInputOctets = 42, kOutputOctets = 43, kAcctSessionId = 44, kAcctSessionTime = 46,
                  kInputPackets = 47, kOutputPackets = 48, kTerminateCause = 49,
                  kInputGigawords = 52, kOutputGigawords = 53, kNasPortType = 61,
                  kNasIpv6Address = 95;
}  // namespace attribute

struct State {
  uint32_t n_events;
  uint8_t first_identifier;
  bool has_first;
  bool first_from_originator;
};

struct Header {
  uint8_t code;
  uint8_t identifier;
  Bytes attributes;
};

struct Attribute {
  uint8_t type;
  Bytes value;
};

bool next_attribute(Reader* r, Attribute* out) {
  if (r->empty()) return false;
  out->type = r->u8();
  const uint8_t length = r->u8();
  if (length < 2) return r->fail();
  out->value = r->take(length - 2u);
  return r->ok();
}

// False when the datagram is no whole message: its attributes must end with it.
bool read_message(const Segment& segment, Header* out) {
  Reader r(segment.data);
  out->code = r.u8();
  out->identifier = r.u8();
  const size_t length = r.be16();
  r.skip(16);
  if (!r.ok() || length < kHeaderBytes || name_in(kMessages, out->code).empty()) return false;
  if (length > segment.data.size() + segment.cut_bytes) return false;
  out->attributes = r.take_up_to(length - kHeaderBytes);
  if (segment.cut_bytes > 0) return true;
  Reader attributes(out->attributes);
  Attribute a;
  while (next_attribute(&attributes, &a)) {
  }
  return attributes.ok();
}

bool is_request(uint8_t code) {
  return code == 1 || code == 4 || code == 12 || code == 13 || code == 40 || code == 43;
}

uint32_t number_in(Bytes value) { return value.size() == 4 ? Reader(value).be32() : 0; }

void write_location(Bytes value, EventWriter* events) {
  constexpr uint8_t kCell = 0, kServiceArea = 1, kBothAreas = 130, kEutranCell = 129;
  Reader r(value);
  const uint8_t kind = r.u8();
  Location location;
  location.plmn = plmn_text(r.take(3));
  if (kind == kCell || kind == kServiceArea || kind == kBothAreas) location.area = r.be16();
  if (kind == kCell || kind == kServiceArea) location.cell = r.be16();
  if (kind == kBothAreas) r.skip(3);
  if (kind == kBothAreas || kind == kEutranCell) location.cell = r.be32() & 0x0fffffff;
  const bool is_known =
      kind == kCell || kind == kServiceArea || kind == kBothAreas || kind == kEutranCell;
  if (!r.ok() || !is_known || location.plmn.empty()) return;
  events->open(ids::kLocation);
  events->put_text(ids::location::kPlmn, location.plmn.view());
  if (kind != kEutranCell) events->put(ids::location::kArea, location.area);
  events->put(ids::location::kCell, location.cell);
  events->close();
}

// Attributes of 3GPP (TS 29.061, 16.4.7.2).
void write_vendor(Bytes value, Context* context) {
  constexpr uint32_t k3gpp = 10415;
  constexpr uint8_t kImsi = 1, kImeisv = 20, kRat = 21, kLocation = 22;
  Reader r(value);
  if (r.be32() != k3gpp) return;
  Attribute a;
  for (int i = 0; i < kMostAttributes && next_attribute(&r, &a); ++i) {
    if (a.type == kImsi) put_identity(ids::kImsi, IdentityKind::kImsi, as_text(a.value), context);
    if (a.type == kImeisv) {
      put_identity(ids::kImei, IdentityKind::kImei, as_text(a.value), context);
    }
    if (a.type == kRat) context->events->put(ids::kRatType, Reader(a.value).u8());
    if (a.type == kLocation) write_location(a.value, context->events);
  }
}

// Octets beyond 2^32 are counted in an attribute of their own (RFC 2869, 5.1).
struct Octets {
  uint64_t low = 0;
  uint64_t high = 0;
  bool is_known = false;

  void put(uint16_t field, EventWriter* events) const {
    if (is_known) events->put(field, high << 32 | low);
  }
};

struct Counted {
  Octets input;
  Octets output;
};

void count(const Attribute& a, Counted* counted) {
  const uint32_t n = number_in(a.value);
  Octets& octets = a.type == attribute::kInputOctets || a.type == attribute::kInputGigawords
                       ? counted->input
                       : counted->output;
  if (a.type == attribute::kInputGigawords || a.type == attribute::kOutputGigawords) {
    octets.high = n;
  } else {
    octets.low = n;
    octets.is_known = true;
  }
}

void write_name(uint16_t field, Bytes value, Context* context) {
  context->events->put_text(field, user_name_text(as_text(value), *context->options).view());
}

void write_address(uint16_t field, Bytes value, EventWriter* events) {
  IpAddress address;
  if (read_address(value, &address)) events->put_ip(field, address);
}

void write_accounting(const Attribute& a, Counted* counted, EventWriter* events) {
  switch (a.type) {
    case attribute::kAcctStatus: {
      const std::string_view name = name_in(kAcctStatus, number_in(a.value));
      if (!name.empty()) events->put_text(ids::kAcctStatus, name);
      break;
    }
    case attribute::kAcctSessionId:
      events->put_bytes(ids::kAcctSessionId, a.value);
      break;
    case attribute::kAcctSessionTime:
      events->put(ids::kAcctSessionTime, number_in(a.value));
      break;
    case attribute::kInputOctets:
    case attribute::kOutputOctets:
    case attribute::kInputGigawords:
    case attribute::kOutputGigawords:
      count(a, counted);
      break;
    case attribute::kInputPackets:
      events->put(ids::kAcctInputPackets, number_in(a.value));
      break;
    case attribute::kOutputPackets:
      events->put(ids::kAcctOutputPackets, number_in(a.value));
      break;
    case attribute::kTerminateCause:
      events->put(ids::kAcctTerminateCause, number_in(a.value));
      break;
    default:
      break;
  }
}

void write_attribute(const Attribute& a, Counted* counted, Context* context) {
  EventWriter* events = context->events;
  switch (a.type) {
    case attribute::kUserName:
      write_name(ids::kUserName, a.value, context);
      put_identity(ids::kImsi, IdentityKind::kImsi, imsi_of_name(as_text(a.value)), context);
      break;
    case attribute::kNasAddress:
    case attribute::kNasIpv6Address:
      write_address(ids::kNasAddress, a.value, events);
      break;
    case attribute::kNasPort:
      events->put(ids::kNasPort, number_in(a.value));
      break;
    case attribute::kNasPortType:
      events->put(ids::kNasPortType, number_in(a.value));
      break;
    case attribute::kNasIdentifier:
      events->put_bytes(ids::kNasIdentifier, a.value);
      break;
    case attribute::kServiceType:
      events->put(ids::kServiceType, number_in(a.value));
      break;
    case attribute::kFramedAddress:
      write_address(ids::kFramedAddress, a.value, events);
      break;
    case attribute::kReplyMessage:
      events->put_bytes(ids::kReplyMessage, a.value);
      break;
    case attribute::kSessionTimeout:
      events->put(ids::kSessionTimeout, number_in(a.value));
      break;
    case attribute::kCalledStation:
      write_name(ids::kCalledStation, a.value, context);
      break;
    case attribute::kCallingStation:
      write_name(ids::kCallingStation, a.value, context);
      break;
    case attribute::kVendor:
      write_vendor(a.value, context);
      break;
    default:
      write_accounting(a, counted, events);
      break;
  }
}

void write_message(const Header& header, Context* context) {
  EventWriter* events = context->events;
  events->begin(event::kRadius);
  events->put(ids::kCode, header.code);
  events->put_text(ids::kMessage, name_in(kMessages, header.code));
  events->put(ids::kIdentifier, header.identifier);
  Reader r(header.attributes);
  Attribute a;
  Counted counted;
  for (int i = 0; i < kMostAttributes && next_attribute(&r, &a); ++i) {
    write_attribute(a, &counted, context);
  }
  counted.input.put(ids::kAcctInputOctets, events);
  counted.output.put(ids::kAcctOutputOctets, events);
  events->end();
}

bool has_known_port(const Segment& segment) {
  return std::any_of(std::begin(kPorts), std::end(kPorts),
                     [&segment](uint16_t port) { return segment.has_port(port); });
}

Likelihood probe(const Segment& first) {
  constexpr size_t kLeastAttributeBytes = 8;
  Header header;
  if (!read_message(first, &header)) return Likelihood::kNo;
  if (has_known_port(first)) return Likelihood::kLikely;
  const bool says_much = header.attributes.size() >= kLeastAttributeBytes;
  return is_request(header.code) && says_much ? Likelihood::kMaybe : Likelihood::kNo;
}

// On another port a request is believed when the other side answers it.
bool is_answer(const State& state, const Header& header, const Segment& segment) {
  return state.has_first && state.first_from_originator != segment.from_originator &&
         state.first_identifier == header.identifier && !is_request(header.code);
}

Answer on_datagram(void* raw, const Segment& segment, Context* context) {
  auto* state = static_cast<State*>(raw);
  Header header;
  if (!read_message(segment, &header)) {
    return state->n_events > 0 ? Answer::kAccept : Answer::kReject;
  }
  const bool is_sure = state->n_events > 0 || has_known_port(segment);
  if (!is_sure && !is_answer(*state, header, segment)) {
    if (!is_request(header.code)) return Answer::kReject;
    state->first_identifier = header.identifier;
    state->first_from_originator = segment.from_originator;
    state->has_first = true;
    return Answer::kNeedMore;
  }
  if (state->n_events++ >= kMaxEvents) return Answer::kDone;
  write_message(header, context);
  return Answer::kAccept;
}

}  // namespace

extern const Parser kRadius;

const Parser kRadius{
    .app = AppId::kRadius,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_datagram,
    .first_bytes = "\x01\x02\x03\x04\x05\x0b\x0c\x0d\x28\x29\x2a\x2b\x2c\x2d",
    .ports = kPorts,
};

}  // namespace thymus::dpi
