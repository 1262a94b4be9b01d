// CoAP (RFC 7252) over UDP, and Lightweight M2M, which is known by its resources. A message:
//
//   0  version (2 bits)  type (2)  bytes of token (4)   1  code: class (3 bits), detail (5)
//   2  message number   4  token, options, 0xff and payload
//
// An option: difference to the number before (4 bits), length (4), both with more bytes where they
// say 13 or 14, then the value.
#include "base/generated/events/coap.h"

#include "base/number_names.h"
#include "base/text_builder.h"
#include "dpi/industrial/event_quota.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace ids = event::coap;

constexpr uint16_t kPorts[] = {5683};
constexpr uint8_t kGet = 1, kPost = 2, kPut = 3, kDelete = 4, kFetch = 5, kPatch = 6, kIPatch = 7;
constexpr int kMaxOptions = 64;
constexpr uint32_t kUriHost = 3, kObserve = 6, kUriPath = 11, kContentFormat = 12, kUriQuery = 15,
                   kAccept = 17, kBlock2 = 23, kBlock1 = 27;

constexpr NumberName kOptions[] = {
    {1, "if_match"},   {3, "uri_host"},      {4, "etag"},         {5, "if_none_match"},
    {6, "observe"},    {7, "uri_port"},      {8, "location"},     {9, "oscore"},
    {11, "uri_path"},  {12, "format"},       {14, "max_age"},     {15, "uri_query"},
    {16, "hop_limit"}, {17, "accept"},       {19, "q_block1"},    {20, "location_query"},
    {21, "edhoc"},     {23, "block2"},       {27, "block1"},      {28, "size2"},
    {31, "q_block2"},  {35, "proxy_uri"},    {39, "scheme"},      {60, "size1"},
    {252, "echo"},     {258, "no_response"}, {292, "request_tag"}};
static_assert(is_sorted_table(kOptions));

struct State {
  EventQuota quota;
  bool has_spoken;
  bool is_lwm2m;
};

struct Message {
  uint8_t type;
  uint8_t code;
  uint16_t message_id;
  Bytes token;
  TextBuilder<256> uri;
  Bytes host;
  Bytes endpoint;  // of Lightweight M2M
  bool has_path;
  bool has_observe;
  bool has_format;
  bool has_accept;
  bool has_block;
  uint32_t observe;
  uint32_t content_format;
  uint32_t accept;
  uint32_t block;
  size_t payload_bytes;
  bool has_unknown_option;

  bool is_request() const { return code >= kGet && code <= kIPatch; }
};

bool is_code(uint8_t code) {
  const int detail = code & 0x1f;
  switch (code >> 5) {
    case 0:
      return detail <= kIPatch;
    case 2:
      return detail >= 1 && (detail <= 5 || detail == 31);
    case 4:
      return detail <= 15 || detail == 22 || detail == 29;
    case 5:
      return detail <= 8;
    default:
      return false;
  }
}

uint32_t number_of(Bytes value) {
  uint32_t n = 0;
  for (const uint8_t byte : value.first(std::min<size_t>(value.size(), 4))) n = n << 8 | byte;
  return n;
}

uint32_t extended(uint8_t nibble, Reader* r) {
  if (nibble == 13) return 13u + r->u8();
  if (nibble == 14) return 269u + r->be16();
  return nibble;
}

void take_option(uint32_t number, Bytes value, bool is_first_query, Message* m) {
  switch (number) {
    case kUriHost:
      m->host = value;
      break;
    case kObserve:
      m->has_observe = true;
      m->observe = number_of(value);
      break;
    case kUriPath:
      m->has_path = true;
      m->uri.add('/').add(as_text(value));
      break;
    case kUriQuery:
      m->uri.add(is_first_query ? '?' : '&').add(as_text(value));
      if (as_text(value).starts_with("ep=")) m->endpoint = value.subspan(3);
      break;
    case kContentFormat:
      m->has_format = true;
      m->content_format = number_of(value);
      break;
    case kAccept:
      m->has_accept = true;
      m->accept = number_of(value);
      break;
    case kBlock1:
    case kBlock2:
      m->has_block = true;
      m->block = number_of(value);
      break;
    default:
      m->has_unknown_option = m->has_unknown_option || name_of(kOptions, number).empty();
  }
}

