#include "dpi/industrial/modbus_message.h"

#include "base/generated/events/modbus.h"
#include "base/text_builder.h"

namespace thymus::dpi {
namespace {

// Both sides have the same fields.
namespace ids = event::modbus::request;
static_assert(ids::kData == event::modbus::response::kData);
static_assert(ids::write::kValue == event::modbus::response::write::kValue);

constexpr uint8_t kReadCoils = 1, kReadDiscreteInputs = 2, kReadInputRegisters = 4,
                  kWriteSingleCoil = 5, kWriteSingleRegister = 6, kReadExceptionStatus = 7,
                  kDiagnostic = 8, kGetEventCounter = 11, kGetEventLog = 12,
                  kWriteMultipleCoils = 15, kWriteMultipleRegisters = 16, kReportServerId = 17,
                  kReadFileRecord = 20, kWriteFileRecord = 21, kMaskWriteRegister = 22,
                  kReadWriteRegisters = 23, kReadFifoQueue = 24, kEncapsulatedInterface = 43,
                  kUmas = 90;

constexpr Service kFunctions[] = {{1, "RdCoils", Operation::kRead},
                                  {2, "RdDiscreteInputs", Operation::kRead},
                                  {3, "RdHoldRegs", Operation::kRead},
                                  {4, "RdInputRegs", Operation::kRead},
                                  {5, "WrSingleCoil", Operation::kWrite},
                                  {6, "WrSingleReg", Operation::kWrite},
                                  {7, "RdExcStatus", Operation::kRead},
                                  {8, "Diagnostic", Operation::kOther},
                                  {9, "Program484", Operation::kProgram},
                                  {10, "Poll484", Operation::kProgram},
                                  {11, "GetCommEventCtr", Operation::kRead},
                                  {12, "GetCommEventLog", Operation::kRead},
                                  {13, "ProgramController", Operation::kProgram},
                                  {14, "PollController", Operation::kProgram},
                                  {15, "WrMultCoils", Operation::kWrite},
                                  {16, "WrMultRegs", Operation::kWrite},
                                  {17, "ReportServerID", Operation::kIdentify},
                                  {18, "Program884", Operation::kProgram},
                                  {19, "ResetCommLink", Operation::kControl},
                                  {20, "RdFileRec", Operation::kRead},
                                  {21, "WrFileRec", Operation::kWrite},
                                  {22, "MaskWrReg", Operation::kWrite},
                                  {23, "RdWrMultRegs", Operation::kWrite},
                                  {24, "RdFIFOQueue", Operation::kRead},
                                  {43, "MEI", Operation::kOther}};
static_assert(is_sorted_table(kFunctions));

constexpr Service kDiagnostics[] = {{0, "RetQueryData", Operation::kRead},
                                    {1, "RestartCommOpt", Operation::kControl},
                                    {2, "RetDiagReg", Operation::kRead},
                                    {3, "ChangeInputDelimiter", Operation::kWrite},
                                    {4, "ForceListenOnlyMode", Operation::kControl},
                                    {10, "ClearCtrDiagReg", Operation::kWrite},
                                    {11, "RetBusMsgCount", Operation::kRead},
                                    {12, "RetBusCommErrCount", Operation::kRead},
                                    {13, "RetBusExcErrCount", Operation::kRead},
                                    {14, "RetServerMsgCount", Operation::kRead},
                                    {15, "RetServerNoRespCount", Operation::kRead},
                                    {16, "RetServerNAKCount", Operation::kRead},
                                    {17, "RetServerBusyCount", Operation::kRead},
                                    {18, "RetBusCharOverrunCount", Operation::kRead},
                                    {19, "RetOverrunErrCount", Operation::kRead},
                                    {20, "ClearOverrunCounterFlag", Operation::kWrite},
                                    {21, "GetClearPlusStats", Operation::kRead}};
static_assert(is_sorted_table(kDiagnostics));

// Of Schneider controllers; known from public analyses.
constexpr Service kUmasCommands[] = {{0x01, "init_comm", Operation::kIdentify},
                                     {0x02, "read_id", Operation::kIdentify},
                                     {0x03, "read_project_info", Operation::kIdentify},
                                     {0x04, "read_plc_info", Operation::kIdentify},
                                     {0x06, "read_card_info", Operation::kIdentify},
                                     {0x0a, "repeat", Operation::kOther},
                                     {0x10, "take_plc_reservation", Operation::kControl},
                                     {0x11, "release_plc_reservation", Operation::kControl},
                                     {0x12, "keep_alive", Operation::kOther},
                                     {0x20, "read_memory_block", Operation::kRead},
                                     {0x22, "read_variables", Operation::kRead},
                                     {0x23, "write_variables", Operation::kWrite},
                                     {0x24, "read_coils_registers", Operation::kRead},
                                     {0x25, "write_coils_registers", Operation::kWrite},
                                     {0x30, "initialize_upload", Operation::kProgram},
                                     {0x31, "upload_block", Operation::kProgram},
                                     {0x32, "end_upload", Operation::kProgram},
                                     {0x33, "initialize_download", Operation::kProgram},
                                     {0x34, "download_block", Operation::kProgram},
                                     {0x35, "end_download", Operation::kProgram},
                                     {0x39, "read_ethernet_master_data", Operation::kRead},
                                     {0x40, "start_plc", Operation::kControl},
                                     {0x41, "stop_plc", Operation::kControl},
                                     {0x50, "monitor_plc", Operation::kRead},
                                     {0x58, "check_plc", Operation::kRead},
                                     {0x70, "read_io_object", Operation::kRead},
                                     {0x71, "write_io_object", Operation::kWrite},
                                     {0x73, "get_status_module", Operation::kRead}};
static_assert(is_sorted_table(kUmasCommands));

constexpr Service kExceptions[] = {{1, "IllegalFunction", Operation::kOther},
                                   {2, "IllegalDataAddr", Operation::kOther},
                                   {3, "IllegalDataValue", Operation::kOther},
                                   {4, "ServerDeviceFail", Operation::kOther},
                                   {5, "Ack", Operation::kOther},
                                   {6, "ServerDeviceBusy", Operation::kOther},
                                   {7, "NegAck", Operation::kOther},
                                   {8, "MemParityErr", Operation::kOther},
                                   {10, "GatewayPathUnavailable", Operation::kOther},
                                   {11, "GatewayTargetFailToResp", Operation::kOther}};
static_assert(is_sorted_table(kExceptions));

constexpr uint8_t kReadDeviceId = 14, kCanOpen = 13;

uint8_t base_function(const ModbusMessage& m) { return m.function & 0x7f; }
bool is_read(uint8_t function) { return function >= kReadCoils && function <= kReadInputRegisters; }
bool is_single_write(uint8_t function) {
  return function == kWriteSingleCoil || function == kWriteSingleRegister;
}
bool is_multiple_write(uint8_t function) {
  return function == kWriteMultipleCoils || function == kWriteMultipleRegisters;
}
bool is_of_bits(uint8_t function) {
  return function == kReadCoils || function == kReadDiscreteInputs ||
         function == kWriteSingleCoil || function == kWriteMultipleCoils;
}

std::string_view name_or(std::string_view name, std::string_view otherwise) {
  return name.empty() ? otherwise : name;
}

std::string_view access_type(uint8_t function) {
  switch (function) {
    case 1:
      return "READ | COILS";
    case 2:
      return "READ | DISCRETES";
    case 3:
      return "READ | HOLDING";
    case 4:
      return "READ | INPUT";
    case 5:
      return "WRITE | COILS | SINGLE | WRITE_SINGLE";
    case 6:
      return "WRITE | HOLDING | SINGLE | WRITE_SINGLE";
    case 15:
      return "WRITE | COILS | MULTIPLE | WRITE_MULTIPLE";
    case 16:
      return "WRITE | HOLDING | MULTIPLE | WRITE_MULTIPLE";
    case 22:
      return "WRITE | HOLDING";
    case 23:
      return "READ | WRITE | HOLDING | MULTIPLE | WRITE_MULTIPLE";
    default:
      return "NONE";
  }
}

// Which numbers are whose: section 5 of the specification.
std::string_view category(const ModbusMessage& m) {
  const uint8_t function = base_function(m);
  if (function == kDiagnostic) {
    if (m.is_exception() || m.data.size() < 2) return "NONE";
    const uint16_t code = load_be16(m.data.data());
    return service_of(kDiagnostics, code).name.empty() ? "RESERVED" : "PUBLIC_ASSIGNED";
  }
  if (function == kEncapsulatedInterface) {
    if (m.is_exception() || m.data.empty()) return "NONE";
    return m.data[0] == kReadDeviceId || m.data[0] == kCanOpen ? "PUBLIC_ASSIGNED" : "RESERVED";
  }
  if (!service_of(kFunctions, function).name.empty()) return "PUBLIC_ASSIGNED";
  if (m.function == 0 || m.function >= 0x80) return "NONE";
  if ((function >= 65 && function < 73) || (function >= 100 && function < 111)) {
    return "USER_DEFINED";
  }
  const bool is_reserved = (function >= 9 && function < 15) || (function >= 41 && function < 43) ||
                           (function >= 90 && function < 92) || function >= 125;
  return is_reserved ? "RESERVED" : "PUBLIC_UNASSIGNED";
}

// ---- What is wrong with a message

uint8_t exception_errors(const ModbusMessage& m) {
  constexpr uint8_t kIllegalAddress = 2, kIllegalValue = 3, kParityError = 8;
  if (m.data.size() != 1) return modbus_error::kDataLength;
  const uint8_t code = m.data[0];
  const uint8_t function = base_function(m);
  const bool has_no_address = function == kReadExceptionStatus || function == kGetEventCounter ||
                              function == kGetEventLog || function == kReportServerId;
  const bool is_of_file = function == kReadFileRecord || function == kWriteFileRecord;
  const bool is_bad = service_of(kExceptions, code).name.empty() ||
                      (has_no_address && (code == kIllegalAddress || code == kIllegalValue)) ||
                      (code == kParityError && !is_of_file);
  return is_bad ? modbus_error::kExceptionCode : 0;
}

uint16_t max_read(uint8_t function) { return is_of_bits(function) ? 2000 : 125; }

uint8_t write_errors(Reader r, uint8_t function) {
  r.skip(2);
  const uint16_t quantity = r.be16();
  const uint8_t n_bytes = r.u8();
  if (!r.ok() || r.remaining() != n_bytes) return modbus_error::kDataLength;
  const uint16_t max = function == kWriteMultipleCoils       ? 1968
                       : function == kWriteMultipleRegisters ? 123
                                                             : 121;
  const unsigned expected = is_of_bits(function) ? (quantity + 7u) / 8 : quantity * 2u;
  return quantity == 0 || quantity > max || expected != n_bytes ? modbus_error::kDataValue : 0;
}

uint8_t request_errors(const ModbusMessage& m) {
  Reader r(m.data);
  const auto length = [&](bool is_right) {
    return is_right ? uint8_t{0} : modbus_error::kDataLength;
  };
  switch (m.function) {
    case kDiagnostic:
      return length(m.data.size() >= 4);
    case kEncapsulatedInterface:
      return length(!m.data.empty());
    case kReadExceptionStatus:
    case kGetEventCounter:
    case kGetEventLog:
    case kReportServerId:
      return length(m.data.empty());
    case kReadFifoQueue:
      return length(m.data.size() == 2);
    case kReadFileRecord:
    case kWriteFileRecord:
      return length(!m.data.empty() && m.data[0] == m.data.size() - 1);
    case kMaskWriteRegister:
      return length(m.data.size() == 6);
    case kWriteMultipleCoils:
    case kWriteMultipleRegisters:
      return write_errors(r, m.function);
    default:
      break;
  }
  if (m.function == 0 || m.function >= 0x80) return modbus_error::kFunctionCode;
  if (is_single_write(m.function)) {
    const uint16_t value = r.skip(2) ? r.be16() : uint16_t{0};
    if (m.data.size() != 4) return modbus_error::kDataLength;
    const bool is_bad = m.function == kWriteSingleCoil && value != 0 && value != 0xff00;
    return is_bad ? modbus_error::kDataValue : 0;
  }
  if (is_read(m.function) || m.function == kReadWriteRegisters) {
    r.skip(2);
    const uint16_t quantity = r.be16();
    if (!r.ok() || (is_read(m.function) && !r.empty())) return modbus_error::kDataLength;
    const uint8_t value =
        quantity == 0 || quantity > max_read(m.function) ? modbus_error::kDataValue : 0;
    if (is_read(m.function)) return value;
    return static_cast<uint8_t>(value | write_errors(r, m.function));
  }
  return 0;
}

uint8_t response_errors(const ModbusMessage& m) {
  if (m.is_exception()) return exception_errors(m);
  const auto length = [&](bool is_right) {
    return is_right ? uint8_t{0} : modbus_error::kDataLength;
  };
  switch (m.function) {
    case kDiagnostic:
      return length(m.data.size() >= 2);
    case kEncapsulatedInterface:
      return length(!m.data.empty());
    case kReadExceptionStatus:
      return length(m.data.size() == 1);
    case kGetEventCounter:
      return length(m.data.size() == 4);
    case kMaskWriteRegister:
      return length(m.data.size() == 6);
    case 0:
      return modbus_error::kFunctionCode;
    default:
      break;
  }
  if (is_read(m.function) || m.function == kReadWriteRegisters) {
    if (m.data.empty()) return modbus_error::kDataLength;
    return m.data[0] == 0 || m.data[0] != m.data.size() - 1 ? modbus_error::kDataValue : 0;
  }
  if (is_single_write(m.function) || is_multiple_write(m.function)) {
    return length(m.data.size() == 4);
  }
  return 0;
}

// ---- What is shown of a message

void put_coded(uint16_t object, uint16_t raw_id, uint16_t code_id, uint32_t raw,
               std::string_view code, EventWriter* events) {
  events->open(object);
  events->put(raw_id, raw);
  put_name(code_id, code, events);
}

void put_read_request(Reader* r, EventWriter* events) {
  events->open(ids::kRead);
  events->put(ids::read::kAddress, r->be16());
  events->put(ids::read::kQuantity, r->be16());
  events->close();
}

void put_write_request(Reader* r, EventWriter* events) {
  events->open(ids::kWrite);
  events->put(ids::write::kAddress, r->be16());
  events->put(ids::write::kQuantity, r->be16());
  r->skip(1);
  events->put_bytes(ids::write::kData, r->rest());
  events->close();
}

void put_written_value(Reader* r, EventWriter* events) {
  events->open(ids::kWrite);
  events->put(ids::write::kAddress, r->be16());
  events->put(ids::write::kValue, r->be16());
  events->close();
}

void put_mask(Reader* r, EventWriter* events) {
  events->open(ids::kWrite);
  events->put(ids::write::kAddress, r->be16());
  events->put(ids::write::kAndMask, r->be16());
  events->put(ids::write::kOrMask, r->be16());
  events->close();
}

// Of a function that reads or writes. False for another one.
bool put_access(const ModbusMessage& m, EventWriter* events) {
  Reader r(m.data);
  if (m.function == kMaskWriteRegister) {
    put_mask(&r, events);
  } else if (is_single_write(m.function) || (is_multiple_write(m.function) && !m.is_request)) {
    put_written_value(&r, events);
  } else if (is_multiple_write(m.function)) {
    put_write_request(&r, events);
  } else if (!is_read(m.function) && m.function != kReadWriteRegisters) {
    return false;
  } else if (m.is_request) {
    put_read_request(&r, events);
    if (m.function == kReadWriteRegisters) put_write_request(&r, events);
  } else {
    r.skip(1);
    events->open(ids::kRead);
    events->put_bytes(ids::read::kData, r.rest());
    events->close();
  }
  return true;
}

void put_data(const ModbusMessage& m, EventWriter* events) {
  Reader r(m.data);
  if (m.is_exception()) {
    const uint8_t code = r.u8();
    if (!r.ok()) return;
    put_coded(ids::kException, ids::exception::kRaw, ids::exception::kCode, code,
              name_or(service_of(kExceptions, code).name, "Unknown"), events);
    events->close();
    return;
  }
  if (m.function == kDiagnostic && m.data.size() >= 2) {
    const uint16_t code = r.be16();
    put_coded(ids::kDiagnostic, ids::diagnostic::kRaw, ids::diagnostic::kCode, code,
              name_or(service_of(kDiagnostics, code).name, "Reserved"), events);
    events->put_bytes(ids::diagnostic::kData, r.rest());
    events->close();
    return;
  }
  if (m.function == kEncapsulatedInterface && !m.data.empty()) {
    const uint8_t code = r.u8();
    put_coded(ids::kMei, ids::mei::kRaw, ids::mei::kCode, code,
              code == kReadDeviceId ? "RdDevId"
              : code == kCanOpen    ? "CANOpenGenRefReqResp"
                                    : "Unknown",
              events);
    events->put_bytes(ids::mei::kData, r.rest());
    events->close();
    return;
  }
  if (m.function == kUmas && m.is_request && m.data.size() >= 2) {
    put_coded(ids::kUmas, ids::umas::kRaw, ids::umas::kCode, m.data[1],
              service_of(kUmasCommands, m.data[1]).name, events);
    events->close();
  }
  if ((m.errors & modbus_error::kDataLength) == 0 && put_access(m, events)) return;
  events->put_bytes(ids::kData, m.data);
}

std::string_view error_flags(uint8_t errors, TextBuilder<64>* text) {
  constexpr std::string_view kNames[] = {"DATA_VALUE", "DATA_LENGTH", "EXC_CODE", "FUNC_CODE"};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if ((errors >> i & 1) == 0) continue;
    if (!text->view().empty()) text->add(" | ");
    text->add(kNames[i]);
  }
  return text->view().empty() ? "NONE" : text->view();
}

}  // namespace

