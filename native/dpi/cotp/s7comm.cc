#include "base/generated/events/s7comm.h"

#include "base/generated/events/s7comm_plus.h"
#include "dpi/cotp/users.h"
#include "dpi/industrial/operation.h"

namespace thymus::dpi {
namespace {

namespace ids = event::s7comm;
namespace plus = event::s7comm_plus;

constexpr uint8_t kJob = 1, kAck = 2, kAckData = 3, kUserData = 7;

constexpr CotpName kRosctr[] = {
    {kJob, "job"}, {kAck, "ack"}, {kAckData, "ack_data"}, {kUserData, "userdata"}};

constexpr Service kFunctions[] = {{0x00, "cpu_services", Operation::kOther},
                                  {0x04, "read_var", Operation::kRead},
                                  {0x05, "write_var", Operation::kWrite},
                                  {0x1a, "request_download", Operation::kProgram},
                                  {0x1b, "download_block", Operation::kProgram},
                                  {0x1c, "download_ended", Operation::kProgram},
                                  {0x1d, "start_upload", Operation::kProgram},
                                  {0x1e, "upload", Operation::kProgram},
                                  {0x1f, "end_upload", Operation::kProgram},
                                  {0x28, "plc_control", Operation::kControl},
                                  {0x29, "plc_stop", Operation::kControl},
                                  {0xf0, "setup_communication", Operation::kOther}};
static_assert(is_sorted_table(kFunctions));

constexpr Service kGroups[] = {{0x0, "mode_transition", Operation::kControl},
                               {0x1, "programmer_commands", Operation::kControl},
                               {0x2, "cyclic_data", Operation::kRead},
                               {0x3, "block_functions", Operation::kIdentify},
                               {0x4, "cpu_functions", Operation::kOther},
                               {0x5, "security", Operation::kOther},
                               {0x6, "pbc", Operation::kOther},
                               {0x7, "time_functions", Operation::kRead},
                               {0xf, "nc_programming", Operation::kProgram}};
static_assert(is_sorted_table(kGroups));

// Group and subfunction as one number.
constexpr Service kSubfunctions[] = {{0x301, "list_blocks", Operation::kIdentify},
                                     {0x302, "list_blocks_of_type", Operation::kIdentify},
                                     {0x303, "get_block_info", Operation::kIdentify},
                                     {0x401, "read_szl", Operation::kIdentify},
                                     {0x402, "message_service", Operation::kRead},
                                     {0x501, "plc_password", Operation::kOther},
                                     {0x701, "read_clock", Operation::kRead},
                                     {0x702, "set_clock", Operation::kWrite},
                                     {0x703, "read_clock_following", Operation::kRead},
                                     {0x704, "set_clock", Operation::kWrite}};
static_assert(is_sorted_table(kSubfunctions));

constexpr CotpName kPlusOpcodes[] = {{0x31, "request"}, {0x32, "response"}, {0x33, "notification"}};

constexpr Service kPlusFunctions[] = {{0x04bb, "explore", Operation::kRead},
                                      {0x04ca, "create_object", Operation::kProgram},
                                      {0x04d4, "delete_object", Operation::kProgram},
                                      {0x04f2, "set_variable", Operation::kWrite},
                                      {0x0524, "get_link", Operation::kRead},
                                      {0x0542, "set_multi_variables", Operation::kWrite},
                                      {0x054c, "get_multi_variables", Operation::kRead},
                                      {0x0556, "begin_sequence", Operation::kProgram},
                                      {0x0560, "end_sequence", Operation::kProgram},
                                      {0x056b, "invoke", Operation::kControl},
                                      {0x0586, "get_var_substreamed", Operation::kRead}};
static_assert(is_sorted_table(kPlusFunctions));

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
  const Service of_group = service_of(kGroups, group);
  const Service of_both = service_of(kSubfunctions, group * 0x100u + subfunction);
  const Operation operation = of_both.name.empty() ? of_group.operation : of_both.operation;
  events->put_text(ids::kOperation, name_of(operation));
  put_name(ids::kFunction, of_group.name, events);
  events->put(ids::kSubfunctionCode, subfunction);
  put_name(ids::kSubfunction, of_both.name, events);
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
    events->put_text(ids::kOperation, name_of(service_of(kFunctions, function).operation));
    put_name(ids::kFunction, service_of(kFunctions, function).name, events);
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
      events->put_text(plus::kOperation, name_of(service_of(kPlusFunctions, function).operation));
      put_name(plus::kFunction, service_of(kPlusFunctions, function).name, events);
      events->put(plus::kSequence, sequence);
    }
  }
  events->end();
  return true;
}

}  // namespace thymus::dpi
