// EtherNet/IP (CIP Volume 2) over TCP and UDP. All numbers are little-endian:
//
//   0  command   2  bytes behind the header   4  session   8  status   12  context   20  options
//
// Commands 0x6f and 0x70 carry: interface (4)  timeout (2)  number of items (2), then items: type
// (2)  length (2)  data. The message of CIP is in the item of data, behind a sequence number where
// the item is connected.
#include "base/generated/events/enip.h"

#include "base/number_names.h"
#include "base/text_builder.h"
#include "dpi/industrial/cip.h"
#include "dpi/industrial/framed_flow.h"
#include "dpi/industrial/waiting_frames.h"

namespace thymus::dpi {
namespace {

namespace ids = event::enip;
namespace asked = ids::request;
namespace given = ids::response;
static_assert(asked::kOptions == given::kOptions);
static_assert(asked::kRegisterSession == given::kRegisterSession);

constexpr uint16_t kPorts[] = {44818};
constexpr size_t kHeaderBytes = 24;
constexpr size_t kMaxKept = 2048;
static_assert(kMaxKept <= WaitingFrames::kMaxFrameBytes);
constexpr uint16_t kNop = 0x00, kListServices = 0x04, kListIdentity = 0x63, kListInterfaces = 0x64,
                   kRegisterSession = 0x65, kUnregisterSession = 0x66, kSendRrData = 0x6f,
                   kSendUnitData = 0x70, kIndicateStatus = 0x72, kCancel = 0x73;

constexpr Service kCommands[] = {{kNop, "nop", Operation::kOther},
                                 {kListServices, "list_services", Operation::kIdentify},
                                 {kListIdentity, "list_identity", Operation::kIdentify},
                                 {kListInterfaces, "list_interfaces", Operation::kIdentify},
                                 {kRegisterSession, "register_session", Operation::kOther},
                                 {kUnregisterSession, "unregister_session", Operation::kOther},
                                 {kSendRrData, "sendrr_data", Operation::kOther},
                                 {kSendUnitData, "send_unit_data", Operation::kOther},
                                 {kIndicateStatus, "indicate_status", Operation::kOther},
                                 {kCancel, "cancel", Operation::kOther}};
static_assert(is_sorted_table(kCommands));

constexpr NumberName kStatuses[] = {{0x00, "success"},
                                    {0x01, "invalid_cmd"},
                                    {0x02, "no_resources"},
                                    {0x03, "incorrect_data"},
                                    {0x64, "invalid_session"},
                                    {0x65, "invalid_length"},
                                    {0x69, "unsupported_prot_rev"},
                                    {0x6a, "encap_header_error"}};
static_assert(is_sorted_table(kStatuses));

// Makers that have a number of ODVA, the ones that are seen most.
constexpr NumberName kVendors[] = {{1, "Rockwell Automation/Allen-Bradley"},
                                   {3, "Honeywell Inc."},
                                   {5, "Rockwell Automation/Reliance Elec."},
                                   {7, "SMC Corporation"},
                                   {8, "Molex Incorporated"},
                                   {12, "Banner Engineering Corp."},
                                   {13, "Belden Wire & Cable Company"},
                                   {26, "Festo Corporation"},
                                   {40, "Wago Corporation"},
                                   {43, "BALLUFF Inc."},
                                   {44, "Yaskawa Electric America Inc."},
                                   {46, "ABB Industrial Systems"},
                                   {47, "Omron Corporation"},
                                   {48, "Turck Inc."},
                                   {50, "Real Time Automation (C&ID)"},
                                   {57, "Pepperl + Fuchs"},
                                   {68, "Eaton Electrical"},
                                   {77, "Rockwell Software Inc."},
                                   {83, "OPTO-22"},
                                   {86, "Horner Electric"},
                                   {90, "HMS Industrial Networks AB"},
                                   {94, "Advantech Co. Ltd."},
                                   {95, "Square D Company"},
                                   {97, "Danfoss"},
                                   {108, "Beckhoff Automation GmbH"},
                                   {109, "National Instruments"},
                                   {143, "GE Industrial Systems"},
                                   {145, "Siemens Energy & Automation/Drives"},
                                   {161, "Mitsubishi Electric Corporation"},
                                   {176, "Red Lion Controls"},
                                   {181, "Pilz GmbH & Co"},
                                   {243, "Schneider Automation Inc."},
                                   {252, "Omron Software Co. Ltd."},
                                   {257, "Control Techniques PLC"},
                                   {283, "Hilscher GmbH"},
                                   {309, "Prosoft Technology"},
                                   {315, "SEW Eurodrive GmbH"},
                                   {326, "GE Fanuc Automation North America Inc."},
                                   {345, "Endress + Hauser"},
                                   {356, "Fanuc Robotics America"},
                                   {367, "Keyence Corporation"}};
static_assert(is_sorted_table(kVendors));

constexpr NumberName kDeviceTypes[] = {{2, "AC Drive Device"},
                                       {3, "Motor Overload"},
                                       {4, "Limit Switch"},
                                       {5, "Inductive Proximity Switch"},
                                       {6, "Photoelectric Sensor"},
                                       {7, "General Purpose Discrete I/O"},
                                       {9, "Resolver"},
                                       {12, "Communications Adapter"},
                                       {14, "Programmable Logic Controller"},
                                       {16, "Position Controller"},
                                       {19, "DC Drive"},
                                       {21, "Contactor"},
                                       {22, "Motor Starter"},
                                       {23, "Softstart Starter"},
                                       {24, "Human-Machine Interface"},
                                       {26, "Mass Flow Controller"},
                                       {27, "Pneumatic Valve(s)"},
                                       {28, "Vacuum Pressure Gauge"},
                                       {34, "Encoder"},
                                       {35, "Safety Discrete I/O Device"},
                                       {37, "CIP Motion Drive"},
                                       {40, "CIP Modbus Device"},
                                       {42, "Safety Analog I/O Device"},
                                       {43, "Generic Device (keyable)"},
                                       {44, "Managed Ethernet Switch"}};
static_assert(is_sorted_table(kDeviceTypes));

struct State : FramedFlow {
  WaitingFrames waiting;
  bool knows_client;
  bool client_is_originator;
};

struct Header {
  uint16_t command;
  uint16_t length;
  uint32_t session;
  uint32_t status;
  uint32_t options;
};

struct Pdu {
  Header header;
  Bytes data;
  bool has_cip;
  bool is_connected;
  bool is_broken;
  uint16_t sequence;  // of connected data
  CipMessage cip;
};

Header read_header(Reader* r) {
  Header header{};
  header.command = r->le16();
  header.length = r->le16();
  header.session = r->le32();
  header.status = r->le32();
  r->skip(8);
  header.options = r->le32();
  return header;
}

bool is_header(const Header& header) {
  const uint16_t length = header.length;
  if (name_of(kStatuses, header.status).empty()) return false;
  switch (header.command) {
    case kNop:
    case kListServices:
    case kListIdentity:
    case kListInterfaces:
      return header.options == 0;
    case kRegisterSession:
      return length == 4 || header.status != 0;
    case kUnregisterSession:
      return length == 4 || length == 0;
    case kSendRrData:
    case kSendUnitData:
      return length >= 8 || header.status != 0;
    default:
      return header.command == kIndicateStatus || header.command == kCancel;
  }
}

size_t measure(Bytes bytes) {
  Reader r(bytes);
  if (r.remaining() >= 2 && service_of(kCommands, Reader(bytes).le16()).name.empty()) {
    return FramedStream::kNoFrame;
  }
  if (r.remaining() < kHeaderBytes) return 0;
  const Header header = read_header(&r);
  return is_header(header) ? kHeaderBytes + header.length : FramedStream::kNoFrame;
}

// The first item of data. Items of a message that was kept in part only may be cut.
void read_items(Reader r, bool is_whole, Pdu* pdu) {
  constexpr uint16_t kConnected = 0xb1, kUnconnected = 0xb2;
  constexpr uint16_t kMaxItems = 8;
  r.skip(6);
  const uint16_t n_items = r.le16();
  for (uint16_t i = 0; i < std::min(n_items, kMaxItems) && r.ok(); ++i) {
    const uint16_t type = r.le16();
    const uint16_t length = r.le16();
    Reader item(is_whole ? r.take(length) : r.take_up_to(length));
    if (type != kConnected && type != kUnconnected) continue;
    pdu->is_connected = type == kConnected;
    if (pdu->is_connected) pdu->sequence = item.le16();
    if (item.empty() && item.ok()) continue;
    pdu->has_cip = read_cip(item.rest(), 0, &pdu->cip);
    pdu->is_broken = !pdu->has_cip;
    return;
  }
  pdu->is_broken = !r.ok();
}

Pdu read_pdu(Bytes frame) {
  Reader r(frame);
  Pdu pdu{};
  pdu.header = read_header(&r);
  pdu.data = r.rest();
  const bool carries = pdu.header.command == kSendRrData || pdu.header.command == kSendUnitData;
  if (carries && pdu.header.length > 0) {
    read_items(r, r.remaining() == pdu.header.length, &pdu);
  }
  return pdu;
}

bool answers(const Pdu& response, const Pdu& request) {
  if (response.header.command != request.header.command) return false;
  const bool is_new_session = request.header.command == kRegisterSession;
  if (response.header.session != request.header.session && !is_new_session) return false;
  if (!request.has_cip || !response.has_cip) return true;
  if (request.is_connected != response.is_connected) return false;
  return !request.is_connected || request.sequence == response.sequence;
}

Operation operation_of(const Pdu& pdu) {
  if (pdu.has_cip && !pdu.cip.is_response) return cip_operation(pdu.cip);
  return service_of(kCommands, pdu.header.command).operation;
}

// ---- What is shown

void put_or_number(uint16_t field, std::string_view name, uint32_t number, EventWriter* events) {
  TextBuilder<32> text("unknown-");
  events->put_text(field, name.empty() ? text.add_number(number).view() : name);
}

// The first item of a list: type (2)  length (2)  data
Reader first_item(Bytes data, uint16_t type) {
  Reader r(data);
  if (r.le16() == 0 || r.le16() != type) return Reader();
  return r.sub(r.le16());
}

// Protocol version (2)  address (16)  vendor (2)  device type (2)  product code (2)  revision (2)
// status (2)  serial number (4)  length of the name (1)  name  state (1)
void put_identity(Bytes data, EventWriter* events) {
  namespace identity = given::identity;
  constexpr size_t kSocketAddressBytes = 16;
  Reader r = first_item(data, 0x0c);
  if (r.empty()) return;
  events->open(given::kIdentity);
  events->put(identity::kProtocolVersion, r.le16());
  r.skip(kSocketAddressBytes);
  const uint16_t vendor = r.le16();
  const uint16_t device_type = r.le16();
  const uint16_t product_code = r.le16();
  TextBuilder<8> revision;
  revision.add_number(r.u8()).add('.');
  revision.add_number(r.u8());
  events->put_text(identity::kRevision, revision.view());
  put_or_number(identity::kVendorId, name_of(kVendors, vendor), vendor, events);
  put_or_number(identity::kDeviceType, name_of(kDeviceTypes, device_type), device_type, events);
  events->put(identity::kProductCode, product_code);
  events->put(identity::kStatus, r.le16());
  events->put(identity::kSerial, r.le32());
  events->put_bytes(identity::kProductName, r.take(r.u8()));
  events->put(identity::kState, r.u8());
  events->close();
}

void put_services(Bytes data, EventWriter* events) {
  Reader r = first_item(data, 0x100);
  if (r.empty()) return;
  events->open(given::kListServices);
  events->put(given::list_services::kProtocolVersion, r.le16());
  events->put(given::list_services::kCapabilities, r.le16());
  const std::string_view name = as_text(r.rest());
  events->put_text(given::list_services::kServiceName, name.substr(0, name.find('\0')));
  events->close();
}

void put_session(const Pdu& pdu, EventWriter* events) {
  if (pdu.header.command != kRegisterSession) return;
  Reader r(pdu.data);
  const uint16_t version = r.le16();
  const uint16_t options = r.le16();
  if (!r.ok()) return;
  events->open(asked::kRegisterSession);
  events->put(asked::register_session::kProtocolVersion, version);
  events->put(asked::register_session::kOptions, options);
  events->close();
}

void put_header(const Header& header, EventWriter* events) {
  put_or_number(asked::kCommand, service_of(kCommands, header.command).name, header.command,
                events);
  put_or_number(asked::kStatus, name_of(kStatuses, header.status), header.status, events);
  if (header.options != 0) events->put(asked::kOptions, header.options);
}

void put_request(const Pdu& request, EventWriter* events) {
  events->open(ids::kRequest);
  put_header(request.header, events);
  put_session(request, events);
  if (request.has_cip && !request.cip.is_response) {
    events->open(asked::kCip);
    put_cip_request(request.cip, events);
    events->close();
  }
  events->close();
}

void put_response(Pdu response, const Pdu* request, EventWriter* events) {
  events->open(ids::kResponse);
  put_header(response.header, events);
  put_session(response, events);
  if (response.header.command == kListServices) put_services(response.data, events);
  if (response.header.command == kListIdentity) put_identity(response.data, events);
  if (response.has_cip && response.cip.is_response) {
    if (request != nullptr) response.cip.class_id = request->cip.class_id;
    events->open(given::kCip);
    put_cip_response(response.cip, events);
    events->close();
  }
  events->close();
}

// Either side may be missing.
void write_transaction(const Pdu* request, const Pdu* response, State* state, Context* context) {
  const Operation operation = operation_of(request != nullptr ? *request : *response);
  if (!state->quota.allows(operation, context)) return;
  EventWriter* events = context->events;
  events->begin(event::kEnip, state->client_is_originator ? Side::kOriginator : Side::kResponder);
  events->put_text(ids::kOperation, name_of(operation));
  if (request != nullptr) put_request(*request, events);
  if (response != nullptr) put_response(*response, request, events);
  events->end();
}

// ---- Transactions

void give_up_oldest(State* state, Context* context) {
  state->waiting.take_oldest(context, [&](Bytes frame) {
    const Pdu request = read_pdu(frame);
    write_transaction(&request, nullptr, state, context);
  });
}

bool has_response(uint16_t command) {
  return command != kNop && command != kUnregisterSession && command != kCancel;
}

void on_request(Bytes frame, const Pdu& request, State* state, Context* context) {
  if (state->waiting.full()) {
    state->quota.complain(anomaly_code::kEnipTooManyTransactions, context);
    give_up_oldest(state, context);
  }
  if (!has_response(request.header.command) || !state->waiting.add(frame, context)) {
    write_transaction(&request, nullptr, state, context);
  }
}

void on_response(const Pdu& response, State* state, Context* context) {
  const bool is_answer = state->waiting.take_match(
      context, [&](Bytes waiting) { return answers(response, read_pdu(waiting)); },
      [&](Bytes waiting) {
        const Pdu request = read_pdu(waiting);
        write_transaction(&request, &response, state, context);
      });
  if (!is_answer) write_transaction(nullptr, &response, state, context);
}

void on_frame(Bytes frame, const Segment& segment, State* state, Context* context) {
  const Pdu pdu = read_pdu(frame);
  if (!state->knows_client) {
    state->knows_client = true;
    const bool is_response = pdu.has_cip ? pdu.cip.is_response : segment.src_port == kPorts[0];
    state->client_is_originator = segment.from_originator != is_response;
  }
  if (pdu.is_broken) state->quota.complain(anomaly_code::kEnipInvalidPdu, context);
  if (segment.from_originator == state->client_is_originator) {
    on_request(frame, pdu, state, context);
  } else {
    on_response(pdu, state, context);
  }
}

Likelihood probe(const Segment& first) {
  const size_t length = measure(first.data);
  if (length == FramedStream::kNoFrame) return Likelihood::kNo;
  const bool is_on_port = first.has_port(kPorts[0]);
  if (length == 0) return is_on_port ? Likelihood::kMaybe : Likelihood::kNo;
  if (is_on_port) return Likelihood::kLikely;
  // Elsewhere what is carried must show it, too.
  const Pdu pdu = read_pdu(first.data.first(std::min(length, first.data.size())));
  const bool is_session = pdu.header.command == kRegisterSession && length == kHeaderBytes + 4;
  const bool is_list = pdu.header.command == kListIdentity && length <= first.data.size();
  return is_session || is_list || pdu.has_cip ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* enip = static_cast<State*>(state);
  constexpr FrameRules kRules{measure, kMaxKept, anomaly_code::kEnipInvalidPdu};
  return show_frames(kRules, segment, enip, context,
                     [&](Bytes frame, size_t) { on_frame(frame, segment, enip, context); });
}

void on_end(void* state, Context* context) {
  auto* enip = static_cast<State*>(state);
  while (!enip->waiting.empty()) give_up_oldest(enip, context);
}

}  // namespace

extern const Parser kEnip;

const Parser kEnip{
    .app = AppId::kEnip,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .on_gap = lose_frames<State>,
    .on_end = on_end,
    .first_bytes = std::string_view("\x00\x04\x63\x64\x65\x66\x6f\x70\x72\x73", 10),
    .ports = kPorts,
};

}  // namespace thymus::dpi
