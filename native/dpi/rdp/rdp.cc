// Remote Desktop Protocol ([MS-RDPBCGR]), as far as it is in clear text. It begins on the ISO
// transport service (RFC 1006), big-endian:
//
//   0  version 3   1  zero   2  length of all   4  header bytes behind this one   5  type
//   connection request e0, confirm d0: 11  [Cookie: mstshash=user CR LF] [negotiation]
//   negotiation: | type 1 asks, 2 agrees, 3 refuses | flags | length 8, 2 LE | protocols, 4 LE |
//   data f0: 7  MCS connect-initial 7f65 and connect-response 7f66 (T.125), in BER
//
// Where both agree on TLS the flow is handed over, and keeps its name.
#include "base/generated/events/rdp.h"

#include "dpi/frames.h"
#include "dpi/parser.h"
#include "dpi/rdp/client_data.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

namespace ids = event::rdp;

constexpr uint16_t kPorts[] = {3389};
constexpr size_t kPrefixBytes = 4, kMinPacketBytes = 7, kConnectBytes = 11;
constexpr size_t kMaxHeadBytes = 8 * 1024;
constexpr uint16_t kVersion = 0x0300;
constexpr uint8_t kConnectRequest = 0xe0, kConnectConfirm = 0xd0, kData = 0xf0;
constexpr uint16_t kConnectInitial = 0x7f65, kConnectResponse = 0x7f66;
constexpr std::string_view kCookie = "Cookie: mstshash=";
constexpr std::string_view kToken = "Cookie: msts=";

struct State {
  FrameCursor cursor[2];
  uint32_t n_events;
  bool has_begun;
};

enum class Negotiation : uint8_t { kNone, kRequest, kResponse, kFailure };

struct Connect {
  std::string_view cookie;
  Negotiation negotiation = Negotiation::kNone;
  uint8_t flags = 0;
  uint32_t value = 0;  // protocols asked for, the protocol chosen, or why not
};

uint8_t packet_type(Bytes packet) { return Reader(packet).peek_u8(5); }

// False for what no remote desktop sends. REQUIRES: packet holds all its bytes.
bool read_connect(Bytes packet, Connect* out) {
  Reader r(packet);
  r.skip(kPrefixBytes);
  const size_t header_bytes = r.u8();
  if (header_bytes != r.remaining() || !r.seek(kConnectBytes)) return false;
  const std::string_view rest = as_text(r.rest());
  if (rest.starts_with(kCookie) || rest.starts_with(kToken)) {
    const size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) return false;
    if (rest.starts_with(kCookie)) out->cookie = rest.substr(kCookie.size(), end - kCookie.size());
    r.skip(end + 2);
  }
  if (r.empty()) return true;
  const uint8_t type = r.u8();
  out->flags = r.u8();
  const uint16_t length = r.le16();
  out->value = r.le32();
  if (!r.ok() || type < 1 || type > 3 || length != 8) return false;
  out->negotiation = static_cast<Negotiation>(type);
  return true;
}

Frame measure(Bytes all) {
  const Reader r(all);
  if (!all.empty() && all[0] != kVersion >> 8) return Frame::broken();
  if (r.remaining() < kPrefixBytes) return {};
  const size_t length = r.peek_be16(2);
  if (r.peek_be16() != kVersion || length < kMinPacketBytes) return Frame::broken();
  return Frame::of(length, kMaxHeadBytes);
}

struct Bit {
  uint8_t bit;
  std::string_view name;
};
constexpr Bit kRequestFlags[] = {{0x01, "restricted_admin_mode_required"},
                                 {0x02, "redirected_authentication_mode_required"},
                                 {0x08, "correlation_info_present"}};
constexpr Bit kResponseFlags[] = {{0x01, "extended_client_data"},
                                  {0x02, "dynvc_gfx"},
                                  {0x08, "restricted_admin"},
                                  {0x10, "redirected_authentication"}};

template <size_t kCount>
void put_bits(uint16_t field, const Bit (&bits)[kCount], uint8_t flags, EventWriter* events) {
  for (const Bit& bit : bits) {
    if ((flags & bit.bit) != 0) events->put_text(field, bit.name);
  }
}

std::string_view protocol_name(uint32_t protocol) {
  switch (protocol) {
    case 0:
      return "rdp";
    case 1:
      return "ssl";
    case 2:
      return "hybrid";
    case 4:
      return "rds_tls";
    case 8:
      return "hybrid_ex";
    default:
      return "unknown";
  }
}

