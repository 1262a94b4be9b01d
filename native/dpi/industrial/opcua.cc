// OPC UA over TCP (OPC 10000-6, 6.7 and 7.1). All numbers are little-endian. A message:
//
//   0  type, three letters   3  'F' final, 'C' goes on, 'A' aborted   4  bytes of all
//   HEL, ACK, RHE, ERR: limits and texts
//   OPN: channel (4)  policy, certificates  sequence (4)  request (4)  body
//   MSG, CLO: channel (4)  token (4)  sequence (4)  request (4)  body
//
// A body begins with the number of its type. Where it is encrypted that number is none of a
// service. Text and bytes: length (4, all ones: none), then as many.
#include "base/generated/events/opcua.h"

#include "base/number_names.h"
#include "base/text_builder.h"
#include "dpi/industrial/framed_flow.h"

namespace thymus::dpi {
namespace {

namespace ids = event::opcua;

constexpr uint16_t kPorts[] = {4840};
constexpr size_t kHeaderBytes = 8;
constexpr size_t kMaxKept = 4096;
constexpr size_t kMaxMessageBytes = 16 * 1024 * 1024;
constexpr uint32_t kMaxNodes = 16;
constexpr uint32_t kServiceFault = 397;

// OPC 10000-6, numbers of the binary encodings: requests; the answer to each is three higher, but
// for the newer ones, where it is one higher.
constexpr Service kRequests[] = {{422, "FindServers", Operation::kIdentify},
                                 {428, "GetEndpoints", Operation::kIdentify},
                                 {437, "RegisterServer", Operation::kIdentify},
                                 {446, "OpenSecureChannel", Operation::kOther},
                                 {452, "CloseSecureChannel", Operation::kOther},
                                 {461, "CreateSession", Operation::kOther},
                                 {467, "ActivateSession", Operation::kOther},
                                 {473, "CloseSession", Operation::kOther},
                                 {479, "Cancel", Operation::kOther},
                                 {488, "AddNodes", Operation::kProgram},
                                 {494, "AddReferences", Operation::kProgram},
                                 {500, "DeleteNodes", Operation::kProgram},
                                 {506, "DeleteReferences", Operation::kProgram},
                                 {527, "Browse", Operation::kRead},
                                 {533, "BrowseNext", Operation::kRead},
                                 {554, "TranslateBrowsePathsToNodeIds", Operation::kRead},
                                 {560, "RegisterNodes", Operation::kOther},
                                 {566, "UnregisterNodes", Operation::kOther},
                                 {615, "QueryFirst", Operation::kRead},
                                 {621, "QueryNext", Operation::kRead},
                                 {631, "Read", Operation::kRead},
                                 {664, "HistoryRead", Operation::kRead},
                                 {673, "Write", Operation::kWrite},
                                 {700, "HistoryUpdate", Operation::kWrite},
                                 {712, "Call", Operation::kControl},
                                 {751, "CreateMonitoredItems", Operation::kRead},
                                 {763, "ModifyMonitoredItems", Operation::kRead},
                                 {769, "SetMonitoringMode", Operation::kRead},
                                 {775, "SetTriggering", Operation::kRead},
                                 {781, "DeleteMonitoredItems", Operation::kRead},
                                 {787, "CreateSubscription", Operation::kRead},
                                 {793, "ModifySubscription", Operation::kRead},
                                 {799, "SetPublishingMode", Operation::kRead},
                                 {826, "Publish", Operation::kRead},
                                 {832, "Republish", Operation::kRead},
                                 {841, "TransferSubscriptions", Operation::kRead},
                                 {847, "DeleteSubscriptions", Operation::kRead},
                                 {12208, "FindServersOnNetwork", Operation::kIdentify},
                                 {12211, "RegisterServer2", Operation::kIdentify}};
static_assert(is_sorted_table(kRequests));

constexpr NumberName kStatuses[] = {{0x00000000, "Good"},
                                    {0x80010000, "BadUnexpectedError"},
                                    {0x80020000, "BadInternalError"},
                                    {0x80030000, "BadOutOfMemory"},
                                    {0x80050000, "BadCommunicationError"},
                                    {0x80060000, "BadEncodingError"},
                                    {0x80070000, "BadDecodingError"},
                                    {0x80080000, "BadEncodingLimitsExceeded"},
                                    {0x800a0000, "BadTimeout"},
                                    {0x800b0000, "BadServiceUnsupported"},
                                    {0x800c0000, "BadShutdown"},
                                    {0x800d0000, "BadServerNotConnected"},
                                    {0x800e0000, "BadServerHalted"},
                                    {0x800f0000, "BadNothingToDo"},
                                    {0x80100000, "BadTooManyOperations"},
                                    {0x80120000, "BadCertificateInvalid"},
                                    {0x80130000, "BadSecurityChecksFailed"},
                                    {0x80140000, "BadCertificateTimeInvalid"},
                                    {0x80160000, "BadCertificateHostNameInvalid"},
                                    {0x80170000, "BadCertificateUriInvalid"},
                                    {0x801a0000, "BadCertificateUntrusted"},
                                    {0x801f0000, "BadUserAccessDenied"},
                                    {0x80200000, "BadIdentityTokenInvalid"},
                                    {0x80210000, "BadIdentityTokenRejected"},
                                    {0x80220000, "BadSecureChannelIdInvalid"},
                                    {0x80250000, "BadSessionIdInvalid"},
                                    {0x80260000, "BadSessionClosed"},
                                    {0x80270000, "BadSessionNotActivated"},
                                    {0x80280000, "BadSubscriptionIdInvalid"},
                                    {0x80330000, "BadNodeIdInvalid"},
                                    {0x80340000, "BadNodeIdUnknown"},
                                    {0x80550000, "BadSecurityPolicyRejected"},
                                    {0x80560000, "BadTooManySessions"},
                                    {0x80750000, "BadMethodInvalid"},
                                    {0x80780000, "BadTooManyPublishRequests"},
                                    {0x80790000, "BadNoSubscription"},
                                    {0x807d0000, "BadTcpServerTooBusy"},
                                    {0x807e0000, "BadTcpMessageTypeInvalid"},
                                    {0x807f0000, "BadTcpSecureChannelUnknown"},
                                    {0x80800000, "BadTcpMessageTooLarge"},
                                    {0x80810000, "BadTcpNotEnoughResources"},
                                    {0x80820000, "BadTcpInternalError"},
                                    {0x80830000, "BadTcpEndpointUrlInvalid"},
                                    {0x80840000, "BadRequestInterrupted"},
                                    {0x80850000, "BadRequestTimeout"},
                                    {0x80860000, "BadSecureChannelClosed"},
                                    {0x80ac0000, "BadConnectionRejected"},
                                    {0x80ae0000, "BadConnectionClosed"}};
static_assert(is_sorted_table(kStatuses));

using State = FramedFlow;

enum class Kind : uint8_t {
  kNone,
  kHello,
  kAcknowledge,
  kError,
  kReverseHello,
  kOpen,
  kMessage,
  kClose
};
constexpr std::string_view kKindNames[] = {
    "", "hello", "acknowledge", "error", "reverse_hello", "open", "message", "close"};
constexpr std::string_view kKindCodes[] = {"", "HEL", "ACK", "ERR", "RHE", "OPN", "MSG", "CLO"};

Kind kind_of(Bytes bytes) {
  const std::string_view code = as_text(Reader(bytes).take_up_to(3));
  for (size_t i = 1; i < std::size(kKindCodes); ++i) {
    if (code == kKindCodes[i]) return static_cast<Kind>(i);
  }
  return Kind::kNone;
}

size_t measure(Bytes bytes) {
  Reader r(bytes);
  // Too few to tell: what is there must fit.
  if (bytes.size() < kHeaderBytes) {
    const std::string_view there = as_text(r.take_up_to(3));
    for (size_t i = 1; i < std::size(kKindCodes); ++i) {
      if (kKindCodes[i].starts_with(there)) return 0;
    }
    return FramedStream::kNoFrame;
  }
  const Kind kind = kind_of(bytes);
  r.skip(3);
  const uint8_t chunk = r.u8();
  const uint32_t length = r.le32();
  const bool is_chunk = chunk == 'F' || (kind >= Kind::kOpen && (chunk == 'C' || chunk == 'A'));
  const bool is_message =
      kind != Kind::kNone && is_chunk && length > kHeaderBytes && length <= kMaxMessageBytes;
  return is_message ? length : FramedStream::kNoFrame;
}

// ---- Values

Bytes take_counted(Reader* r) {
  const uint32_t length = r->le32();
  return length == UINT32_MAX ? Bytes{} : r->take(length);
}

using NodeText = TextBuilder<96>;

// A node's number (OPC 10000-6, 5.2.2.9), as "ns=2;s=Valve". False when it breaks the format.
bool take_node(Reader* r, NodeText* text) {
  const uint8_t encoding = r->u8();
  const bool has_wide_namespace = encoding >= 2;
  const uint32_t space = encoding == 0 ? 0u : has_wide_namespace ? r->le16() : r->u8();
  if (space != 0) text->add("ns=").add_number(space).add(';');
  switch (encoding) {
    case 0:
      text->add("i=").add_number(r->u8());
      break;
    case 1:
      text->add("i=").add_number(r->le16());
      break;
    case 2:
      text->add("i=").add_number(r->le32());
      break;
    case 3:
      text->add("s=").add(as_text(take_counted(r)));
      break;
    case 4:
      text->add("g=").add_hex(r->take(16));
      break;
    case 5:
      text->add("b=").add_hex(take_counted(r));
      break;
    default:
      return false;
  }
  return r->ok();
}

void skip_node(Reader* r) {
  NodeText unused;
  if (!take_node(r, &unused)) r->fail();
}

// An object of a type of its own: type, encoding (1), then its bytes where the encoding says so.
Bytes take_extension(Reader* r, NodeText* type) {
  if (!take_node(r, type)) r->fail();
  return r->u8() == 0 ? Bytes{} : take_counted(r);
}

void skip_request_header(Reader* r) {
  NodeText unused;
  skip_node(r);        // authentication token
  r->skip(8 + 4 + 4);  // time stamp, handle, diagnostics
  take_counted(r);     // audit entry
  r->skip(4);          // timeout
  take_extension(r, &unused);
}

void put_status(uint16_t field, uint32_t status, EventWriter* events) {
  TextBuilder<16> number("0x");
  const std::string_view name = name_of(kStatuses, status);
  events->put_text(field, name.empty() ? number.add_hex_number(status, 8).view() : name);
}

void put_node(Reader* r, EventWriter* events) {
  NodeText node;
  if (take_node(r, &node)) events->put_text(ids::kNodes, node.view());
}

// ---- Requests that say what they are about

// Age (8), time stamps (4), then a list of node, attribute (4), range (text), encoding (2, text).
void put_read(Reader r, EventWriter* events) {
  r.skip(8 + 4);
  const uint32_t n = r.le32();
  for (uint32_t i = 0; i < std::min(n, kMaxNodes) && r.ok(); ++i) {
    put_node(&r, events);
    r.skip(4);
    take_counted(&r);
    r.skip(2);
    take_counted(&r);
  }
}

// A list whose first member begins with a node; the second one of a call is the method.
void put_first_node(Reader r, int n_nodes, EventWriter* events) {
  if (r.le32() == 0) return;
  for (int i = 0; i < n_nodes && r.ok(); ++i) put_node(&r, events);
}

// View: node (number), time (8), version (4); limit (4); a list that begins with a node.
void put_browse(Reader r, EventWriter* events) {
  skip_node(&r);
  r.skip(8 + 4 + 4);
  put_first_node(r, 1, events);
}

// Signature: algorithm, bytes; certificates and languages (lists); the token that says who.
void put_activate(Reader r, EventWriter* events) {
  constexpr uint32_t kMaxEntries = 64;
  take_counted(&r);
  take_counted(&r);
  const uint32_t n_certificates = r.le32();
  for (uint32_t i = 0; n_certificates != UINT32_MAX && i < n_certificates; ++i) {
    if (i == kMaxEntries || !r.ok()) return;
    take_counted(&r);
    take_counted(&r);
  }
  const uint32_t n_languages = r.le32();
  for (uint32_t i = 0; n_languages != UINT32_MAX && i < n_languages; ++i) {
    if (i == kMaxEntries || !r.ok()) return;
    take_counted(&r);
  }
  NodeText type;
  Reader token(take_extension(&r, &type));
  if (!r.ok()) return;
  take_counted(&token);  // policy
  if (type.view() == "i=321") {
    events->put_text(ids::kUser, "anonymous");
  } else if (type.view() == "i=324") {
    events->put_bytes(ids::kUser, take_counted(&token));
  } else if (type.view() == "i=327") {
    events->put_text(ids::kUser, "certificate");
  }
}

// Of the client (6 texts and an unknown number of them) only where it wants to go is shown.
void put_endpoint(Reader r, EventWriter* events) {
  const Bytes url = take_counted(&r);
  if (r.ok()) events->put_bytes(ids::kEndpointUrl, url);
}

// Channel opening: client version (4), request type (4), security mode (4).
void put_open_channel(Reader r, EventWriter* events) {
  constexpr std::string_view kModes[] = {"invalid", "none", "sign", "sign_and_encrypt"};
  r.skip(4 + 4);
  const uint32_t mode = r.le32();
  if (r.ok() && mode < std::size(kModes)) events->put_text(ids::kSecurityMode, kModes[mode]);
}

void put_request_body(uint32_t type, Reader r, EventWriter* events) {
  skip_request_header(&r);
  if (!r.ok()) return;
  switch (type) {
    case 428:
      return put_endpoint(r, events);
    case 446:
      return put_open_channel(r, events);
    case 467:
      return put_activate(r, events);
    case 527:
      return put_browse(r, events);
    case 631:
      return put_read(r, events);
    case 673:
      return put_first_node(r, 1, events);
    case 712:
      return put_first_node(r, 2, events);
    default:
      return;
  }
}

struct Body {
  bool is_known;
  bool is_response;
  uint32_t type_id;
  Service service;
  Reader rest;  // behind the type
};

// The type of a body is a node's number of one of two forms.
Body read_body(Reader r) {
  constexpr uint32_t kFirstNewer = 12000;
  Body body{};
  const uint8_t encoding = r.u8();
  if (encoding == 1 && r.u8() == 0) body.type_id = r.le16();
  if (encoding == 2 && r.le16() == 0) body.type_id = r.le32();
  if (!r.ok()) return body;
  body.rest = r;
  const uint32_t id = body.type_id;
  body.service = service_of(kRequests, id);
  if (body.service.name.empty()) {
    body.service = service_of(kRequests, id > kFirstNewer ? id - 1 : id - std::min(id, 3u));
    body.is_response = true;
  }
  if (id == kServiceFault) body.service = {id, "ServiceFault", Operation::kOther};
  body.is_known = !body.service.name.empty();
  return body;
}

void put_body(const Body& body, EventWriter* events) {
  events->put_text(ids::kService, body.service.name);
  events->put(ids::kTypeId, body.type_id);
  if (!body.is_response) return put_request_body(body.type_id, body.rest, events);
  Reader r = body.rest;
  r.skip(8 + 4);
  const uint32_t status = r.le32();
  if (r.ok()) put_status(ids::kStatus, status, events);
}

// The sequence header and the body behind it, where they can be read.
void put_exchange(Reader r, EventWriter* events) {
  const uint32_t sequence = r.le32();
  const uint32_t request_id = r.le32();
  const Body body = read_body(r);
  if (!body.is_known) return;
  events->put(ids::kSequence, sequence);
  events->put(ids::kRequestId, request_id);
  put_body(body, events);
}

// ---- Messages

void put_hello(Reader r, bool has_url, EventWriter* events) {
  events->put(ids::kVersion, r.le32());
  events->put(ids::kReceiveBuffer, r.le32());
  events->put(ids::kSendBuffer, r.le32());
  r.skip(8);
  if (has_url) put_endpoint(r, events);
}

void put_open(Reader r, EventWriter* events) {
  events->put(ids::kSecureChannel, r.le32());
  std::string_view policy = as_text(take_counted(&r));
  policy.remove_prefix(std::min(policy.size(), policy.rfind('#') + 1));
  put_name(ids::kSecurityPolicy, policy, events);
  take_counted(&r);
  take_counted(&r);
  put_exchange(r, events);
}

// What is behind the header of a message.
Reader behind_channel(Kind kind, Reader r) {
  r.skip(4);
  if (kind != Kind::kOpen) {
    r.skip(4);
    return r;
  }
  take_counted(&r);
  take_counted(&r);
  take_counted(&r);
  return r;
}

Operation operation_of(Kind kind, Reader r) {
  if (kind < Kind::kOpen) return Operation::kOther;
  Reader body = behind_channel(kind, r);
  body.skip(8);
  return read_body(body).service.operation;
}

void put_message(Kind kind, Reader r, EventWriter* events) {
  switch (kind) {
    case Kind::kHello:
    case Kind::kAcknowledge:
      return put_hello(r, kind == Kind::kHello, events);
    case Kind::kReverseHello:
      take_counted(&r);
      return put_endpoint(r, events);
    case Kind::kError:
      put_status(ids::kError, r.le32(), events);
      return events->put_bytes(ids::kReason, take_counted(&r));
    case Kind::kOpen:
      return put_open(r, events);
    case Kind::kMessage:
    case Kind::kClose:
      events->put(ids::kSecureChannel, r.le32());
      r.skip(4);
      return put_exchange(r, events);
    case Kind::kNone:
      return;
  }
}

void on_frame(Bytes frame, State* state, Context* context) {
  const Kind kind = kind_of(frame);
  Reader r(frame);
  r.skip(3);
  // What goes on was shown with the first part; which one that is the final one does not say.
  const bool is_final = r.u8() == 'F';
  r.skip(4);
  const Operation operation = operation_of(kind, r);
  const bool is_body = kind != Kind::kMessage || is_final || operation != Operation::kOther;
  if (!is_body || !state->quota.allows(operation, context)) return;
  EventWriter* events = context->events;
  events->begin(event::kOpcua);
  events->put_text(ids::kOperation, name_of(operation));
  events->put_text(ids::kMessage, kKindNames[static_cast<size_t>(kind)]);
  put_message(kind, r, events);
  events->end();
}

Likelihood probe(const Segment& first) {
  const size_t length = measure(first.data);
  if (length == FramedStream::kNoFrame) return Likelihood::kNo;
  if (length != 0) return Likelihood::kLikely;
  return first.has_port(kPorts[0]) ? Likelihood::kMaybe : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* opcua = static_cast<State*>(state);
  constexpr FrameRules kRules{measure, kMaxKept, anomaly_code::kOpcuaMalformed};
  return show_frames(kRules, segment, opcua, context,
                     [&](Bytes frame, size_t) { on_frame(frame, opcua, context); });
}

}  // namespace

extern const Parser kOpcUa;

const Parser kOpcUa{
    .app = AppId::kOpcUa,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = lose_frames<State>,
    .first_bytes = "HAERMOC",
    .ports = kPorts,
};

}  // namespace thymus::dpi
