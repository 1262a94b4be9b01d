// Diameter (RFC 6733) over TCP and SCTP.
//
//   version 1 (1)  length (3)  flags (1)  command (3)  application (4)  hop-by-hop (4)  end-to-end
//   (4) AVPs: code (4)  flags (1)  length (3)  [vendor (4)]  data, padded to 4 bytes
#include "base/generated/events/diameter.h"

#include "dpi/parser.h"
#include "dpi/telecom/names.h"
#include "dpi/telecom/subscriber.h"

namespace thymus::dpi {
namespace {

namespace ids = event::diameter;

constexpr uint16_t kPorts[] = {3868, 3869, 5868};
constexpr size_t kHeaderBytes = 20;
constexpr int kMostAvps = 128;     // of a message with more, the first ones
constexpr uint32_t k3gpp = 10415;  // IANA's private enterprise number
constexpr uint32_t kPpidDiameter = 46, kPpidDiameterDtls = 47;

constexpr CodeName kCommands[] = {
    {257, "Capabilities-Exchange"},
    {258, "Re-Auth"},
    {265, "AA"},
    {268, "Diameter-EAP"},
    {271, "Accounting"},
    {272, "Credit-Control"},
    {274, "Abort-Session"},
    {275, "Session-Termination"},
    {280, "Device-Watchdog"},
    {282, "Disconnect-Peer"},
    {300, "User-Authorization"},
    {301, "Server-Assignment"},
    {302, "Location-Info"},
    {303, "Multimedia-Auth"},
    {304, "Registration-Termination"},
    {305, "Push-Profile"},
    {306, "User-Data"},
    {307, "Profile-Update"},
    {308, "Subscribe-Notifications"},
    {309, "Push-Notification"},
    {316, "Update-Location"},
    {317, "Cancel-Location"},
    {318, "Authentication-Information"},
    {319, "Insert-Subscriber-Data"},
    {320, "Delete-Subscriber-Data"},
    {321, "Purge-UE"},
    {322, "Reset"},
    {323, "Notify"},
    {324, "ME-Identity-Check"},
    {8388620, "Provide-Location"},
    {8388621, "Location-Report"},
    {8388622, "LCS-Routing-Info"},
};

// IANA's AAA parameters.
constexpr CodeName kApplications[] = {
    {0, "common"},
    {1, "nasreq"},
    {3, "accounting"},
    {4, "gy"},
    {5, "eap"},
    {16777216, "cx"},
    {16777217, "sh"},
    {16777222, "gq"},
    {16777236, "rx"},
    {16777238, "gx"},
    {16777250, "sta"},
    {16777251, "s6a"},
    {16777252, "s13"},
    {16777255, "slg"},
    {16777264, "swm"},
    {16777265, "swx"},
    {16777267, "s9"},
    {16777272, "s6b"},
    {16777291, "slh"},
    {16777302, "sy"},
    {16777303, "sd"},
    {16777312, "s6c"},
    {16777313, "sgd"},
    {16777345, "s6t"},
    {0xffffffff, "relay"},
};

namespace avp {
constexpr uint32_t kUserName = 1, kFramedAddress = 8, kCalledStation = 30, kCcRequestNumber = 415,
                   kSubscription = 443, kSubscriptionData = 444, kSubscriptionType = 450,
                   kEquipment = 458, kEquipmentType = 459, kEquipmentValue = 460,
                   kTerminalImei = 1402;
// Of vendor 10415.
constexpr uint32_t k3gppImsi = 1, kPublicIdentity = 601, kMsisdn = 701, kRat = 1032,
                   kTerminal = 1401;
constexpr uint32_t kSessionId = 263, kOriginHost = 264, kResultCode = 268, kDestinationRealm = 283,
                   kDestinationHost = 293, kOriginRealm = 296, kExperimentalResult = 297,
                   kExperimentalResultCode = 298, kCcRequestType = 416, kServiceContextId = 461;
}  // namespace avp

struct State {
  uint64_t n_messages;
};

struct Header {
  uint32_t length;
  uint8_t flags;
  uint32_t command;
  uint32_t application;
  uint32_t hop_by_hop;

