#include "base/generated/events/s7comm.h"

#include "base/generated/events/s7comm_plus.h"
#include "dpi/cotp/users.h"

namespace thymus::dpi {
namespace {

namespace ids = event::s7comm;
namespace plus = event::s7comm_plus;

constexpr uint8_t kJob = 1, kAck = 2, kAckData = 3, kUserData = 7;

constexpr CotpName kRosctr[] = {
    {kJob, "job"}, {kAck, "ack"}, {kAckData, "ack_data"}, {kUserData, "userdata"}};

constexpr CotpName kFunctions[] = {
    {0x00, "cpu_services"},     {0x04, "read_var"},       {0x05, "write_var"},
    {0x1a, "request_download"}, {0x1b, "download_block"}, {0x1c, "download_ended"},
    {0x1d, "start_upload"},     {0x1e, "upload"},         {0x1f, "end_upload"},
    {0x28, "plc_control"},      {0x29, "plc_stop"},       {0xf0, "setup_communication"}};

constexpr CotpName kGroups[] = {{0x0, "mode_transition"},
                                {0x1, "programmer_commands"},
                                {0x2, "cyclic_data"},
                                {0x3, "block_functions"},
                                {0x4, "cpu_functions"},
                                {0x5, "security"},
                                {0x6, "pbc"},
                                {0x7, "time_functions"},
                                {0xf, "nc_programming"}};

// Group and subfunction as one number.
constexpr CotpName kSubfunctions[] = {
    {0x301, "list_blocks"}, {0x302, "list_blocks_of_type"}, {0x303, "get_block_info"},
    {0x401, "read_szl"},    {0x402, "message_service"},     {0x501, "plc_password"},
    {0x701, "read_clock"},  {0x702, "set_clock"},           {0x703, "read_clock_following"},
    {0x704, "set_clock"}};

constexpr CotpName kPlusOpcodes[] = {{0x31, "request"}, {0x32, "response"}, {0x33, "notification"}};

constexpr CotpName kPlusFunctions[] = {{0x04bb, "explore"},
                                       {0x04ca, "create_object"},
                                       {0x04d4, "delete_object"},
                                       {0x04f2, "set_variable"},
                                       {0x0524, "get_link"},
                                       {0x0542, "set_multi_variables"},
                                       {0x054c, "get_multi_variables"},
                                       {0x0556, "begin_sequence"},
                                       {0x0560, "end_sequence"},
                                       {0x056b, "invoke"},
                                       {0x0586, "get_var_substreamed"}};

void put_name(uint16_t field, std::string_view name, EventWriter* events) {
  if (!name.empty()) events->put_text(field, name);
}

//   head (3)  length (1)  method (1)  type and group (1)  subfunction (1)  sequence (1)
//   of a response: data unit (1)  last data unit (1)  error (2)
void put_user_data(Reader r, EventWriter* events) {
  constexpr uint8_t kResponseMethod = 0x12;
  r.skip(4);
  const uint8_t method = r.u8();
  const uint8_t group = r.u8() & 0x0f;
  const uint8_t subfunction = r.u8();
  r.skip(1);
  if (!r.ok()) return;
  events->put(ids::kFunctionCode, group);
  put_name(ids::kFunction, name_of(kGroups, group), events);
  events->put(ids::kSubfunctionCode, subfunction);
  put_name(ids::kSubfunction, name_of(kSubfunctions, group * 0x100u + subfunction), events);
  if (method != kResponseMethod) return;
  r.skip(2);
  const uint16_t error = r.be16();
  if (r.ok()) events->put(ids::kError, error);
}

}  // namespace

//   0  0x32   1  remote operation (ROSCTR)   2  zero   4  reference   6  parameter bytes
//   8  data bytes   10  of an acknowledgement: error class, error code
bool write_s7comm(Bytes unit, EventWriter* events) {
  Reader r(unit);
  const uint8_t protocol = r.u8();
  const uint8_t rosctr = r.u8();
  r.skip(2);
  const uint16_t reference = r.be16();
  const uint16_t parameter_bytes = r.be16();
  const uint16_t data_bytes = r.be16();
  const bool has_error = rosctr == kAck || rosctr == kAckData;
  const uint16_t error = has_error ? r.be16() : uint16_t{0};
  const std::string_view name = name_of(kRosctr, rosctr);
  if (!r.ok() || protocol != 0x32 || name.empty() ||
      r.remaining() != size_t{parameter_bytes} + data_bytes) {
    return false;
  }
  const Reader parameters(r.take(parameter_bytes));
  events->begin(event::kS7comm);
  events->put_text(ids::kRosctr, name);
  events->put(ids::kPduReference, reference);
  if (has_error) events->put(ids::kError, error);
  if (rosctr == kUserData) {
    put_user_data(parameters, events);
  } else if (!parameters.empty()) {
    const uint8_t function = parameters.peek_u8();
    events->put(ids::kFunctionCode, function);
    put_name(ids::kFunction, name_of(kFunctions, function), events);
  }
  events->end();
  return true;
}

//   0  0x72   1  version   2  data bytes, 0 to 255 for 0xfe   4  of version 3: digest length,
//   digest then  opcode (1)  zero (2)  function (2)  zero (2)  sequence (2)
bool write_s7comm_plus(Bytes unit, EventWriter* events) {
  constexpr uint8_t kSystemEvent = 0xfe, kDigestVersion = 3, kDigestBytes = 32;
  Reader r(unit);
  const uint8_t protocol = r.u8();
  const uint8_t version = r.u8();
  const uint16_t data_bytes = r.be16();
  const bool is_version =
      (version >= 1 && version <= 3) || version == kSystemEvent || version == kSystemEvent + 1;
  if (!r.ok() || protocol != 0x72 || !is_version || data_bytes > r.remaining()) return false;
  if (version == kDigestVersion && r.peek_u8() == kDigestBytes) r.skip(1 + kDigestBytes);
  const uint8_t opcode = r.u8();
  r.skip(2);
  const uint16_t function = r.be16();
  r.skip(2);
  const uint16_t sequence = r.be16();
  events->begin(event::kS7commPlus);
  events->put(plus::kVersion, version);
  const std::string_view name = name_of(kPlusOpcodes, opcode);
  if (r.ok() && version <= kDigestVersion && !name.empty()) {
    events->put_text(plus::kOpcode, name);
    if (opcode != 0x33) {
      events->put(plus::kFunctionCode, function);
      put_name(plus::kFunction, name_of(kPlusFunctions, function), events);
      events->put(plus::kSequence, sequence);
    }
  }
  events->end();
  return true;
}

}  // namespace thymus::dpi
