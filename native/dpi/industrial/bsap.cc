// Bristol's synchronous and asynchronous protocol over UDP: in its form for IP, and in the form of
// a serial line, which some put into datagrams as it is.
//
//   IP, little-endian: header bytes 14 (2)  messages (2)  kind (2)  sequence (4)  last sequence
//   (4), then messages: length (4)  header bytes (1)  sequence (4)
//     of a request: function (1)  status of the node (1)  command (1)  data
//     of a response: status (1)  number of elements (1)  data
//   serial: 0x10 0x02  address (1)  number (1)  [of a global message: destination (2)  source (2)
//   control (1)]  destination function (1)  sequence (2)  source function (1)  status of the node
//   (1) command and data, 0x10 0x03, check (2)
#include "base/generated/events/bsap.h"

#include "base/number_names.h"
#include "dpi/industrial/event_quota.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace ids = event::bsap;

constexpr uint16_t kPorts[] = {1234, 1235};
constexpr uint16_t kIpHeaderBytes = 14;
constexpr uint8_t kDatabase = 0xa0;
constexpr int kMaxMessages = 16;

// What a master asks of the database of a controller.
constexpr Service kCommands[] = {{0x00, "read_signal_by_address", Operation::kRead},
                                 {0x02, "read_logical_by_address", Operation::kRead},
                                 {0x04, "read_signal_by_name", Operation::kRead},
                                 {0x06, "read_logical_by_name", Operation::kRead},
                                 {0x0c, "read_signal_by_list_start", Operation::kRead},
                                 {0x0d, "read_signal_by_list_continue", Operation::kRead},
                                 {0x0e, "read_logical_by_list_start", Operation::kRead},
                                 {0x0f, "read_logical_by_list_continue", Operation::kRead},
                                 {0x80, "write_signal_by_address", Operation::kWrite},
                                 {0x84, "write_signal_by_name", Operation::kWrite},
                                 {0x8c, "write_signal_by_list_start", Operation::kWrite},
                                 {0x8d, "write_signal_by_list_continue", Operation::kWrite}};
static_assert(is_sorted_table(kCommands));

constexpr Service kFunctions[] = {{0x03, "pei", Operation::kOther},
                                  {0x40, "pei_rtu", Operation::kOther},
                                  {0x48, "diagnostics", Operation::kRead},
                                  {0x60, "cbo", Operation::kOther},
                                  {0x68, "flash_download", Operation::kProgram},
                                  {0x6a, "flash_configuration", Operation::kProgram},
                                  {0x70, "command_handler_request", Operation::kControl},
                                  {0x71, "command_handler_response", Operation::kOther},
                                  {0x78, "download_request", Operation::kProgram},
                                  {0x88, "time_synchronization", Operation::kWrite},
                                  {0x89, "time_synchronization_request", Operation::kRead},
                                  {0xa0, "remote_database", Operation::kOther},
                                  {0xa1, "remote_database_extension", Operation::kOther},
                                  {0xa2, "report_by_exception", Operation::kRead},
                                  {0xa3, "report_by_exception_manager", Operation::kRead},
                                  {0xa8, "alarm_acknowledge", Operation::kWrite},
                                  {0xa9, "alarm_initialize", Operation::kWrite},
                                  {0xaa, "alarm_report", Operation::kRead},
                                  {0xb0, "peer_to_peer_master", Operation::kOther},
                                  {0xb1, "peer_to_peer_slave", Operation::kOther}};
static_assert(is_sorted_table(kFunctions));

constexpr NumberName kKinds[] = {{0x00, "poll"},    {0x01, "response"}, {0x05, "response"},
                                 {0x06, "request"}, {0x84, "request"},  {0x86, "request"}};
static_assert(is_sorted_table(kKinds));

struct State {
  EventQuota quota;
  bool has_spoken;
};

struct Serial {
  bool is_global;
  uint8_t address;
  uint8_t function;
  uint16_t sequence;
  uint8_t source_function;
  uint8_t node_status;
  Reader body;
};

bool is_ip(Bytes datagram) {
  Reader r(datagram);
  const bool is_header = r.le16() == kIpHeaderBytes;
  const uint16_t n_messages = r.le16();
  const uint16_t kind = r.le16();
  r.skip(8);
  if (!r.ok() || !is_header || name_of(kKinds, kind).empty()) return false;
  if (n_messages == 0) return r.empty();
  const uint32_t length = r.le32();
  return r.ok() && n_messages <= kMaxMessages && length >= 4 && length <= r.remaining() + 4;
}

bool read_serial(Bytes datagram, Serial* serial) {
  constexpr uint16_t kStart = 0x1002, kEnd = 0x1003;
  constexpr size_t kEndBytes = 4;  // with the check
  constexpr uint8_t kGlobal = 0x80;
  *serial = {};
  Reader whole(datagram);
  if (whole.be16() != kStart || datagram.size() < 2 + kEndBytes ||
      load_be16(datagram.data() + datagram.size() - kEndBytes) != kEnd) {
    return false;
  }
  Reader r(whole.take(whole.remaining() - kEndBytes));
  serial->address = r.u8();
  serial->is_global = (serial->address & kGlobal) != 0;
  r.skip(1);
  if (serial->is_global) r.skip(5);
  serial->function = r.u8();
  serial->sequence = r.le16();
  serial->source_function = r.u8();
  serial->node_status = r.u8();
  serial->body = r;
  return r.ok();
}