  bool is_request() const { return (flags & 0x80) != 0; }
};

// False when this is no header of a Diameter message.
bool read_header(Reader* r, Header* header) {
  const uint8_t version = r->u8();
  header->length = r->be24();
  header->flags = r->u8();
  header->command = r->be24();
  header->application = r->be32();
  header->hop_by_hop = r->be32();
  r->be32();  // end-to-end
  return r->ok() && version == 1 && header->length >= kHeaderBytes && header->length % 4 == 0 &&
         (header->flags & 0x0f) == 0 && header->command != 0;
}

struct Avp {
  uint32_t code;
  uint32_t vendor;  // 0 without
  Bytes data;
};

bool next_avp(Reader* r, Avp* out) {
  constexpr uint8_t kVendor = 0x80;
  if (r->remaining() < 8) return false;
  out->code = r->be32();
  const uint8_t flags = r->u8();
  const size_t length = r->be24();
  const size_t header_bytes = flags & kVendor ? 12 : 8;
  if (length < header_bytes) return false;
  out->vendor = flags & kVendor ? r->be32() : 0;
  out->data = r->take(length - header_bytes);
  r->take_up_to(-length & 3);
  return r->ok();
}

// Calls `visit` with each AVP of a group, up to four.
template <typename Visit>
void each_in(Bytes group, Visit&& visit) {
  constexpr int kMostMembers = 4;
  Reader r(group);
  Avp member;
  for (int i = 0; i < kMostMembers && next_avp(&r, &member); ++i) visit(member);
}

uint32_t number_in(Bytes data) { return Reader(data).be32(); }

void write_subscription(Bytes group, Context* context) {
  constexpr uint32_t kE164 = 0, kImsi = 1, kSipUri = 2;
  uint32_t type = UINT32_MAX;
  std::string_view data;
  each_in(group, [&](const Avp& member) {
    if (member.code == avp::kSubscriptionType) type = number_in(member.data);
    if (member.code == avp::kSubscriptionData) data = as_text(member.data);
  });
  if (type == kE164) put_identity(ids::kMsisdn, IdentityKind::kMsisdn, data, context);
  if (type == kImsi) put_identity(ids::kImsi, IdentityKind::kImsi, data, context);
  if (type == kSipUri) {
    context->events->put_text(ids::kPublicIdentity, user_name_text(data, *context->options).view());
  }
}

void write_equipment(Bytes group, Context* context) {
  constexpr uint32_t kImeisv = 0;
  uint32_t type = UINT32_MAX;
  Bytes value;
  each_in(group, [&](const Avp& member) {
    if (member.code == avp::kEquipmentType) type = number_in(member.data);
    if (member.code == avp::kEquipmentValue) value = member.data;
  });
  if (type != kImeisv) return;
  // As digits in half octets, or as text.
  const Digits digits = tbcd(value);
  const bool is_text = value.size() > 8 || digits.empty();
  put_identity(ids::kImei, IdentityKind::kImei, is_text ? as_text(value) : digits.view(), context);
}

// Readers take the first of two values: a subscription's IMSI comes before that of a name.
void write_user_name(std::string_view name, Context* context) {
  context->events->put_text(ids::kUserName, user_name_text(name, *context->options).view());
  put_identity(ids::kImsi, IdentityKind::kImsi, imsi_of_name(name), context);
}

void write_subscriber_avp(const Avp& a, Context* context) {
  EventWriter* events = context->events;
  IpAddress address;
  switch (a.code) {
    case avp::kFramedAddress:
      if (read_address(a.data, &address)) events->put_ip(ids::kUeAddress, address);
      break;
    case avp::kCalledStation:
      events->put_bytes(ids::kApn, a.data);
      break;
    case avp::kSubscription:
      write_subscription(a.data, context);
      break;
    case avp::kEquipment:
      write_equipment(a.data, context);
      break;
    default:
      break;
  }
}

void write_3gpp_avp(const Avp& a, Context* context) {
  EventWriter* events = context->events;
  switch (a.code) {
    case avp::k3gppImsi:
      put_identity(ids::kImsi, IdentityKind::kImsi, as_text(a.data), context);
      break;
    case avp::kRat:
      events->put(ids::kRatType, number_in(a.data));
      break;
    case avp::kTerminal:
      each_in(a.data, [context](const Avp& member) {
        if (member.code != avp::kTerminalImei) return;
        put_identity(ids::kImei, IdentityKind::kImei, as_text(member.data), context);
      });
      break;
    case avp::kMsisdn:
      put_identity(ids::kMsisdn, IdentityKind::kMsisdn, tbcd(a.data).view(), context);
      break;
    case avp::kPublicIdentity:
      events->put_text(ids::kPublicIdentity,
                       user_name_text(as_text(a.data), *context->options).view());
      break;
    default:
      break;
  }
}

void write_avp(const Avp& a, Context* context) {
  EventWriter* events = context->events;
  switch (a.code) {
    case avp::kSessionId:
      events->put_text(ids::kSessionId, session_id_text(as_text(a.data), *context->options).view());
      break;
    case avp::kOriginHost:
      events->put_bytes(ids::kOriginHost, a.data);
      break;
    case avp::kOriginRealm:
      events->put_bytes(ids::kOriginRealm, a.data);
      break;
    case avp::kDestinationHost:
      events->put_bytes(ids::kDestinationHost, a.data);
      break;
    case avp::kDestinationRealm:
      events->put_bytes(ids::kDestinationRealm, a.data);
      break;
    case avp::kResultCode:
      events->put(ids::kResultCode, number_in(a.data));
      break;
    case avp::kExperimentalResult:
      each_in(a.data, [events](const Avp& member) {
        if (member.code != avp::kExperimentalResultCode) return;
        events->put(ids::kExperimentalResultCode, number_in(member.data));
      });
      break;
    case avp::kCcRequestType:
      events->put(ids::kCcRequestType, number_in(a.data));
      break;
    case avp::kCcRequestNumber:
      events->put(ids::kCcRequestNumber, number_in(a.data));
      break;
    case avp::kServiceContextId:
      events->put_bytes(ids::kServiceContextId, a.data);
      break;
    default:
      write_subscriber_avp(a, context);
      break;
  }
}

void write_message(const Header& header, Bytes avps, Context* context) {
  EventWriter* events = context->events;
  events->begin(event::kDiameter);
  events->put_text(ids::kType, header.is_request() ? "request" : "answer");
  events->put(ids::kCommandCode, header.command);
  const std::string_view name = name_in(kCommands, header.command);
  if (!name.empty()) events->put_text(ids::kCommand, name);
  events->put(ids::kApplicationId, header.application);
  const std::string_view application = name_in(kApplications, header.application);
  if (!application.empty()) events->put_text(ids::kApplication, application);
  events->put(ids::kHopByHopId, header.hop_by_hop);
  Reader r(avps);
  Avp a;
  std::string_view user_name;
  for (int i = 0; i < kMostAvps && next_avp(&r, &a); ++i) {
    if (a.vendor == k3gpp) {
      write_3gpp_avp(a, context);
    } else if (a.vendor == 0 && a.code == avp::kUserName) {
      user_name = as_text(a.data);
    } else if (a.vendor == 0) {
      write_avp(a, context);
    }
  }
  if (!user_name.empty()) write_user_name(user_name, context);
  events->end();
}

Likelihood probe(const Segment& first) {
  Reader r(first.data);
  Header header;
  if (!read_header(&r, &header)) return Likelihood::kNo;
  const bool has_ppid =
      first.payload_protocol == kPpidDiameter || first.payload_protocol == kPpidDiameterDtls;
  const bool is_known = !name_in(kCommands, header.command).empty();
  if (has_ppid || (is_known && header.length >= kHeaderBytes + 8)) return Likelihood::kLikely;
  return first.has_port(kPorts[0]) ? Likelihood::kMaybe : Likelihood::kNo;
}

// How many bytes the message at the start of `all` takes; 0: it is not whole, -1: it is none.
int64_t take_message(State* state, Bytes all, size_t cut_bytes, Context* context) {
  if (all.size() < kHeaderBytes) return 0;
  Reader r(all);
  Header header;
  if (!read_header(&r, &header)) return -1;
  if (header.length > kMaxBufferBytes) return -1;
  if (all.size() < header.length && cut_bytes == 0) return 0;
  const size_t size = std::min<size_t>(header.length, all.size());
  write_message(header, all.subspan(kHeaderBytes, size - kHeaderBytes), context);
  ++state->n_messages;
  return static_cast<int64_t>(size);
}

Answer answer_of(const State& state, bool is_lost) {
  if (is_lost) return Answer::kReject;
  return state.n_messages > 0 ? Answer::kAccept : Answer::kNeedMore;
}

Answer on_stream(void* raw, const Segment& segment, Context* context) {
  auto* state = static_cast<State*>(raw);
  bool is_lost = false;
  const int buffer = segment.from_originator ? 0 : 1;
  const bool kept = take_messages(context, buffer, segment.data, [&](Bytes all) -> size_t {
    const int64_t n = take_message(state, all, 0, context);
    is_lost |= n < 0;
    return is_lost ? all.size() : static_cast<size_t>(n);
  });
  return answer_of(*state, is_lost || !kept);
}

Answer on_message(void* raw, const Segment& segment, Context* context) {
  auto* state = static_cast<State*>(raw);
  const int64_t n = take_message(state, segment.data, segment.cut_bytes, context);
  return answer_of(*state, n <= 0 && state->n_messages == 0);
}

// After a hole messages are looked for at the starts of segments.
bool on_gap(void*, bool from_originator, Context* context) {
  context->buffers->clear(from_originator ? 0 : 1);
  return true;
}

}  // namespace

extern const Parser kDiameterTcp;
extern const Parser kDiameterSctp;

const Parser kDiameterTcp{
    .app = AppId::kDiameter,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_stream,
    .on_gap = on_gap,
    .first_bytes = std::string_view("\x01", 1),
    .ports = kPorts,
};
const Parser kDiameterSctp{
    .app = AppId::kDiameter,
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
