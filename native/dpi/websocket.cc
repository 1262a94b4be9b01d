// WebSocket (RFC 6455), after an HTTP/1.1 upgrade. A frame:
//
//   | fin, 3 reserved bits, opcode, 4 | mask bit, length, 7 | 2 or 8 more of length | mask, 4 |
//   data
//
// The length goes on in 2 bytes where it says 126, in 8 where it says 127; clients mask.
#include "base/generated/events/websocket.h"

#include "dpi/frames.h"
#include "dpi/parser.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

namespace ids = event::websocket;

constexpr uint32_t kMaxEvents = 20'000;
constexpr uint8_t kText = 1, kClose = 8, kPong = 10;

struct State {
  FrameCursor cursor[2];
  uint32_t n_events;
};

struct Header {
  uint8_t lead = 0;
  bool is_masked = false;
  uint32_t mask = 0;
  uint64_t length = 0;
  size_t bytes = 0;  // of the header

  uint8_t opcode() const { return lead & 0x0f; }
  bool is_final() const { return (lead & 0x80) != 0; }
  bool is_control() const { return opcode() >= kClose; }
};

std::string_view opcode_name(uint8_t opcode) {
  switch (opcode) {
    case 0:
      return "continuation";
    case kText:
      return "text";
    case 2:
      return "binary";
    case kClose:
      return "connection_close";
    case 9:
      return "ping";
    case kPong:
      return "pong";
    default:
      return "";
  }
}

// kKnown: the header is whole.
Frame::State read_header(Bytes all, Header* out) {
  constexpr uint8_t kIsMasked = 0x80, kIn16Bits = 126, kIn64Bits = 127;
  Reader r(all);
  out->lead = r.u8();
  if (!r.ok()) return Frame::State::kShort;
  if (opcode_name(out->opcode()).empty()) return Frame::State::kBroken;
  const uint8_t second = r.u8();
  out->is_masked = (second & kIsMasked) != 0;
  out->length = second & ~kIsMasked;
  // Control frames are short and whole.
  if (out->is_control() && r.ok() && (!out->is_final() || out->length >= kIn16Bits)) {
    return Frame::State::kBroken;
  }
  if (out->length == kIn16Bits) {
    out->length = r.be16();
  } else if (out->length == kIn64Bits) {
    out->length = r.be64();
  }
  if (out->is_masked) out->mask = r.be32();
  out->bytes = r.offset();
  if (!r.ok()) return Frame::State::kShort;
  return out->length >> 62 != 0 ? Frame::State::kBroken : Frame::State::kKnown;
}

Frame measure(Bytes all) {
  Header header;
  const Frame::State state = read_header(all, &header);
  return {state, header.bytes + header.length, header.bytes};
}

void write_frame(Bytes head, EventWriter* events) {
  Header header;
  read_header(head, &header);
  events->begin(event::kWebsocket);
  events->put_bool(ids::kFin, header.is_final());
  if (header.is_masked) events->put(ids::kMask, header.mask);
  events->put_text(ids::kOpcode, opcode_name(header.opcode()));
  events->put(ids::kPayloadBytes, header.length);
  events->end();
}

// Where the upgrade was missed: one masked frame of plain text.
Likelihood probe(const Segment& first) {
  constexpr size_t kLeastText = 8;
  Header header;
  if (read_header(first.data, &header) != Frame::State::kKnown || !header.is_masked ||
      header.lead != (0x80 | kText) || header.length < kLeastText ||
      first.data.size() != header.bytes + header.length) {
    return Likelihood::kNo;
  }
  const Bytes data = first.data.subspan(header.bytes);
  for (size_t i = 0; i < data.size(); ++i) {
    const auto c = static_cast<char>(data[i] ^ (header.mask >> (24 - 8 * (i % 4))));
    if (!is_printable(c) && c != '\t' && c != '\r' && c != '\n') return Likelihood::kNo;
  }
  return Likelihood::kLikely;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* own = static_cast<State*>(state);
  const int direction = segment.from_originator ? 0 : 1;
  const Framing framing = take_frames(&own->cursor[direction], context, direction, segment.data,
                                      measure, [&](Bytes head, const Frame&, size_t) {
                                        write_frame(head, context->events);
                                        return ++own->n_events < kMaxEvents;
                                      });
  if (framing == Framing::kBroken) return Answer::kReject;
  if (framing == Framing::kStopped) return Answer::kDone;
  return own->n_events > 0 ? Answer::kAccept : Answer::kNeedMore;
}

bool on_gap(void* state, bool from_originator, Context* context) {
  const int direction = from_originator ? 0 : 1;
  static_cast<State*>(state)->cursor[direction].lose(direction, context);
  return true;
}

}  // namespace

extern const Parser kWebsocket;

const Parser kWebsocket{
    .app = AppId::kWebsocket,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .first_bytes = "\x81",
};

}  // namespace thymus::dpi
