// HART-IP (FCG TS20085) over UDP and TCP. A message:
//
//   0  version   1  type   2  message   3  status   4  transaction   6  bytes of all   8  body
//
// The body of a token passing message is a frame of HART (FCG TS20081):
//   delimiter: type (3 bits), physical layer (2), expansion bytes (2), long address (1)
//   address (1 or 5)  command (1)  byte count (1)  [of an answer: response code, device status]
#include "base/generated/events/hart_ip.h"

#include "dpi/industrial/framed_flow.h"

namespace thymus::dpi {
namespace {

namespace ids = event::hart_ip;

constexpr uint16_t kPorts[] = {5094};
constexpr size_t kHeaderBytes = 8;
constexpr size_t kMaxMessageBytes = 2048;
constexpr std::string_view kTypes[] = {"request", "response", "publish", "error"};
constexpr uint8_t kNak = 15;
constexpr uint8_t kInitiate = 0, kTokenPassing = 3;
constexpr std::string_view kMessages[] = {"session_initiate", "session_close", "keep_alive",
                                          "token_passing",    "direct_pdu",    "read_audit_log"};

constexpr Service kCommands[] = {{0, "read_unique_identifier", Operation::kIdentify},
                                 {1, "read_primary_variable", Operation::kRead},
                                 {2, "read_loop_current", Operation::kRead},
                                 {3, "read_dynamic_variables", Operation::kRead},
                                 {6, "write_polling_address", Operation::kWrite},
                                 {7, "read_loop_configuration", Operation::kRead},
                                 {8, "read_variable_classifications", Operation::kRead},
                                 {9, "read_device_variables", Operation::kRead},
                                 {11, "read_unique_identifier_by_tag", Operation::kIdentify},
                                 {12, "read_message", Operation::kRead},
                                 {13, "read_tag_descriptor_date", Operation::kRead},
                                 {14, "read_primary_variable_transducer", Operation::kRead},
                                 {15, "read_device_information", Operation::kRead},
                                 {16, "read_final_assembly_number", Operation::kRead},
                                 {17, "write_message", Operation::kWrite},
                                 {18, "write_tag_descriptor_date", Operation::kWrite},
                                 {19, "write_final_assembly_number", Operation::kWrite},
                                 {20, "read_long_tag", Operation::kRead},
                                 {21, "read_unique_identifier_by_long_tag", Operation::kIdentify},
                                 {22, "write_long_tag", Operation::kWrite},
                                 {33, "read_device_variables", Operation::kRead},
                                 {34, "write_damping", Operation::kWrite},
                                 {35, "write_range", Operation::kWrite},
                                 {36, "set_upper_range", Operation::kWrite},
                                 {37, "set_lower_range", Operation::kWrite},
                                 {38, "reset_configuration_changed", Operation::kWrite},
                                 {39, "eeprom_control", Operation::kControl},
                                 {40, "fixed_current_mode", Operation::kControl},
                                 {41, "self_test", Operation::kControl},
                                 {42, "device_reset", Operation::kControl},
                                 {43, "set_zero", Operation::kWrite},
                                 {44, "write_units", Operation::kWrite},
                                 {45, "trim_loop_current_zero", Operation::kWrite},
                                 {46, "trim_loop_current_gain", Operation::kWrite},
                                 {47, "write_transfer_function", Operation::kWrite},
                                 {48, "read_additional_status", Operation::kRead},
                                 {49, "write_transducer_serial", Operation::kWrite},
                                 {50, "read_variable_assignments", Operation::kRead},
                                 {51, "write_variable_assignments", Operation::kWrite},
                                 {52, "set_device_variable_zero", Operation::kWrite},
                                 {53, "write_device_variable_units", Operation::kWrite},
                                 {54, "read_device_variable", Operation::kRead},
                                 {55, "write_device_variable_damping", Operation::kWrite},
                                 {59, "write_response_preambles", Operation::kWrite},
                                 {71, "lock_device", Operation::kControl},
                                 {72, "squawk", Operation::kIdentify},
                                 {73, "find_device", Operation::kIdentify},
                                 {74, "read_io_system", Operation::kIdentify},
                                 {76, "read_lock_state", Operation::kRead},
                                 {77, "send_to_sub_device", Operation::kOther},
                                 {79, "write_device_variable", Operation::kWrite},
                                 {84, "read_sub_device", Operation::kIdentify},
                                 {103, "write_burst_period", Operation::kWrite},
                                 {104, "write_burst_trigger", Operation::kWrite},
                                 {105, "read_burst_configuration", Operation::kRead},
                                 {107, "write_burst_variables", Operation::kWrite},
                                 {108, "write_burst_command", Operation::kWrite},
                                 {109, "burst_control", Operation::kControl}};
static_assert(is_sorted_table(kCommands));

using State = FramedFlow;

// A frame of HART inside.
struct Pdu {
  bool is_there;
  bool is_answer;
  bool has_status;
  std::string_view frame;
  Bytes address;
  uint8_t command;
  uint8_t response_code;
  uint8_t device_status;
};

size_t measure(Bytes bytes) {
  const Reader r(bytes);
  const auto fits = [&](size_t at, bool is_right) { return r.remaining() <= at || is_right; };
  const uint8_t version = r.peek_u8();
  const uint8_t type = r.peek_u8(1) & 0x0f;
  if (!fits(0, version == 1 || version == 2) ||
      !fits(1, type < std::size(kTypes) || type == kNak) ||
      !fits(2, r.peek_u8(2) < std::size(kMessages))) {
    return FramedStream::kNoFrame;
  }
  if (r.remaining() < kHeaderBytes) return 0;
  const size_t length = r.peek_be16(6);
  const bool is_length = length >= kHeaderBytes && length <= kMaxMessageBytes;
  return is_length ? length : FramedStream::kNoFrame;
}

bool read_pdu(Reader r, Pdu* pdu) {
  constexpr uint8_t kLongAddress = 0x80;
  constexpr uint8_t kBurst = 1, kToDevice = 2, kFromDevice = 6;
  *pdu = {};
  const uint8_t delimiter = r.u8();
  const uint8_t type = delimiter & 7;
  pdu->frame = type == kBurst        ? "burst"
               : type == kToDevice   ? "request"
               : type == kFromDevice ? "response"
                                     : "";
  pdu->is_answer = type != kToDevice;
  pdu->address = r.take((delimiter & kLongAddress) != 0 ? 5 : 1);
  r.skip(delimiter >> 5 & 3);
  pdu->command = r.u8();
  const uint8_t n_bytes = r.u8();
  pdu->has_status = pdu->is_answer && n_bytes >= 2;
  if (pdu->has_status) {
    pdu->response_code = r.u8();
    pdu->device_status = r.u8();
  }
  pdu->is_there = r.ok() && !pdu->frame.empty();
  return pdu->is_there;
}

void put_pdu(const Pdu& pdu, const Service& command, EventWriter* events) {
  events->put_text(ids::kFrame, pdu.frame);
  events->put_bytes(ids::kAddress, pdu.address);
  events->put(ids::kCommand, pdu.command);
  put_name(ids::kCommandName, command.name, events);
  if (!pdu.has_status) return;
  events->put(ids::kResponseCode, pdu.response_code);
  events->put(ids::kDeviceStatus, pdu.device_status);
}

void on_frame(Bytes frame, State* state, Context* context) {
  Reader r(frame);
  r.skip(1);
  const uint8_t type = r.u8() & 0x0f;
  const uint8_t message = r.u8();
  const uint8_t status = r.u8();
  const uint16_t transaction = r.be16();
  r.skip(2);
  Pdu pdu{};
  const bool has_pdu = message == kTokenPassing && !r.empty();
  if (has_pdu && !read_pdu(r, &pdu)) {
    state->quota.complain(anomaly_code::kHartIpMalformed, context);
  }
  const Service command = pdu.is_there ? service_of(kCommands, pdu.command) : Service{};
  if (!state->quota.allows(command.operation, context)) return;
  EventWriter* events = context->events;
  events->begin(event::kHartIp);
  events->put_text(ids::kOperation, name_of(command.operation));
  events->put_text(ids::kType, type == kNak ? "nak" : kTypes[type]);
  events->put_text(ids::kMessage, kMessages[message]);
  events->put(ids::kStatus, status);
  events->put(ids::kTransaction, transaction);
  if (message == kInitiate && r.skip(1)) {
    const uint32_t inactivity = r.be32();
    if (r.ok()) events->put(ids::kInactivityMs, inactivity);
  }
  if (pdu.is_there) put_pdu(pdu, command, events);
  events->end();
}

Likelihood probe(const Segment& first) {
  const size_t length = measure(first.data);
  if (length == FramedStream::kNoFrame) return Likelihood::kNo;
  const bool is_on_port = first.has_port(kPorts[0]);
  if (is_on_port) return length == 0 ? Likelihood::kMaybe : Likelihood::kLikely;
  const Reader r(first.data);
  // Elsewhere: one message, without a status in what asks.
  const bool is_sure =
      length == first.data.size() && r.peek_u8(3) == 0 &&
      (r.peek_u8(2) == kTokenPassing ? length > kHeaderBytes + 4 : length <= kHeaderBytes + 5);
  return is_sure ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* hart = static_cast<State*>(state);
  constexpr FrameRules kRules{measure, kMaxMessageBytes, anomaly_code::kHartIpMalformed};
  return show_frames(kRules, segment, hart, context,
                     [&](Bytes frame, size_t) { on_frame(frame, hart, context); });
}

}  // namespace

extern const Parser kHartIp;

const Parser kHartIp{
    .app = AppId::kHartIp,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .on_gap = lose_frames<State>,
    .first_bytes = "\x01\x02",
    .ports = kPorts,
};

}  // namespace thymus::dpi
