// The ISO transport service over TCP (RFC 1006) and what industrial systems say over it. A packet:
//
//   0  version 3   1  zero   2  length of all   4  header bytes behind this one
//   5  type and credit   6  fields of the type; of data: 0x80 when it ends a service data unit
//
// Remote desktops and others use the same transport: a flow is claimed when a whole data unit is a
// message of a known user.
#include "dpi/cotp/users.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

constexpr uint16_t kPorts[] = {102};
constexpr size_t kPrefixBytes = 4;
constexpr size_t kMinPacketBytes = 7;
constexpr uint16_t kVersion = 0x0300;
constexpr uint8_t kData = 0xf0, kConnectRequest = 0xe0, kConnectConfirm = 0xd0;
constexpr uint8_t kDataHeader = 2;
constexpr uint8_t kEndOfUnit = 0x80;
constexpr int kUnit = 2;  // the buffer of a direction's data unit is kUnit + direction
constexpr uint32_t kMaxEvents = 20'000;

struct State {
  AppId user;
  uint32_t n_events;
  bool is_lost[2];     // until a segment begins with a packet
  bool skips_unit[2];  // its start was missed or it was too long
};

struct Packet {
  uint8_t type;
  uint8_t flags;  // of data
  Bytes data;
};

bool is_data_header(uint8_t header_bytes, uint8_t flags) {
  return header_bytes == kDataHeader && (flags & ~kEndOfUnit) == 0;
}

// Parameters of a connection: code (1), length (1), value. Remote desktops put text and negotiation
// there, which do not have this form.
bool are_connect_parameters(Reader r) {
  constexpr uint8_t kLowestCode = 0x85, kHighestCode = 0xf3;
  while (!r.empty()) {
    const uint8_t code = r.u8();
    if (code < kLowestCode || code > kHighestCode) return false;
    r.skip(r.u8());
  }
  return r.ok();
}

// False for what is no packet of this transport. REQUIRES: packet holds all its bytes.
bool read_packet(Bytes bytes, Packet* packet) {
  constexpr size_t kConnectFields = 5;  // references and class
  Reader r(bytes);
  r.skip(kPrefixBytes);
  const uint8_t header_bytes = r.u8();
  Reader header(r.take(header_bytes));
  packet->type = header.u8();
  packet->data = r.rest();
  if (!r.ok() || !header.ok()) return false;
  switch (packet->type) {
    case kData:
      packet->flags = header.u8();
      return is_data_header(header_bytes, packet->flags);
    case kConnectRequest:
    case kConnectConfirm:
      return header.skip(kConnectFields) && are_connect_parameters(header);
    default:  // disconnect, error, expedited data
      return packet->type >= 0x10;
  }
}

// One data unit. A user is known by its first message; later ones that are none are passed over.
void on_unit(Bytes unit, State* state, Context* context) {
  if (state->n_events >= kMaxEvents || unit.empty()) return;
  EventWriter* events = context->events;
  AppId user = AppId::kUnknown;
  if (unit[0] == 0x32) {
    if (write_s7comm(unit, events)) user = AppId::kS7comm;
  } else if (unit[0] == 0x72) {
    if (write_s7comm_plus(unit, events)) user = AppId::kS7commPlus;
  } else if (write_mms(unit, state->user == AppId::kMms, events)) {
    user = AppId::kMms;
  }
  if (user == AppId::kUnknown) return;
  state->user = user;
  ++state->n_events;
}

void on_data_packet(const Packet& packet, int direction, State* state, Context* context) {
  const int buffer = kUnit + direction;
  Buffers& buffers = *context->buffers;
  const bool is_end = (packet.flags & kEndOfUnit) != 0;
  if (state->skips_unit[direction]) {
    state->skips_unit[direction] = !is_end;
  } else if (is_end && buffers.view(buffer).empty()) {
    on_unit(packet.data, state, context);
  } else if (buffers.append(buffer, packet.data)) {
    if (!is_end) return;
    on_unit(buffers.view(buffer), state, context);
    buffers.clear(buffer);
  } else {
    buffers.clear(buffer);
    state->skips_unit[direction] = !is_end;
  }
}

