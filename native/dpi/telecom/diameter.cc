// Diameter (RFC 6733) over TCP and SCTP.
//
//   version 1 (1)  length (3)  flags (1)  command (3)  application (4)  hop-by-hop (4)  end-to-end
//   (4) AVPs: code (4)  flags (1)  length (3)  [vendor (4)]  data, padded to 4 bytes
#include "base/generated/events/diameter.h"

#include "dpi/parser.h"
#include "dpi/telecom/names.h"

namespace thymus::dpi {
namespace {

namespace ids = event::diameter;

constexpr uint16_t kPorts[] = {3868, 3869, 5868};
constexpr size_t kHeaderBytes = 20;
constexpr int kMostAvps = 128;  // of a message with more, the first ones
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

namespace avp {
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
  Bytes data;
};

bool next_avp(Reader* r, Avp* out) {
  constexpr uint8_t kVendor = 0x80;
  if (r->remaining() < 8) return false;
  out->code = r->be32();
  const uint8_t flags = r->u8();
  const size_t length = r->be24();
  const size_t header_bytes = flags & kVendor ? 12 : 8;
  if (length < header_bytes || !r->skip(header_bytes - 8)) return false;
  out->data = r->take(length - header_bytes);
  r->take_up_to(-length & 3);
  return r->ok();
}

void write_message(const Header& header, Bytes avps, EventWriter* events) {
  events->begin(event::kDiameter);
  events->put_text(ids::kType, header.is_request() ? "request" : "answer");
  events->put(ids::kCommandCode, header.command);
  const std::string_view name = name_in(kCommands, header.command);
  if (!name.empty()) events->put_text(ids::kCommand, name);
  events->put(ids::kApplicationId, header.application);
  events->put(ids::kHopByHopId, header.hop_by_hop);
  Reader r(avps);
  Avp a;
  for (int i = 0; i < kMostAvps && next_avp(&r, &a); ++i) {
    const auto number = [&a] { return Reader(a.data).be32(); };
    switch (a.code) {
      case avp::kSessionId:
        events->put_bytes(ids::kSessionId, a.data);
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
        events->put(ids::kResultCode, number());
        break;
      case avp::kExperimentalResult: {
        Reader inner(a.data);
        Avp code;
        for (int k = 0; k < 4 && next_avp(&inner, &code); ++k) {
          if (code.code != avp::kExperimentalResultCode) continue;
          events->put(ids::kExperimentalResultCode, Reader(code.data).be32());
        }
        break;
      }
      case avp::kCcRequestType:
        events->put(ids::kCcRequestType, number());
        break;
      case avp::kServiceContextId:
        events->put_bytes(ids::kServiceContextId, a.data);
        break;
      default:
        break;
    }
  }
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
int64_t take_message(State* state, Bytes all, size_t cut_bytes, EventWriter* events) {
  if (all.size() < kHeaderBytes) return 0;
  Reader r(all);
  Header header;
  if (!read_header(&r, &header)) return -1;
  if (header.length > kMaxBufferBytes) return -1;
  if (all.size() < header.length && cut_bytes == 0) return 0;
  const size_t size = std::min<size_t>(header.length, all.size());
  write_message(header, all.subspan(kHeaderBytes, size - kHeaderBytes), events);
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
    const int64_t n = take_message(state, all, 0, context->events);
    is_lost |= n < 0;
    return is_lost ? all.size() : static_cast<size_t>(n);
  });
  return answer_of(*state, is_lost || !kept);
}

Answer on_message(void* raw, const Segment& segment, Context* context) {
  auto* state = static_cast<State*>(raw);
  const int64_t n = take_message(state, segment.data, segment.cut_bytes, context->events);
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
