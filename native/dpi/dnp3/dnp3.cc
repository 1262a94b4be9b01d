// DNP3 (IEEE 1815) over TCP and UDP. A frame of the link layer:
//
//   0  0x05 0x64   2  length: of what follows without checks   3  control: DIR, PRM, FCB, FCV, code
//   4  destination, little-endian   6  source   8  check of bytes 0 to 7
//   10 blocks of 16 bytes, the last one shorter, each with its check
//
// The first byte of the user data is the transport header: FIN, FIR, sequence number. Fragments
// from FIR to FIN make one application message.
#include "base/generated/events/dnp3.h"

#include <array>

#include "base/generated/anomaly_codes.h"
#include "dpi/dnp3/objects.h"
#include "dpi/industrial/operation.h"
#include "dpi/lines.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace ids = event::dnp3;

constexpr uint16_t kPorts[] = {20000};
constexpr size_t kHeaderBytes = 10;
constexpr size_t kBlockBytes = 16;
constexpr size_t kCheckBytes = 2;
constexpr uint8_t kMinLength = 5;  // control and addresses
constexpr size_t kMaxMessageBytes = 63 * 255;
constexpr uint32_t kMaxEvents = 20'000;
constexpr int kMessage = 2;  // the buffer of a direction's message is kMessage + direction

// The message that a direction sends.
struct Message {
  bool is_open;
  uint8_t control;   // of the link layer
  uint8_t sequence;  // of the transport layer, expected next
  uint16_t src;
  uint16_t dst;
};

struct State {
  Message messages[2];
  uint32_t n_events;
  bool has_spoken;
};

// Function codes of IEEE 1815, clause 4.2.2.5, as far as they ask for something.
constexpr Service kFunctions[] = {{1, "read", Operation::kRead},
                                  {2, "write", Operation::kWrite},
                                  {3, "select", Operation::kControl},
                                  {4, "operate", Operation::kControl},
                                  {5, "direct_operate", Operation::kControl},
                                  {6, "direct_operate_nr", Operation::kControl},
                                  {7, "immed_freeze", Operation::kWrite},
                                  {8, "immed_freeze_nr", Operation::kWrite},
                                  {9, "freeze_clear", Operation::kWrite},
                                  {10, "freeze_clear_nr", Operation::kWrite},
                                  {11, "freeze_at_time", Operation::kWrite},
                                  {12, "freeze_at_time_nr", Operation::kWrite},
                                  {13, "cold_restart", Operation::kControl},
                                  {14, "warm_restart", Operation::kControl},
                                  {15, "initialize_data", Operation::kControl},
                                  {16, "initialize_appl", Operation::kProgram},
                                  {17, "start_appl", Operation::kControl},
                                  {18, "stop_appl", Operation::kControl},
                                  {19, "save_config", Operation::kProgram},
                                  {20, "enable_unsolicited", Operation::kWrite},
                                  {21, "disable_unsolicited", Operation::kWrite},
                                  {22, "assign_class", Operation::kWrite},
                                  {23, "delay_measure", Operation::kRead},
                                  {24, "record_current_time", Operation::kWrite},
                                  {25, "open_file", Operation::kProgram},
                                  {26, "close_file", Operation::kProgram},
                                  {27, "delete_file", Operation::kProgram},
                                  {28, "get_file_info", Operation::kRead},
                                  {29, "authenticate_file", Operation::kOther},
                                  {30, "abort_file", Operation::kProgram},
                                  {31, "activate_config", Operation::kProgram},
                                  {129, "response", Operation::kOther},
                                  {130, "unsolicited_response", Operation::kRead}};
static_assert(is_sorted_table(kFunctions));

struct Frame {
  uint8_t control;
  uint16_t dst;
  uint16_t src;
  Bytes blocks;  // with checks
};

constexpr auto kCrcTable = [] {
  std::array<uint16_t, 256> table{};
  for (unsigned i = 0; i < 256; ++i) {
    unsigned crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xa6bc : crc >> 1;
    table[i] = static_cast<uint16_t>(crc);
  }
  return table;
}();

uint16_t crc_of(Bytes bytes) {
  uint16_t crc = 0;
  for (const uint8_t byte : bytes)
    crc = static_cast<uint16_t>(crc >> 8 ^ kCrcTable[(crc ^ byte) & 0xff]);
  return static_cast<uint16_t>(~crc);
}

