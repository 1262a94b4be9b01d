// Omron FINS (W227) over UDP, and over TCP, where each frame is behind "FINS", the length of what
// follows (4), a command (4; 2: a frame) and an error (4). A frame:
//
//   0  control: 0x40 response, 0x01 wants none   1  zero   2  gateways left   3  destination:
//   network, node, unit   6  source, the same   9  number   10  command (2)   12  of a response:
//   end code (2)
#include "base/generated/events/fins.h"

#include "base/text_builder.h"
#include "dpi/industrial/framed_flow.h"

namespace thymus::dpi {
namespace {

namespace ids = event::fins;

constexpr uint16_t kPorts[] = {9600};
constexpr size_t kTcpHeaderBytes = 16, kLengthEnd = 8;
constexpr size_t kMaxMessageBytes = 4096;
constexpr uint32_t kSendFrame = 2;

constexpr Service kCommands[] = {{0x0101, "memory_area_read", Operation::kRead},
                                 {0x0102, "memory_area_write", Operation::kWrite},
                                 {0x0103, "memory_area_fill", Operation::kWrite},
                                 {0x0104, "multiple_memory_area_read", Operation::kRead},
                                 {0x0105, "memory_area_transfer", Operation::kWrite},
                                 {0x0201, "parameter_area_read", Operation::kRead},
                                 {0x0202, "parameter_area_write", Operation::kProgram},
                                 {0x0203, "parameter_area_clear", Operation::kProgram},
                                 {0x0304, "program_area_protect", Operation::kProgram},
                                 {0x0305, "program_area_protect_clear", Operation::kProgram},
                                 {0x0306, "program_area_read", Operation::kProgram},
                                 {0x0307, "program_area_write", Operation::kProgram},
                                 {0x0308, "program_area_clear", Operation::kProgram},
                                 {0x0401, "run", Operation::kControl},
                                 {0x0402, "stop", Operation::kControl},
                                 {0x0403, "reset", Operation::kControl},
                                 {0x0501, "controller_data_read", Operation::kIdentify},
                                 {0x0502, "connection_data_read", Operation::kIdentify},
                                 {0x0601, "controller_status_read", Operation::kRead},
                                 {0x0602, "network_status_read", Operation::kRead},
                                 {0x0603, "data_link_status_read", Operation::kRead},
                                 {0x0620, "cycle_time_read", Operation::kRead},
                                 {0x0701, "clock_read", Operation::kRead},
                                 {0x0702, "clock_write", Operation::kWrite},
                                 {0x0801, "loop_back_test", Operation::kOther},
                                 {0x0802, "broadcast_test_read", Operation::kRead},
                                 {0x0803, "broadcast_test_send", Operation::kOther},
                                 {0x0920, "message_read_or_clear", Operation::kRead},
                                 {0x0c01, "access_right_acquire", Operation::kControl},
                                 {0x0c02, "access_right_forced_acquire", Operation::kControl},
                                 {0x0c03, "access_right_release", Operation::kControl},
                                 {0x2101, "error_clear", Operation::kWrite},
                                 {0x2102, "error_log_read", Operation::kRead},
                                 {0x2103, "error_log_clear", Operation::kWrite},
                                 {0x2140, "write_access_log_read", Operation::kRead},
                                 {0x2141, "write_access_log_clear", Operation::kWrite},
                                 {0x2201, "file_name_read", Operation::kRead},
                                 {0x2202, "file_read", Operation::kRead},
                                 {0x2203, "file_write", Operation::kWrite},
                                 {0x2204, "file_memory_format", Operation::kWrite},
                                 {0x2205, "file_delete", Operation::kWrite},
                                 {0x2207, "file_copy", Operation::kWrite},
                                 {0x2208, "file_name_change", Operation::kWrite},
                                 {0x220a, "memory_area_file_transfer", Operation::kWrite},
                                 {0x220b, "parameter_area_file_transfer", Operation::kProgram},
                                 {0x220c, "program_area_file_transfer", Operation::kProgram},
                                 {0x2215, "directory_create_or_delete", Operation::kWrite},
                                 {0x2301, "forced_set_or_reset", Operation::kControl},
                                 {0x2302, "forced_set_or_reset_cancel", Operation::kControl}};
static_assert(is_sorted_table(kCommands));

struct State : FramedFlow {
  bool has_spoken;  // over UDP
};

struct Frame {
  bool is_response;
  Bytes dst;
  Bytes src;
  uint8_t sid;
  uint16_t command;
  Reader data;
};

bool read_frame(Bytes bytes, Frame* frame) {
  constexpr uint8_t kResponse = 0x40, kFixed = 0x3e, kGateway = 0x80;
  constexpr uint8_t kMaxGateways = 7;
  *frame = {};
  Reader r(bytes);
  const uint8_t control = r.u8();
  const uint8_t reserved = r.u8();
  const uint8_t gateways = r.u8();
  frame->is_response = (control & kResponse) != 0;
  frame->dst = r.take(3);
  frame->src = r.take(3);
  frame->sid = r.u8();
  frame->command = r.be16();
  frame->data = r;
  const bool has_end_code = !frame->is_response || r.remaining() >= 2;
  return r.ok() && (control & kGateway) != 0 && (control & kFixed) == 0 && reserved == 0 &&
         gateways <= kMaxGateways && has_end_code;
}

bool is_datagram(Bytes bytes) {
  constexpr uint8_t kHighestNetwork = 127;
  Frame frame;
  return read_frame(bytes, &frame) && frame.dst[0] <= kHighestNetwork &&
         frame.src[0] <= kHighestNetwork && !service_of(kCommands, frame.command).name.empty();
}

size_t measure(Bytes bytes) {
  constexpr std::string_view kMagic = "FINS";
  const Reader r(bytes);
  const std::string_view start = as_text(bytes.first(std::min(bytes.size(), kMagic.size())));
  if (!kMagic.starts_with(start)) return FramedStream::kNoFrame;
  if (r.remaining() < kLengthEnd) return 0;
  const size_t length = size_t{r.peek_be16(4)} << 16 | r.peek_be16(6);
  const bool is_length = length >= kTcpHeaderBytes - kLengthEnd && length <= kMaxMessageBytes;
  return is_length ? kLengthEnd + length : FramedStream::kNoFrame;
}

void put_address(uint16_t field, Bytes address, EventWriter* events) {
  TextBuilder<16> text;
  text.add_number(address[0]).add('.').add_number(address[1]).add('.').add_number(address[2]);
  events->put_text(field, text.view());
}

// Area (1)  address (2)  bit (1)  number of items (2)
void put_area(Reader r, EventWriter* events) {
  const uint8_t area = r.u8();
  const uint16_t address = r.be16();
  const uint8_t bit = r.u8();
  const uint16_t count = r.be16();
  if (!r.ok()) return;
  events->put(ids::kArea, area);
  events->put(ids::kAddress, address);
  events->put(ids::kBit, bit);
  events->put(ids::kCount, count);
}

void put_model(Reader r, EventWriter* events) {
  constexpr size_t kModelBytes = 20;
  std::string_view model = as_text(r.take_up_to(kModelBytes));
  model = model.substr(0, model.find_last_not_of(std::string_view(" \0", 2)) + 1);
  put_name(ids::kModel, model, events);
}

void put_frame(const Frame& frame, const Service& command, EventWriter* events) {
  constexpr uint16_t kLastOfMemory = 0x0103, kFirstOfMemory = 0x0101, kControllerData = 0x0501;
  events->put_text(ids::kType, frame.is_response ? "response" : "request");
  put_address(ids::kSrc, frame.src, events);
  put_address(ids::kDst, frame.dst, events);
  events->put(ids::kSid, frame.sid);
  events->put(ids::kCommandCode, frame.command);
  put_name(ids::kCommand, command.name, events);
  Reader data = frame.data;
  if (frame.is_response) {
    events->put(ids::kEndCode, data.be16());
    if (frame.command == kControllerData) put_model(data, events);
  } else if (frame.command >= kFirstOfMemory && frame.command <= kLastOfMemory) {
    put_area(data, events);
  }
}

void on_frame(Bytes bytes, State* state, Context* context) {
  Frame frame;
  if (!read_frame(bytes, &frame)) {
    return state->quota.complain(anomaly_code::kFinsMalformed, context);
  }
  const Service command = service_of(kCommands, frame.command);
  if (!state->quota.allows(command.operation, context)) return;
  EventWriter* events = context->events;
  events->begin(event::kFins);
  events->put_text(ids::kOperation, name_of(command.operation));
  put_frame(frame, command, events);
  events->end();
}

// What is behind "FINS": a frame, or what two ends agree about.
void on_message(Bytes message, State* state, Context* context) {
  Reader r(message);
  r.skip(kLengthEnd);
  const uint32_t command = r.be32();
  const uint32_t error = r.be32();
  if (command == kSendFrame && error == 0) return on_frame(r.rest(), state, context);
  if (!state->quota.allows(Operation::kOther, context)) return;
  EventWriter* events = context->events;
  events->begin(event::kFins);
  events->put_text(ids::kOperation, name_of(Operation::kOther));
  events->put(ids::kTcpCommand, command);
  events->put(ids::kTcpError, error);
  events->end();
}

Likelihood probe(const Segment& first) {
  const bool is_on_port = first.has_port(kPorts[0]);
  if (first.transport == Transport::kUdp) {
    return is_on_port && is_datagram(first.data) ? Likelihood::kLikely : Likelihood::kNo;
  }
  const size_t length = measure(first.data);
  if (length == FramedStream::kNoFrame) return Likelihood::kNo;
  if (length != 0) return Likelihood::kLikely;
  return is_on_port ? Likelihood::kMaybe : Likelihood::kNo;
}

Answer on_datagram(const Segment& segment, State* state, Context* context) {
  Frame frame;
  const bool is_frame =
      state->has_spoken ? read_frame(segment.data, &frame) : is_datagram(segment.data);
  if (is_frame) {
    state->has_spoken = true;
    on_frame(segment.data, state, context);
    return Answer::kAccept;
  }
  if (!state->has_spoken) return Answer::kReject;
  state->quota.complain(anomaly_code::kFinsMalformed, context);
  return Answer::kAccept;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* fins = static_cast<State*>(state);
  if (segment.transport == Transport::kUdp) return on_datagram(segment, fins, context);
  constexpr FrameRules kRules{measure, kMaxMessageBytes, anomaly_code::kFinsMalformed};
  return show_frames(kRules, segment, fins, context,
                     [&](Bytes message, size_t) { on_message(message, fins, context); });
}

}  // namespace

extern const Parser kFins;

const Parser kFins{
    .app = AppId::kFins,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .on_gap = lose_frames<State>,
    .first_bytes = "F\x80\x81\xc0\xc1",
    .ports = kPorts,
};

}  // namespace thymus::dpi
