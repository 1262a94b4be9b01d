// One message of Modbus/TCP: what its header and its function say, and whether it keeps the rules.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/event_writer.h"
#include "dpi/industrial/operation.h"

namespace thymus::dpi {

inline constexpr size_t kModbusHeaderBytes = 7;

namespace modbus_error {
inline constexpr uint8_t kDataValue = 1;
inline constexpr uint8_t kDataLength = 2;
inline constexpr uint8_t kExceptionCode = 4;
inline constexpr uint8_t kFunctionCode = 8;
}  // namespace modbus_error

struct ModbusMessage {
  uint16_t transaction_id;
  uint16_t protocol_id;
  uint8_t unit_id;
  uint8_t function;  // with the bit of an exception
  bool is_request;
  Bytes data;      // behind the function
  uint8_t errors;  // bits of modbus_error

  bool is_exception() const { return !is_request && function >= 0x80; }
};

// REQUIRES: frame holds the header and the function.
ModbusMessage read_modbus(Bytes frame, bool is_request);
// Whether the data of a message, or of an answer, have a form that their function allows.
bool fits_modbus_function(const ModbusMessage& message);
// What a request asks for; of a response what it answers.
Operation modbus_operation(const ModbusMessage& message);
// Whether a response, by its identifiers, answers a request.
bool answers_modbus(const ModbusMessage& response, const ModbusMessage& request);
// Bits of modbus_error for what the two say that does not go together.
uint8_t compare_modbus(const ModbusMessage& response, const ModbusMessage& request);
// Writes the fields of one side into the object that is open.
void put_modbus(const ModbusMessage& message, EventWriter* events);

}  // namespace thymus::dpi