bool takes_valid_block(size_t size, Reader* r, Bytes* block) {
  *block = r->take(size);
  return r->le16() == crc_of(*block) && r->ok();
}

size_t frame_bytes(uint8_t length) {
  const size_t data = length - size_t{kMinLength};
  return kHeaderBytes + data + (data + kBlockBytes - 1) / kBlockBytes * kCheckBytes;
}

bool has_frame_start(Bytes bytes) {
  Reader r(bytes);
  Bytes header;
  return r.peek_be16() == 0x0564 && r.peek_u8(2) >= kMinLength && takes_valid_block(8, &r, &header);
}

// ---- The application layer

void complain(uint16_t code, State* state, Context* context) {
  if (state->n_events >= kMaxEvents) return;
  ++state->n_events;
  write_anomaly(code, context->events);
}

void put_indicators(uint16_t indications, EventWriter* events) {
  constexpr std::string_view kNames[] = {
      "all_stations",      "class_1_events",  "class_2_events",
      "class_3_events",    "need_time",       "local_control",
      "device_trouble",    "device_restart",  "no_func_code_support",
      "object_unknown",    "parameter_error", "event_buffer_overflow",
      "already_executing", "config_corrupt",  "reserved_1",
      "reserved_2"};
  events->open(ids::kIin);
  for (size_t bit = 0; bit < std::size(kNames); ++bit) {
    if ((indications >> bit & 1) != 0) events->put_text(ids::iin::kIndicators, kNames[bit]);
  }
  events->close();
}

// A whole application message:
//   0  FIR, FIN, CON, UNS, sequence   1  function code   2  of a response: internal indications
void write_message(const Message& link, Bytes bytes, bool from_originator, State* state,
                   Context* context) {
  constexpr uint8_t kConfirm = 0;
  constexpr uint8_t kUnsolicited = 130;
  EventWriter* events = context->events;
  const bool is_request = (link.control & 0x80) != 0;
  Reader r(bytes);
  const uint8_t control = r.u8();
  const uint8_t function = r.u8();
  const uint16_t indications = is_request ? uint16_t{0} : r.le16();
  if (!r.ok()) return complain(anomaly_code::kDnp3Malformed, state, context);
  if (is_request && function == kConfirm) return;
  if (++state->n_events > kMaxEvents) return;
  // Masters are the clients, whoever speaks.
  events->begin(event::kDnp3, is_request == from_originator ? Side::kOriginator : Side::kResponder);
  events->put_text(ids::kOperation, name_of(service_of(kFunctions, function).operation));
  events->put_text(ids::kType, is_request                 ? "request"
                               : function == kUnsolicited ? "unsolicited_response"
                                                          : "response");
  events->open(ids::kControl);
  events->put_bool(ids::control::kDir, (link.control & 0x80) != 0);
  events->put_bool(ids::control::kPri, (link.control & 0x40) != 0);
  events->put_bool(ids::control::kFcb, (link.control & 0x20) != 0);
  events->put_bool(ids::control::kFcv, (link.control & 0x10) != 0);
  events->put(ids::control::kFunctionCode, link.control & 0x0f);
  events->close();
  events->put(ids::kSrc, link.src);
  events->put(ids::kDst, link.dst);
  events->open(ids::kApplication);
  events->open(ids::application::kControl);
  events->put_bool(ids::application::control::kFir, (control & 0x80) != 0);
  events->put_bool(ids::application::control::kFin, (control & 0x40) != 0);
  events->put_bool(ids::application::control::kCon, (control & 0x20) != 0);
  events->put_bool(ids::application::control::kUns, (control & 0x10) != 0);
  events->put(ids::application::control::kSequence, control & 0x0f);
  events->close();
  events->put(ids::application::kFunctionCode, function);
  Dnp3ObjectFaults faults;
  const bool is_complete = write_dnp3_objects(r.rest(), events, &faults);
  events->put_bool(ids::application::kComplete, is_complete);
  events->close();
  if (!is_request) put_indicators(indications, events);
  events->end();
  if (faults.is_unknown_object) complain(anomaly_code::kDnp3UnknownObject, state, context);
  if (faults.has_too_many_points) complain(anomaly_code::kDnp3TooManyPoints, state, context);
}

// ---- The link and transport layers