// Names come behind the bytes that say what of them is wanted; they begin with '@' and a letter.
std::string_view name_in(std::string_view text) {
  constexpr size_t kMaxNameBytes = 64;
  for (size_t at = text.find('@'); at < text.size(); at = text.find('@', at + 1)) {
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    if (next < 'A' || next > 'z') continue;
    const std::string_view name = text.substr(at);
    return name.substr(0, std::min(name.find('\0'), kMaxNameBytes));
  }
  return {};
}

// Of a request for the database: the first name that it has, and what it asks.
void put_command(Reader r, EventWriter* events) {
  const Service command = service_of(kCommands, r.u8());
  if (!r.ok()) return;
  put_name(ids::kFunction, command.name, events);
  put_name(ids::kVariable, name_in(as_text(r.rest())), events);
}

Operation command_operation(uint8_t function, Reader r) {
  if (function != kDatabase) return service_of(kFunctions, function).operation;
  return service_of(kCommands, r.u8()).operation;
}

void put_function(uint8_t function, Reader body, EventWriter* events) {
  events->put(ids::kDestinationFunction, function);
  if (function == kDatabase) return put_command(body, events);
  put_name(ids::kFunction, service_of(kFunctions, function).name, events);
}

void on_serial(const Serial& serial, State* state, Context* context) {
  constexpr uint8_t kPei = 0x03;
  const bool is_response = serial.function == kPei && serial.source_function != kPei;
  const Operation operation =
      is_response ? Operation::kOther : command_operation(serial.function, serial.body);
  if (!state->quota.allows(operation, context)) return;
  EventWriter* events = context->events;
  events->begin(event::kBsap);
  events->put_text(ids::kOperation, name_of(operation));
  events->put_text(ids::kType, serial.is_global ? "serial_global" : "serial_local");
  events->put_text(ids::kMessage, is_response ? "response" : "request");
  events->put(ids::kSequence, serial.sequence);
  events->put(ids::kSourceFunction, serial.source_function);
  if (is_response) {
    Reader body = serial.body;
    events->put(ids::kDestinationFunction, serial.function);
    events->put(ids::kStatus, body.u8());
  } else {
    put_function(serial.function, serial.body, events);
  }
  events->put(ids::kNodeStatus, serial.node_status);
  events->end();
}

// False when the message is cut.
bool on_ip_message(uint16_t kind, Reader* r, State* state, Context* context) {
  constexpr size_t kLengthBytes = 4;
  const uint32_t length = r->le32();
  if (!r->ok() || length < kLengthBytes || length - kLengthBytes > r->remaining()) return false;
  Reader message(r->take(length - kLengthBytes));
  message.skip(1);
  const uint32_t sequence = message.le32();
  const uint8_t function = message.u8();
  if (!message.ok()) return false;
  const bool is_request = name_of(kKinds, kind) == "request";
  Reader body = message;
  body.skip(1);
  const Operation operation = is_request ? command_operation(function, body) : Operation::kOther;
  if (!state->quota.allows(operation, context)) return true;
  EventWriter* events = context->events;
  events->begin(event::kBsap);
  events->put_text(ids::kOperation, name_of(operation));
  events->put_text(ids::kType, "ip");
  events->put_text(ids::kMessage, name_of(kKinds, kind));
  events->put(ids::kSequence, sequence);
  if (is_request) {
    events->put(ids::kNodeStatus, message.peek_u8());
    put_function(function, body, events);
  } else {
    events->put(ids::kStatus, function);
  }
  events->end();
  return true;
}

void on_ip(Bytes datagram, State* state, Context* context) {
  Reader r(datagram);
  r.skip(2);
  const uint16_t n_messages = r.le16();
  const uint16_t kind = r.le16();
  r.skip(8);
  for (int i = 0; i < std::min<int>(n_messages, kMaxMessages) && !r.empty(); ++i) {
    if (on_ip_message(kind, &r, state, context)) continue;
    return state->quota.complain(anomaly_code::kBsapMalformed, context);
  }
}

Likelihood probe(const Segment& first) {
  Serial serial;
  const bool is_on_port = first.has_port(kPorts[0]) || first.has_port(kPorts[1]);
  if (!is_ip(first.data) && !read_serial(first.data, &serial)) return Likelihood::kNo;
  return is_on_port ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* bsap = static_cast<State*>(state);
  Serial serial;
  if (is_ip(segment.data)) {
    on_ip(segment.data, bsap, context);
  } else if (read_serial(segment.data, &serial)) {
    on_serial(serial, bsap, context);
  } else if (!bsap->has_spoken) {
    return Answer::kReject;
  } else {
    bsap->quota.complain(anomaly_code::kBsapMalformed, context);
  }
  bsap->has_spoken = true;
  return Answer::kAccept;
}

}  // namespace

extern const Parser kBsap;

const Parser kBsap{
    .app = AppId::kBsap,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = "\x0e\x10",
    .ports = kPorts,
};

}  // namespace thymus::dpi