//   0  transaction identifier   2  protocol identifier   4  bytes behind this field   6  unit
//   7  function   8  data
ModbusMessage read_modbus(Bytes frame, bool is_request) {
  Reader r(frame);
  ModbusMessage m{};
  m.transaction_id = r.be16();
  m.protocol_id = r.be16();
  r.skip(2);
  m.unit_id = r.u8();
  m.function = r.u8();
  m.is_request = is_request;
  m.data = r.rest();
  m.errors = is_request ? request_errors(m) : response_errors(m);
  return m;
}

bool fits_modbus_function(const ModbusMessage& m) {
  const Service function = service_of(kFunctions, base_function(m));
  return m.errors == 0 && !function.name.empty();
}

Operation modbus_operation(const ModbusMessage& m) {
  const uint8_t function = base_function(m);
  const Reader r(m.data);
  if (function == kDiagnostic && !m.is_exception() && m.data.size() >= 2) {
    return service_of(kDiagnostics, r.peek_be16()).operation;
  }
  if (function == kEncapsulatedInterface && r.peek_u8() == kReadDeviceId) {
    return Operation::kIdentify;
  }
  if (function == kUmas && m.is_request && m.data.size() >= 2) {
    return service_of(kUmasCommands, m.data[1]).operation;
  }
  return service_of(kFunctions, function).operation;
}