void on_frame(const Frame& frame, bool from_originator, State* state, Context* context) {
  constexpr uint8_t kConfirmedData = 3, kUnconfirmedData = 4;
  const uint8_t code = frame.control & 0x0f;
  const bool is_data = code == kConfirmedData || code == kUnconfirmedData;
  if (!is_data || (frame.control & 0x40) == 0 || frame.blocks.empty()) return;
  const int direction = from_originator ? 0 : 1;
  Message& message = state->messages[direction];
  const int buffer = kMessage + direction;
  Reader r(frame.blocks);
  bool is_first_block = true;
  uint8_t transport = 0;
  while (!r.empty()) {
    const size_t size = std::min(kBlockBytes, r.remaining() - std::min(r.remaining(), kCheckBytes));
    Bytes block;
    if (!takes_valid_block(size, &r, &block)) {
      message.is_open = false;
      return complain(anomaly_code::kDnp3BadTransportCrc, state, context);
    }
    if (is_first_block && !block.empty()) {
      transport = block[0];
      block = block.subspan(1);
      if ((transport & 0x40) != 0) {
        message = {true, frame.control, static_cast<uint8_t>(transport & 0x3f), frame.src,
                   frame.dst};
        context->buffers->clear(buffer);
      }
      if (!message.is_open || message.sequence != (transport & 0x3f)) return;
    }
    is_first_block = false;
    if (context->buffers->view(buffer).size() + block.size() > kMaxMessageBytes) {
      message.is_open = false;
      context->buffers->clear(buffer);
      return complain(anomaly_code::kDnp3TooLongReassembly, state, context);
    }
    if (!context->buffers->append(buffer, block)) return;
  }
  message.sequence = (message.sequence + 1) & 0x3f;
  if ((transport & 0x80) == 0) return;
  message.is_open = false;
  write_message(message, context->buffers->view(buffer), from_originator, state, context);
  context->buffers->clear(buffer);
}

// One frame at the start of `all`, or bytes up to where one may begin; 0: not whole.
size_t take_frame(Bytes all, bool from_originator, State* state, Context* context) {
  Reader r(all);
  if (r.peek_u8() != 0x05 || (r.remaining() > 1 && r.peek_u8(1) != 0x64)) {
    r.skip(1);
    while (!r.empty() && r.peek_u8() != 0x05) r.skip(1);
    return r.offset();
  }
  if (r.remaining() < kHeaderBytes) return 0;
  const uint8_t length = r.peek_u8(2);
  if (length < kMinLength) {
    complain(anomaly_code::kDnp3LenTooSmall, state, context);
    return 2;
  }
  if (!has_frame_start(all)) {
    complain(anomaly_code::kDnp3BadLinkCrc, state, context);
    return 2;
  }
  if (r.remaining() < frame_bytes(length)) return 0;
  r.skip(3);
  Frame frame{};
  frame.control = r.u8();
  frame.dst = r.le16();
  frame.src = r.le16();
  r.skip(kCheckBytes);
  frame.blocks = r.take(frame_bytes(length) - kHeaderBytes);
  state->has_spoken = true;
  on_frame(frame, from_originator, state, context);
  return r.offset();
}

Likelihood probe(const Segment& first) {
  if (has_frame_start(first.data)) return Likelihood::kLikely;
  const bool could_be = first.has_port(kPorts[0]) && first.data.size() < kHeaderBytes &&
                        Reader(first.data).peek_u8() == 0x05 &&
                        Reader(first.data).peek_u8(1) % 0x64 == 0;
  return could_be ? Likelihood::kMaybe : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* dnp3 = static_cast<State*>(state);
  const int buffer = segment.from_originator ? 0 : 1;
  if (segment.transport == Transport::kUdp) context->buffers->clear(buffer);
  if (!take_stream(context, buffer, segment.data, [&](Bytes all, size_t) {
        return take_frame(all, segment.from_originator, dnp3, context);
      })) {
    return Answer::kReject;
  }
  if (dnp3->n_events > kMaxEvents) return Answer::kDone;
  if (dnp3->has_spoken) return Answer::kAccept;
  return dnp3->n_events > 0 ? Answer::kReject : Answer::kNeedMore;
}

bool on_gap(void* state, bool from_originator, Context* context) {
  const int direction = from_originator ? 0 : 1;
  static_cast<State*>(state)->messages[direction].is_open = false;
  context->buffers->clear(direction);
  context->buffers->clear(kMessage + direction);
  return true;
}

}  // namespace

extern const Parser kDnp3;

const Parser kDnp3{
    .app = AppId::kDnp3,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .first_bytes = "\x05",
    .ports = kPorts,
};

}  // namespace thymus::dpi
