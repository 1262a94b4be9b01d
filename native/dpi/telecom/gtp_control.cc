// GTPv1-C and GTPv2-C (3GPP TS 29.060, TS 29.274), and the path messages of GTP-U (TS 29.281).
//
//   version 1: flags (1): version 3 bits, protocol type, -, E, S, PN  type (1)  length (2)  TEID
//   (4)
//              [sequence (2)  N-PDU number (1)  next extension (1)] with E, S or PN
//   version 2: flags (1): version 3 bits, P, T  type (1)  length (2)  [TEID (4) with T]
//              sequence (3)  spare (1)
#include "base/generated/events/gtpv1.h"
#include "base/generated/events/gtpv2.h"
#include "dpi/parser.h"
#include "dpi/telecom/names.h"

namespace thymus::dpi {
namespace {

constexpr uint16_t kControlPort = 2123, kUserPort = 2152;
constexpr uint16_t kV1Ports[] = {kControlPort, kUserPort, 3386};
constexpr uint16_t kV2Ports[] = {kControlPort};
constexpr int kMostElements = 64;     // of a message with more, the first ones
constexpr size_t kMostAddresses = 8;  // F-TEIDs of one message

constexpr CodeName kV1Messages[] = {
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
constexpr CodeName kV2Messages[] = {
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

// Labels of an access point name, each after its length, as one dotted name.
struct DottedName {
  char text[100];
  size_t size = 0;

  explicit DottedName(Bytes labels) {
    Reader r(labels);
    while (!r.empty()) {
      const Bytes label = r.sub(r.u8()).all();
      if (size + label.size() + 1 > sizeof text) return;
      if (size > 0) text[size++] = '.';
      for (const uint8_t c : label) text[size++] = static_cast<char>(c);
    }
  }
  std::string_view view() const { return {text, size}; }
};

// An address of 4 or 16 bytes; false for another size.
bool read_address(Bytes bytes, IpAddress* out) {
  if (bytes.size() == 4) {
    *out = IpAddress::v4(bytes.data());
  } else if (bytes.size() == 16) {
    *out = IpAddress::v6(bytes.data());
  } else {
    return false;
  }
  return true;
}

// ---- Version 1

namespace v1 {

namespace ids = event::gtpv1;

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

// How long an element with a fixed length is; 0: not known here.
size_t fixed_bytes(uint8_t type) {
  switch (type) {
    case 1:   // cause
    case 8:   // reordering required
    case 13:  // confirmed
    case 14:  // recovery
    case 15:  // selection mode
    case 19:  // teardown
    case 20:  // NSAPI
    case 21:  // RANAP cause
    case 29:  // trace reference and its kin
      return type == 29 ? 2 : 1;
    case 2:  // IMSI
      return 8;
    case 3:  // routing area
      return 6;
    case 4:    // TLLI
    case 5:    // P-TMSI
    case 16:   // TEID of data
    case 17:   // TEID of control
    case 127:  // charging id
      return 4;
    case 26:  // charging characteristics
      return 2;
    default:
      return 0;
  }
}

void write_elements(Reader* r, EventWriter* events) {
  constexpr uint8_t kCause = 1, kTeidData = 16, kTeidControl = 17, kEndUserAddress = 128,
                    kApn = 131;
  for (int i = 0; i < kMostElements && !r->empty(); ++i) {
    const uint8_t type = r->u8();
    size_t length = fixed_bytes(type);
    if (type & 0x80) length = r->be16();
    if (length == 0) return;  // where the next one begins is not known
    const Bytes value = r->take(length);
    if (!r->ok()) return;
    Reader in(value);
    switch (type) {
      case kCause:
        events->put(ids::kCause, in.u8());
        break;
      case kTeidData:
        events->put(ids::kTeidData, in.be32());
        break;
      case kTeidControl:
        events->put(ids::kTeidControl, in.be32());
        break;
      case kEndUserAddress: {
        in.skip(2);
        IpAddress address;
        if (read_address(in.rest(), &address)) events->put_ip(ids::kUeAddress, address);
        break;
      }
      case kApn:
        events->put_text(ids::kApn, DottedName(value).view());
        break;
      default:
        break;
    }
  }
}

Likelihood probe(const Segment& first) {
  Reader r(first.data);
  Header h;
  if (!read_header(first, &r, &h)) return Likelihood::kNo;
  const bool is_known = !name_in(kV1Messages, h.type).empty();
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
  const std::string_view name = name_in(kV1Messages, h.type);
  if (!name.empty()) events->put_text(ids::kMessage, name);
  events->put(ids::kTeid, h.teid);
  if (h.flags & 0x02) events->put(ids::kSequence, h.sequence);
  write_elements(&r, events);
  events->end();
  return Answer::kAccept;
}

}  // namespace v1

// ---- Version 2

namespace v2 {

namespace ids = event::gtpv2;

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

// The elements of a message or of a bearer context in it; F-TEIDs of both are listed together.
void write_elements(Reader r, bool is_top, size_t* addresses, EventWriter* events) {
  constexpr uint8_t kCause = 2, kApn = 71, kEbi = 73, kPaa = 79, kRat = 82, kFTeid = 87,
                    kBearerContext = 93;
  for (int i = 0; i < kMostElements && r.remaining() >= 4; ++i) {
    const uint8_t type = r.u8();
    const size_t length = r.be16();
    r.skip(1);
    const Bytes value = r.take(length);
    if (!r.ok()) return;
    Reader in(value);
    if (type == kFTeid && *addresses < kMostAddresses) {
      ++*addresses;
      write_f_teid(value, events);
    }
    if (!is_top || value.empty()) continue;
    switch (type) {
      case kCause:
        events->put(ids::kCause, in.u8());
        break;
      case kApn:
        events->put_text(ids::kApn, DottedName(value).view());
        break;
      case kEbi:
        events->put(ids::kEbi, in.u8() & 0x0fu);
        break;
      case kRat:
        events->put(ids::kRatType, in.u8());
        break;
      case kPaa: {
        constexpr uint8_t kPdnV6 = 2;
        const uint8_t pdn = in.u8() & 7;
        if (pdn >= kPdnV6) in.skip(1);  // the prefix length
        IpAddress address;
        if (read_address(in.take_up_to(pdn == 1 ? 4 : 16), &address)) {
          events->put_ip(ids::kUeAddress, address);
        }
        break;
      }
      case kBearerContext:
        write_elements(Reader(value), false, addresses, events);
        break;
      default:
        break;
    }
  }
}

Likelihood probe(const Segment& first) {
  Reader r(first.data);
  Header h;
  if (!read_header(&r, &h) || name_in(kV2Messages, h.type).empty()) return Likelihood::kNo;
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
    const std::string_view name = name_in(kV2Messages, h.type);
    if (!name.empty()) events->put_text(ids::kMessage, name);
    if (h.has_teid()) events->put(ids::kTeid, h.teid);
    events->put(ids::kSequence, h.sequence);
    size_t addresses = 0;
    write_elements(message, true, &addresses, events);
    events->end();
  }
  return state->n_messages > 0 ? Answer::kAccept : Answer::kReject;
}

}  // namespace v2
}  // namespace

extern const Parser kGtpv1;
extern const Parser kGtpv2;

const Parser kGtpv1{
    .app = AppId::kGtpv1,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = v1::probe,
    .on_data = v1::on_message,
    .first_bytes = "\x30\x31\x32\x33\x34\x35\x36\x37",
    .ports = kV1Ports,
};
const Parser kGtpv2{
    .app = AppId::kGtpv2,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = v2::probe,
    .on_data = v2::on_message,
    .first_bytes = "\x40\x48\x50\x58",
    .ports = kV2Ports,
};

}  // namespace thymus::dpi