std::string_view failure_reason(uint32_t code) {
  constexpr std::string_view kReasons[] = {"",
                                           "ssl required by server",
                                           "ssl not allowed by server",
                                           "ssl cert not on server",
                                           "inconsistent flags",
                                           "hybrid required by server",
                                           "ssl with user auth required by server"};
  return code < std::size(kReasons) ? kReasons[code] : "";
}

void begin(std::string_view step, State* state, EventWriter* events) {
  events->begin(event::kRdp);
  events->put(ids::kTxId, state->n_events++);
  events->put_text(ids::kEventType, step);
}

void write_request(const Connect& connect, State* state, EventWriter* events) {
  begin("initial_request", state, events);
  if (!connect.cookie.empty()) events->put_text(ids::kCookie, connect.cookie);
  if (connect.negotiation == Negotiation::kRequest) {
    put_bits(ids::kFlags, kRequestFlags, connect.flags, events);
  }
  events->end();
}

void write_confirm(const Connect& connect, State* state, EventWriter* events) {
  begin("initial_response", state, events);
  if (connect.negotiation == Negotiation::kResponse) {
    put_bits(ids::kServerSupports, kResponseFlags, connect.flags, events);
    events->put_text(ids::kProtocol, protocol_name(connect.value));
  } else if (connect.negotiation == Negotiation::kFailure) {
    events->put(ids::kErrorCode, connect.value);
    events->put_text(ids::kReason, failure_reason(connect.value));
  }
  events->end();
}

// What one packet means for the flow.
Answer on_packet(Bytes head, State* state, Context* context) {
  EventWriter* events = context->events;
  Connect connect;
  switch (packet_type(head)) {
    case kConnectRequest:
      if (!read_connect(head, &connect)) return Answer::kReject;
      state->has_begun = true;
      write_request(connect, state, events);
      return Answer::kAccept;
    case kConnectConfirm:
      if (!read_connect(head, &connect)) return Answer::kReject;
      state->has_begun = true;
      write_confirm(connect, state, events);
      context->next = AppId::kTls;
      return connect.negotiation == Negotiation::kResponse && connect.value != 0 ? Answer::kHandOver
                                                                                 : Answer::kAccept;
    case kData:
      break;
    default:
      return Answer::kDone;
  }
  const uint16_t pdu = Reader(head).peek_be16(kMinPacketBytes);
  if (pdu == kConnectInitial) {
    begin("connect_request", state, events);
    write_rdp_client(head, events);
    events->end();
    state->has_begun = true;
    return Answer::kAccept;
  }
  if (pdu == kConnectResponse) {
    begin("connect_response", state, events);
    events->end();
    // Channels and keys follow, then all is encrypted.
    return Answer::kDone;
  }
  return state->has_begun ? Answer::kDone : Answer::kReject;
}

Likelihood probe(const Segment& first) {
  const Frame frame = measure(first.data);
  const bool on_port = first.has_port(kPorts[0]);
  if (frame.state == Frame::State::kBroken) return Likelihood::kNo;
  if (frame.state == Frame::State::kShort || frame.bytes > first.data.size()) {
    return on_port ? Likelihood::kMaybe : Likelihood::kNo;
  }
  const uint8_t type = packet_type(first.data);
  Connect connect;
  if (type == kData) {
    const bool is_client = Reader(first.data).peek_be16(kMinPacketBytes) == kConnectInitial &&
                           as_text(first.data).find("Duca") != std::string_view::npos;
    return is_client ? Likelihood::kLikely : Likelihood::kNo;
  }
  if (type != kConnectRequest && type != kConnectConfirm) return Likelihood::kNo;
  const Bytes packet = first.data.first(static_cast<size_t>(frame.bytes));
  if (!read_connect(packet, &connect)) return Likelihood::kNo;
  const bool is_bare = packet.size() == kConnectBytes;
  if (!is_bare) return Likelihood::kLikely;
  return on_port ? Likelihood::kMaybe : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* rdp = static_cast<State*>(state);
  const int direction = segment.from_originator ? 0 : 1;
  Answer answer = rdp->has_begun ? Answer::kAccept : Answer::kNeedMore;
  const Framing framing = take_frames(&rdp->cursor[direction], context, direction, segment.data,
                                      measure, [&](Bytes head, const Frame&, size_t n_behind) {
                                        answer = on_packet(head, rdp, context);
                                        context->next_bytes = n_behind;
                                        return answer == Answer::kAccept;
                                      });
  return framing == Framing::kBroken ? Answer::kReject : answer;
}

}  // namespace

extern const Parser kRdp;

const Parser kRdp{
    .app = AppId::kRdp,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = "\x03",
    .ports = kPorts,
};

}  // namespace thymus::dpi