// False for what breaks the format.
bool read_options(Reader r, Message* m) {
  constexpr uint8_t kPayload = 0xff;
  uint32_t number = 0;
  bool has_query = false;
  for (int i = 0; !r.empty(); ++i) {
    const uint8_t first = r.u8();
    if (first == kPayload) {
      m->payload_bytes = r.remaining();
      return !r.empty();
    }
    if (first >> 4 == 15 || (first & 15) == 15) return false;
    number += extended(first >> 4, &r);
    const Bytes value = r.take(extended(first & 15, &r));
    if (!r.ok() || i == kMaxOptions) return false;
    take_option(number, value, !has_query, m);
    has_query = has_query || number == kUriQuery;
  }
  return true;
}

bool read_message(Bytes datagram, Message* m) {
  constexpr uint8_t kMaxTokenBytes = 8;
  *m = {};
  Reader r(datagram);
  const uint8_t first = r.u8();
  m->code = r.u8();
  m->message_id = r.be16();
  m->type = first >> 4 & 3;
  m->token = r.take(first & 15);
  if (!r.ok() || first >> 6 != 1 || (first & 15) > kMaxTokenBytes || !is_code(m->code)) {
    return false;
  }
  if (m->code == 0) return r.empty() && m->token.empty();
  return read_options(r, m);
}

// ---- Lightweight M2M

bool is_number_path(std::string_view uri) {
  if (uri.size() < 2) return false;
  for (const char c : uri) {
    if (c == '?') break;
    if (c != '/' && (c < '0' || c > '9')) return false;
  }
  return true;
}

bool is_under(std::string_view uri, std::string_view resource) {
  return uri.starts_with(resource) && (uri.size() == resource.size() ||
                                       uri[resource.size()] == '/' || uri[resource.size()] == '?');
}

// The interface that a request belongs to (LwM2M transport bindings, 6.4), empty for none.
std::string_view lwm2m_of(const Message& m, bool is_known) {
  const std::string_view uri = m.uri.view();
  const bool has_parameters = uri.find('?') != std::string_view::npos;
  if (is_under(uri, "/bs") && !m.endpoint.empty()) return "bootstrap";
  if (is_under(uri, "/rd") && (is_known || !m.endpoint.empty())) {
    if (m.code == kDelete) return "deregister";
    return !m.endpoint.empty() ? "register" : "update";
  }
  if (!is_known || !is_number_path(uri)) return {};
  switch (m.code) {
    case kGet:
    case kFetch:
      return m.has_observe ? "observe" : "read";
    case kPut:
      return has_parameters ? "write_attributes" : "write";
    case kPost:
      return m.has_format ? "create" : "execute";
    case kDelete:
      return "delete";
    default:
      return "write";
  }
}

Operation operation_of(const Message& m, std::string_view lwm2m) {
  if (lwm2m == "execute") return Operation::kControl;
  if (lwm2m == "create" || lwm2m == "delete") return Operation::kProgram;
  if (!lwm2m.empty() && (is_under(m.uri.view(), "/rd") || is_under(m.uri.view(), "/bs"))) {
    return Operation::kIdentify;
  }
  switch (m.code) {
    case kGet:
    case kFetch:
      return m.uri.view().starts_with("/.well-known/core") ? Operation::kIdentify
                                                           : Operation::kRead;
    case kPost:
    case kPut:
    case kDelete:
    case kPatch:
    case kIPatch:
      return Operation::kWrite;
    default:
      return Operation::kOther;
  }
}