// 0: not whole, or lost.
size_t take_packet(Bytes all, int direction, State* state, Context* context) {
  const Reader r(all);
  if (r.remaining() < kPrefixBytes) return 0;
  const size_t length = r.peek_be16(2);
  const bool is_packet = r.peek_be16() == kVersion && length >= kMinPacketBytes;
  if (is_packet && all.size() < length) return 0;
  Packet packet{};
  if (!is_packet || !read_packet(all.first(length), &packet)) {
    state->is_lost[direction] = true;
    return 0;
  }
  if (packet.type == kData) on_data_packet(packet, direction, state, context);
  return length;
}

void lose(int direction, State* state, Context* context) {
  state->is_lost[direction] = true;
  state->skips_unit[direction] = false;
  context->buffers->clear(direction);
  context->buffers->clear(kUnit + direction);
}

bool begins_with_packet(Bytes bytes) {
  const Reader r(bytes);
  return r.peek_be16() == kVersion && r.peek_be16(2) >= kMinPacketBytes && r.peek_u8(5) >= 0x10;
}

bool is_known_user(Bytes unit) {
  const uint8_t second = Reader(unit).peek_u8(1);
  if (unit.empty()) return false;
  return (unit[0] == 0x32 && second >= 1 && second <= 7) ||
         (unit[0] == 0x72 && ((second >= 1 && second <= 3) || second >= 0xfe));
}

Likelihood probe(const Segment& first) {
  const Reader r(first.data);
  const size_t length = r.peek_be16(2);
  if (r.remaining() < kMinPacketBytes) {
    const bool could_be = first.has_port(kPorts[0]) && r.peek_u8() == 3 && r.peek_u8(1) == 0;
    return could_be ? Likelihood::kMaybe : Likelihood::kNo;
  }
  if (r.peek_be16() != kVersion || length < kMinPacketBytes) return Likelihood::kNo;
  if (length > r.remaining()) {
    const bool is_data = r.peek_u8(5) == kData && is_data_header(r.peek_u8(4), r.peek_u8(6));
    return is_data ? Likelihood::kMaybe : Likelihood::kNo;
  }
  Packet packet{};
  if (!read_packet(first.data.first(length), &packet)) return Likelihood::kNo;
  return packet.type == kData && is_known_user(packet.data) ? Likelihood::kLikely
                                                            : Likelihood::kMaybe;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* cotp = static_cast<State*>(state);
  const int direction = segment.from_originator ? 0 : 1;
  if (cotp->is_lost[direction] && begins_with_packet(segment.data)) {
    cotp->is_lost[direction] = false;
  }
  if (!cotp->is_lost[direction] && !take_messages(context, direction, segment.data, [&](Bytes all) {
        return take_packet(all, direction, cotp, context);
      })) {
    cotp->is_lost[direction] = true;
  }
  if (cotp->is_lost[direction]) lose(direction, cotp, context);
  context->facts.app = cotp->user;
  if (cotp->n_events >= kMaxEvents) return Answer::kDone;
  if (cotp->user != AppId::kUnknown) return Answer::kAccept;
  // Off its port a direction that is something else says what the flow is.
  const bool is_other = cotp->is_lost[direction] && !segment.has_port(kPorts[0]);
  return is_other ? Answer::kReject : Answer::kNeedMore;
}

bool on_gap(void* state, bool from_originator, Context* context) {
  lose(from_originator ? 0 : 1, static_cast<State*>(state), context);
  return true;
}

}  // namespace

extern const Parser kCotp;

const Parser kCotp{
    .app = AppId::kMms,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .first_bytes = "\x03",
    .ports = kPorts,
};

}  // namespace thymus::dpi