bool answers_modbus(const ModbusMessage& response, const ModbusMessage& request) {
  return response.transaction_id == request.transaction_id && response.unit_id == request.unit_id &&
         base_function(response) == base_function(request);
}

uint8_t compare_modbus(const ModbusMessage& response, const ModbusMessage& request) {
  if (response.is_exception() || response.errors != 0 || request.errors != 0) return 0;
  const uint8_t function = request.function;
  Reader asked(request.data);
  Reader given(response.data);
  if (is_read(function) || function == kReadWriteRegisters) {
    const unsigned quantity = asked.skip(2) ? asked.be16() : 0u;
    const unsigned expected = is_of_bits(function) ? (quantity + 7) / 8 : quantity * 2;
    return given.u8() == expected ? 0 : modbus_error::kDataValue;
  }
  if (!is_single_write(function) && !is_multiple_write(function)) return 0;
  return asked.be32() == given.be32() ? 0 : modbus_error::kDataValue;
}

void put_modbus(const ModbusMessage& m, EventWriter* events) {
  const uint8_t function = base_function(m);
  TextBuilder<64> errors;
  events->put(ids::kTransactionId, m.transaction_id);
  events->put(ids::kProtocolId, m.protocol_id);
  events->put(ids::kUnitId, m.unit_id);
  events->put(ids::kFunctionRaw, m.function);
  events->put_text(ids::kFunctionCode, name_or(service_of(kFunctions, function).name, "Unknown"));
  events->put_text(ids::kAccessType, access_type(function));
  events->put_text(ids::kCategory, category(m));
  events->put_text(ids::kErrorFlags, error_flags(m.errors, &errors));
  put_data(m, events);
}

}  // namespace thymus::dpi