// ---- What is shown

void put_code(uint8_t code, EventWriter* events) {
  constexpr std::string_view kMethods[] = {"empty",  "GET",   "POST",  "PUT",
                                           "DELETE", "FETCH", "PATCH", "iPATCH"};
  if (code < std::size(kMethods)) return events->put_text(ids::kCode, kMethods[code]);
  const int detail = code & 0x1f;
  TextBuilder<8> text;
  text.add_number(code >> 5).add('.');
  if (detail < 10) text.add('0');
  text.add_number(static_cast<uint64_t>(detail));
  events->put_text(ids::kCode, text.view());
}

void put_message(const Message& m, EventWriter* events) {
  constexpr std::string_view kTypes[] = {"confirmable", "non_confirmable", "acknowledgement",
                                         "reset"};
  constexpr uint32_t kMore = 8;
  events->put(ids::kVersion, 1);
  events->put_text(ids::kType, kTypes[m.type]);
  put_code(m.code, events);
  events->put(ids::kMessageId, m.message_id);
  if (!m.token.empty()) events->put_bytes(ids::kToken, m.token);
  if (!m.host.empty()) events->put_bytes(ids::kHost, m.host);
  if (m.is_request()) events->put_text(ids::kUri, m.has_path ? m.uri.view() : "/");
  if (m.has_observe) events->put(ids::kObserve, m.observe);
  if (m.has_format) events->put(ids::kContentFormat, m.content_format);
  if (m.has_accept) events->put(ids::kAccept, m.accept);
  if (m.has_block) {
    events->put(ids::kBlock, m.block >> 4);
    events->put_bool(ids::kMore, (m.block & kMore) != 0);
  }
  if (m.payload_bytes > 0) events->put(ids::kPayloadBytes, m.payload_bytes);
}

void write_message(const Message& m, State* state, Context* context) {
  const std::string_view lwm2m = m.is_request() ? lwm2m_of(m, state->is_lwm2m) : "";
  state->is_lwm2m = state->is_lwm2m || !lwm2m.empty();
  const Operation operation = operation_of(m, lwm2m);
  if (!state->quota.allows(operation, context)) return;
  EventWriter* events = context->events;
  events->begin(event::kCoap);
  events->put_text(ids::kOperation, name_of(operation));
  put_message(m, events);
  put_name(ids::kLwm2m, lwm2m, events);
  if (!m.endpoint.empty()) events->put_bytes(ids::kEndpoint, m.endpoint);
  events->end();
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

Likelihood probe(const Segment& first) {
  Message m;
  if (!read_message(first.data, &m)) return Likelihood::kNo;
  const bool is_on_port = first.has_port(kPorts[0]);
  if (is_on_port) return m.has_unknown_option ? Likelihood::kMaybe : Likelihood::kLikely;
  // Elsewhere a request must name a resource with what is known only.
  const bool is_sure = m.is_request() && m.has_path && !m.has_unknown_option && m.type < 2;
  return is_sure && !m.uri.cut() && is_printable(m.uri.view()) ? Likelihood::kMaybe
                                                               : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* coap = static_cast<State*>(state);
  Message m;
  if (read_message(segment.data, &m)) {
    coap->has_spoken = true;
    write_message(m, coap, context);
    return Answer::kAccept;
  }
  if (!coap->has_spoken) return Answer::kReject;
  coap->quota.complain(anomaly_code::kCoapMalformed, context);
  return Answer::kAccept;
}

}  // namespace

extern const Parser kCoap;

const Parser kCoap{
    .app = AppId::kCoap,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .first_bytes =
        "\x40\x41\x42\x43\x44\x45\x46\x47\x48\x50\x51\x52\x53\x54\x55\x56\x57\x58"
        "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x70\x71\x72\x73\x74\x75\x76\x77\x78",
    .ports = kPorts,
};

}  // namespace thymus::dpi
