#include "dpi/industrial/cip.h"

#include "base/generated/events/enip.h"
#include "base/number_names.h"
#include "base/text_builder.h"

namespace thymus::dpi {
namespace {

namespace asked = event::enip::request::cip;
namespace given = event::enip::response::cip;
static_assert(asked::kService == asked::multiple::kService);
static_assert(asked::kPath == asked::multiple::kPath);
static_assert(asked::kClassName == asked::multiple::kClassName);
static_assert(asked::kSymbol == asked::multiple::kSymbol);
static_assert(given::kStatusExtendedMeaning == given::multiple::kStatusExtendedMeaning);

constexpr uint8_t kMultipleServices = 0x0a, kExecutePccc = 0x4b, kUnconnectedSend = 0x52;
constexpr uint32_t kIdentityClass = 0x01, kConnectionManager = 0x06, kFileClass = 0x37,
                   kPcccClass = 0x67;
constexpr uint16_t kMaxCarried = 32;
constexpr int kMaxSegments = 32;

// Common services and those of Logix controllers.
constexpr Service kServices[] = {{0x01, "Get Attributes All", Operation::kRead},
                                 {0x02, "Set Attributes All", Operation::kWrite},
                                 {0x03, "Get Attribute List", Operation::kRead},
                                 {0x04, "Set Attribute List", Operation::kWrite},
                                 {0x05, "Reset", Operation::kControl},
                                 {0x06, "Start", Operation::kControl},
                                 {0x07, "Stop", Operation::kControl},
                                 {0x08, "Create", Operation::kProgram},
                                 {0x09, "Delete", Operation::kProgram},
                                 {0x0a, "Multiple Service Packet", Operation::kOther},
                                 {0x0d, "Apply Attributes", Operation::kWrite},
                                 {0x0e, "Get Attributes Single", Operation::kRead},
                                 {0x10, "Set Attributes Single", Operation::kWrite},
                                 {0x11, "Find Next Object Instance", Operation::kRead},
                                 {0x15, "Restore", Operation::kProgram},
                                 {0x16, "Save", Operation::kProgram},
                                 {0x17, "No Forward Open", Operation::kOther},
                                 {0x18, "Get Member", Operation::kRead},
                                 {0x19, "Set Member", Operation::kWrite},
                                 {0x1a, "Insert Member", Operation::kWrite},
                                 {0x1b, "Remove Member", Operation::kWrite},
                                 {0x1c, "Group Sync", Operation::kOther},
                                 {0x1d, "Get Connection Point Member List", Operation::kRead},
                                 {0x4b, "Execute PCCC Service", Operation::kOther},
                                 {0x4c, "Read Data", Operation::kRead},
                                 {0x4d, "Write Data", Operation::kWrite},
                                 {0x4e, "Read Write Modify Data", Operation::kWrite},
                                 {0x52, "Read Data Fragmented", Operation::kRead},
                                 {0x53, "Write Data Fragmented", Operation::kWrite},
                                 {0x54, "Forward Open", Operation::kOther},
                                 {0x55, "Get Instance Attribute List", Operation::kRead}};
static_assert(is_sorted_table(kServices));

constexpr Service kConnectionServices[] = {{0x4e, "Forward Close", Operation::kOther},
                                           {0x52, "Unconnected Send", Operation::kOther},
                                           {0x54, "Forward Open", Operation::kOther},
                                           {0x56, "Get Connection Data", Operation::kRead},
                                           {0x57, "Search Connection Data", Operation::kRead},
                                           {0x5a, "Get Connection Owner", Operation::kRead},
                                           {0x5b, "Large Forward Open", Operation::kOther}};
static_assert(is_sorted_table(kConnectionServices));

constexpr Service kFileServices[] = {{0x4b, "Initiate Upload", Operation::kProgram},
                                     {0x4c, "Initiate Download", Operation::kProgram},
                                     {0x4d, "Initiate Partial Read", Operation::kProgram},
                                     {0x4e, "Initiate Partial Write", Operation::kProgram},
                                     {0x4f, "Upload Transfer", Operation::kProgram},
                                     {0x50, "Download Transfer", Operation::kProgram},
                                     {0x51, "Clear File", Operation::kProgram}};
static_assert(is_sorted_table(kFileServices));

// Commands of older controllers (DF1, publication 1770-6.5.16): command, then function where the
// command has functions.
constexpr Service kPcccCommands[] = {
    {0x0000, "protected_write", Operation::kWrite},
    {0x0100, "unprotected_read", Operation::kRead},
    {0x0200, "protected_bit_write", Operation::kWrite},
    {0x0500, "unprotected_bit_write", Operation::kWrite},
    {0x0600, "echo", Operation::kOther},
    {0x0601, "read_diagnostic_counters", Operation::kRead},
    {0x0602, "set_variables", Operation::kWrite},
    {0x0603, "diagnostic_status", Operation::kIdentify},
    {0x0604, "set_timeout", Operation::kWrite},
    {0x0607, "reset_diagnostic_counters", Operation::kWrite},
    {0x0608, "set_data_table_size", Operation::kProgram},
    {0x0800, "unprotected_write", Operation::kWrite},
    {0x0f00, "word_range_write", Operation::kWrite},
    {0x0f01, "word_range_read", Operation::kRead},
    {0x0f02, "bit_write", Operation::kWrite},
    {0x0f11, "get_edit_resource", Operation::kProgram},
    {0x0f12, "return_edit_resource", Operation::kProgram},
    {0x0f17, "read_bytes_physical", Operation::kProgram},
    {0x0f18, "write_bytes_physical", Operation::kProgram},
    {0x0f26, "read_modify_write", Operation::kWrite},
    {0x0f29, "read_section_size", Operation::kRead},
    {0x0f3a, "set_cpu_mode", Operation::kControl},
    {0x0f41, "disable_forces", Operation::kControl},
    {0x0f50, "download_all_request", Operation::kProgram},
    {0x0f52, "download_completed", Operation::kProgram},
    {0x0f53, "upload_all_request", Operation::kProgram},
    {0x0f55, "upload_completed", Operation::kProgram},
    {0x0f57, "initialize_memory", Operation::kProgram},
    {0x0f5e, "modify_plc2_compatibility_file", Operation::kProgram},
    {0x0f67, "typed_write", Operation::kWrite},
    {0x0f68, "typed_read", Operation::kRead},
    {0x0f80, "change_mode", Operation::kControl},
    {0x0f81, "open_file", Operation::kProgram},
    {0x0f82, "close_file", Operation::kProgram},
    {0x0f8f, "apply_port_configuration", Operation::kProgram},
    {0x0fa1, "protected_logical_read_two", Operation::kRead},
    {0x0fa2, "protected_logical_read_three", Operation::kRead},
    {0x0fa7, "protected_file_read", Operation::kProgram},
    {0x0fa9, "protected_logical_write_two", Operation::kWrite},
    {0x0faa, "protected_logical_write_three", Operation::kWrite},
    {0x0fab, "protected_logical_write_mask", Operation::kWrite},
    {0x0faf, "protected_file_write", Operation::kProgram}};
static_assert(is_sorted_table(kPcccCommands));

constexpr NumberName kStatuses[] = {{0x00, "Success"},
                                    {0x01, "Connection Failure"},
                                    {0x02, "Resource Unavailable"},
                                    {0x03, "Invalid Parameter Value"},
                                    {0x04, "Path Segment Error"},
                                    {0x05, "Path Destination Unknown"},
                                    {0x06, "Partial Transfer"},
                                    {0x07, "Connection Lost"},
                                    {0x08, "Service Not Supported"},
                                    {0x09, "Invalid Attribute Value"},
                                    {0x0a, "Attribute List Error"},
                                    {0x0b, "Already In Requested Mode/State"},
                                    {0x0c, "Object State Conflict"},
                                    {0x0d, "Object Already Exists"},
                                    {0x0e, "Attribute Not Settable"},
                                    {0x0f, "Privilege Violation"},
                                    {0x10, "Device State Conflict"},
                                    {0x11, "Reply Data Too Large"},
                                    {0x12, "Fragmentation Of A Primitive Value"},
                                    {0x13, "Not Enough Data"},
                                    {0x14, "Attribute Not Supported"},
                                    {0x15, "Too Much Data"},
                                    {0x16, "Object Does Not Exist"},
                                    {0x17, "Service Fragmentation Sequence Not In Progress"},
                                    {0x18, "No Stored Attribute Data"},
                                    {0x19, "Store Operation Failure"},
                                    {0x1a, "Routing Failure, Request Packet Too Large"},
                                    {0x1b, "Routing Failure, Response Packet Too Large"},
                                    {0x1c, "Missing Attribute List Entry Data"},
                                    {0x1d, "Invalid Attribute Value List"},
                                    {0x1e, "Embedded Service Error"},
                                    {0x1f, "Vendor Specific Error"},
                                    {0x20, "Invalid Parameter"},
                                    {0x21, "Write-Once Value Or Medium Already Written"},
                                    {0x22, "Invalid Reply Received"},
                                    {0x23, "Buffer Overflow"},
                                    {0x24, "Invalid Message Format"},
                                    {0x25, "Key Failure In Path"},
                                    {0x26, "Path Size Invalid"},
                                    {0x27, "Unexpected Attribute In List"},
                                    {0x28, "Invalid Member ID"},
                                    {0x29, "Member Not Settable"},
                                    {0x2a, "Group 2 Only Server General Failure"},
                                    {0x2b, "Unknown Modbus Error"},
                                    {0x2c, "Attribute Not Gettable"},
                                    {0xff, "Still Processing"}};
static_assert(is_sorted_table(kStatuses));

// Of the connection manager, the ones that are seen.
constexpr NumberName kExtendedStatuses[] = {
    {0x100, "Connection in use or duplicate Forward Open"},
    {0x103, "Transport class and trigger combination not supported"},
    {0x106, "Ownership conflict"},
    {0x107, "Target connection not found"},
    {0x108, "Invalid network connection parameter"},
    {0x109, "Invalid connection size"},
    {0x110, "Target for connection not configured"},
    {0x111, "RPI not supported"},
    {0x113, "Out of connections"},
    {0x114, "Vendor ID or product code mismatch"},
    {0x115, "Device type mismatch"},
    {0x116, "Revision mismatch"},
    {0x117, "Invalid produced or consumed application path"},
    {0x118, "Invalid or inconsistent configuration application path"},
    {0x119, "Non-listen only connection not opened"},
    {0x11a, "Target object out of connections"},
    {0x11c, "Transport class not supported"},
    {0x127, "Invalid O->T size"},
    {0x128, "Invalid T->O size"},
    {0x203, "Connection timed out"},
    {0x204, "Unconnected request timed out"},
    {0x205, "Parameter error in unconnected request"},
    {0x206, "Message too large for UnconnectedSend"},
    {0x301, "No buffer memory available"},
    {0x302, "Network bandwidth not available for data"},
    {0x311, "Port not available"},
    {0x312, "Link address not valid"},
    {0x315, "Invalid segment in connection path"},
    {0x316, "ForwardClose connection path mismatch"}};
static_assert(is_sorted_table(kExtendedStatuses));

constexpr NumberName kClasses[] = {{0x01, "Identity"},
                                   {0x02, "Message Router"},
                                   {0x03, "DeviceNet"},
                                   {0x04, "Assembly"},
                                   {0x05, "Connection"},
                                   {0x06, "Connection Manager"},
                                   {0x07, "Register"},
                                   {0x08, "Discrete Input Point"},
                                   {0x09, "Discrete Output Point"},
                                   {0x0a, "Analog Input Point"},
                                   {0x0b, "Analog Output Point"},
                                   {0x0e, "Presence Sensing"},
                                   {0x0f, "Parameter"},
                                   {0x10, "Parameter Group"},
                                   {0x12, "Group"},
                                   {0x1d, "Discrete Input Group"},
                                   {0x1e, "Discrete Output Group"},
                                   {0x1f, "Discrete Group"},
                                   {0x20, "Analog Input Group"},
                                   {0x21, "Analog Output Group"},
                                   {0x22, "Analog Group"},
                                   {0x23, "Position Sensor"},
                                   {0x24, "Position Controller Supervisor"},
                                   {0x25, "Position Controller"},
                                   {0x26, "Block Sequencer"},
                                   {0x27, "Command Block"},
                                   {0x28, "Motor Data"},
                                   {0x29, "Control Supervisor"},
                                   {0x2a, "AC/DC Drive"},
                                   {0x2b, "Acknowledge Handler"},
                                   {0x2c, "Overload"},
                                   {0x2d, "Softstart"},
                                   {0x2e, "Selection"},
                                   {0x37, "File"},
                                   {0x39, "Safety Supervisor"},
                                   {0x3a, "Safety Validator"},
                                   {0x41, "Event Log"},
                                   {0x42, "Motion Device Axis"},
                                   {0x43, "Time Sync"},
                                   {0x44, "Modbus"},
                                   {0x45, "Originator Connection List"},
                                   {0x46, "Modbus Serial Link"},
                                   {0x47, "Device Level Ring (DLR)"},
                                   {0x48, "QoS"},
                                   {0x4d, "Target Connection List"},
                                   {0x4e, "Base Energy"},
                                   {0x4f, "Electrical Energy"},
                                   {0x51, "Base Switch"},
                                   {0x52, "SNMP"},
                                   {0x53, "Power Management"},
                                   {0x54, "RSTP Bridge"},
                                   {0x55, "RSTP Port"},
                                   {0x5d, "CIP Security"},
                                   {0x5e, "EtherNet/IP Security"},
                                   {0x5f, "Certificate Management"},
                                   {0x67, "PCCC Class"},
                                   {0xf0, "ControlNet"},
                                   {0xf1, "ControlNet Keeper"},
                                   {0xf2, "ControlNet Scheduling"},
                                   {0xf3, "Connection Configuration"},
                                   {0xf4, "Port"},
                                   {0xf5, "TCP/IP Interface"},
                                   {0xf6, "Ethernet Link"},
                                   {0xf7, "CompoNet"},
                                   {0xf8, "CompoNet Repeater"}};
static_assert(is_sorted_table(kClasses));

Service service_in(uint32_t class_id, uint8_t service) {
  Service found{};
  if (class_id == kConnectionManager) found = service_of(kConnectionServices, service);
  if (class_id == kFileClass) found = service_of(kFileServices, service);
  return found.name.empty() ? service_of(kServices, service) : found;
}

// ---- Paths: segments, each with its kind in the three highest bits of its first byte

enum class SegmentKind : uint8_t { kLogical, kSymbol, kOther };

struct Segment {
  SegmentKind kind;
  uint8_t type;  // the first byte
  uint32_t value;
  Bytes symbol;
};

bool next_logical(Reader* r, Segment* segment) {
  constexpr uint8_t kElectronicKey = 0x34;
  if (segment->type == kElectronicKey) {
    const uint8_t key_format = r->u8();
    segment->kind = SegmentKind::kOther;
    return key_format == 4 && r->skip(8);
  }
  segment->kind = SegmentKind::kLogical;
  switch (segment->type & 3) {
    case 0:
      segment->value = r->u8();
      return r->ok();
    case 1:
      r->skip(1);
      segment->value = r->le16();
      return r->ok();
    case 2:
      r->skip(1);
      segment->value = r->le32();
      return r->ok();
    default:
      return false;
  }
}

// To another port of a device: the number may be in two more bytes, the link address in some.
bool skip_port(uint8_t type, Reader* r) {
  constexpr uint8_t kHasLength = 0x10, kWidePort = 0x0f;
  const uint8_t length = (type & kHasLength) != 0 ? r->u8() : uint8_t{1};
  if ((type & 0x0f) == kWidePort) r->skip(2);
  const bool is_padded = (type & kHasLength) != 0 && length % 2 != 0;
  return r->skip(length + (is_padded ? 1u : 0u));
}

bool next_segment(Reader* r, Segment* segment) {
  constexpr uint8_t kSymbolic = 0x91, kSimpleData = 0x80;
  *segment = {};
  segment->kind = SegmentKind::kOther;
  segment->type = r->u8();
  switch (segment->type >> 5) {
    case 0:
      return skip_port(segment->type, r);
    case 1:
      return next_logical(r, segment);
    case 4:
      break;
    default:
      return false;
  }
  const uint8_t length = r->u8();
  if (segment->type == kSimpleData) return r->skip(size_t{2} * length);
  if (segment->type != kSymbolic) return false;
  segment->kind = SegmentKind::kSymbol;
  segment->symbol = r->take(length);
  if (length % 2 != 0) r->skip(1);
  return r->ok();
}

template <typename Use>
void each_segment(Bytes path, Use&& use) {
  Reader r(path);
  Segment segment;
  for (int i = 0; i < kMaxSegments && !r.empty() && next_segment(&r, &segment); ++i) use(segment);
}

bool is_class(const Segment& segment) {
  return segment.kind == SegmentKind::kLogical && (segment.type & 0x1c) == 0;
}

void put_segment(const Segment& segment, EventWriter* events) {
  constexpr std::string_view kKinds[] = {"class", "instance", "member", "connection_point",
                                         "attribute"};
  constexpr std::string_view kWidths[] = {"_8bit", "_16bit", "_32bit"};
  const size_t kind = segment.type >> 2 & 7;
  if (segment.kind != SegmentKind::kLogical || kind >= std::size(kKinds)) return;
  TextBuilder<32> name(kKinds[kind]);
  name.add(kWidths[segment.type & 3]);
  events->open(asked::kPath);
  events->put_text(asked::path::kSegmentType, name.view());
  events->put(asked::path::kValue, segment.value);
  events->close();
}

void put_path(const CipMessage& request, EventWriter* events) {
  TextBuilder<128> symbol;
  bool has_class = false;
  each_segment(request.path, [&](const Segment& segment) {
    put_segment(segment, events);
    has_class = has_class || is_class(segment);
    if (segment.kind != SegmentKind::kSymbol) return;
    if (!symbol.view().empty()) symbol.add('.');
    symbol.add(as_text(segment.symbol));
  });
  if (has_class) {
    TextBuilder<32> number("unknown-");
    const std::string_view name = name_of(kClasses, request.class_id);
    events->put_text(asked::kClassName,
                     name.empty() ? number.add_number(request.class_id).view() : name);
  }
  put_name(asked::kSymbol, symbol.view(), events);
}

// ---- Messages inside of messages

// An unconnected send: ticks (2)  length (2)  message
bool read_unconnected(const CipMessage& request, CipMessage* carried) {
  Reader r(request.data);
  r.skip(2);
  const uint16_t length = r.le16();
  const Bytes message = r.take(length);
  return r.ok() && read_cip(message, 0, carried);
}

// Multiple services: number (2)  offsets from there (2 each)  messages
template <typename Use>
void each_of_multiple(const CipMessage& message, Use&& use) {
  Reader offsets(message.data);
  const uint16_t n = std::min(offsets.le16(), kMaxCarried);
  for (uint16_t i = 0; i < n; ++i) {
    Reader at(message.data);
    CipMessage carried;
    if (!at.seek(offsets.le16()) || !offsets.ok()) return;
    if (read_cip(at.rest(), 0, &carried)) use(carried);
  }
}

template <typename Use>
void each_carried(const CipMessage& request, Use&& use) {
  CipMessage carried;
  if (request.service == kMultipleServices) {
    each_of_multiple(request, use);
  } else if (request.class_id == kConnectionManager && request.service == kUnconnectedSend &&
             read_unconnected(request, &carried)) {
    use(carried);
  }
}

// Requestor: length (1, itself included), its bytes; command (1)  status (1)  number (2)
// function (1)
Service pccc_of(const CipMessage& request) {
  constexpr uint8_t kDiagnostics = 0x06, kExtended = 0x0f;
  if (request.class_id != kPcccClass || request.service != kExecutePccc) return {};
  Reader r(request.data);
  const uint8_t requestor_bytes = r.peek_u8();
  r.skip(requestor_bytes);
  const uint8_t command = r.u8() & 0x0f;
  r.skip(3);
  const bool has_function = command == kDiagnostics || command == kExtended;
  const uint8_t function = has_function ? r.u8() : uint8_t{0};
  return r.ok() ? service_of(kPcccCommands, command * 0x100u + function) : Service{};
}

Operation own_operation(const CipMessage& request) {
  const Service pccc = pccc_of(request);
  if (!pccc.name.empty()) return pccc.operation;
  const Operation operation = service_in(request.class_id, request.service).operation;
  const bool asks_who = request.class_id == kIdentityClass && operation == Operation::kRead;
  return asks_who ? Operation::kIdentify : operation;
}

void put_service(const CipMessage& message, uint16_t field, EventWriter* events) {
  TextBuilder<32> number("unknown-");
  const std::string_view name = service_in(message.class_id, message.service).name;
  events->put_text(field, name.empty() ? number.add_number(message.service).view() : name);
}

void put_own_request(const CipMessage& request, EventWriter* events) {
  put_service(request, asked::kService, events);
  put_path(request, events);
}

void put_own_response(const CipMessage& response, EventWriter* events) {
  TextBuilder<32> number("unknown-");
  const std::string_view status = name_of(kStatuses, response.status);
  put_service(response, given::kService, events);
  events->put_text(given::kStatus,
                   status.empty() ? number.add_number(response.status).view() : status);
  if (response.extended_status.empty()) return;
  events->put_bytes(given::kStatusExtended, response.extended_status);
  if (response.extended_status.size() != 2) return;
  const uint16_t extended = load_le16(response.extended_status.data());
  put_name(given::kStatusExtendedMeaning, name_of(kExtendedStatuses, extended), events);
}

}  // namespace

//   request: service (1)  path length in words (1)  path  data
//   response: service with its highest bit (1)  reserved (1)  status (1)  words of extended status
//   (1)  extended status  data
bool read_cip(Bytes bytes, uint32_t class_id_of_request, CipMessage* message) {
  constexpr uint8_t kResponse = 0x80;
  *message = {};
  Reader r(bytes);
  const uint8_t service = r.u8();
  message->service = service & 0x7f;
  message->is_response = (service & kResponse) != 0;
  if (message->is_response) {
    r.skip(1);
    message->status = r.u8();
    message->extended_status = r.take(size_t{2} * r.u8());
    message->class_id = class_id_of_request;
  } else {
    message->path = r.take(size_t{2} * r.u8());
    each_segment(message->path, [&](const Segment& segment) {
      if (is_class(segment)) message->class_id = segment.value;
    });
  }
  message->data = r.rest();
  return r.ok();
}

Operation cip_operation(const CipMessage& request) {
  // The worst is meant first.
  constexpr Operation kGravity[] = {Operation::kProgram,  Operation::kControl, Operation::kWrite,
                                    Operation::kIdentify, Operation::kRead,    Operation::kOther};
  const auto gravity = [&](Operation operation) {
    return std::find(std::begin(kGravity), std::end(kGravity), operation) - std::begin(kGravity);
  };
  Operation worst = own_operation(request);
  each_carried(request, [&](const CipMessage& carried) {
    const Operation operation = carried.is_response ? Operation::kOther : own_operation(carried);
    if (gravity(operation) < gravity(worst)) worst = operation;
  });
  return worst;
}

void put_cip_request(const CipMessage& request, EventWriter* events) {
  put_own_request(request, events);
  put_name(asked::kPcccCommand, pccc_of(request).name, events);
  each_carried(request, [&](const CipMessage& carried) {
    if (carried.is_response) return;
    events->open(asked::kMultiple);
    put_own_request(carried, events);
    events->close();
  });
}

void put_cip_response(const CipMessage& response, EventWriter* events) {
  put_own_response(response, events);
  if (response.service != kMultipleServices) return;
  each_of_multiple(response, [&](const CipMessage& carried) {
    if (!carried.is_response) return;
    events->open(given::kMultiple);
    put_own_response(carried, events);
    events->close();
  });
}

}  // namespace thymus::dpi
