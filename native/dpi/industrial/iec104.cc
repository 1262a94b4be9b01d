// IEC 60870-5-104: the application service data units of IEC 60870-5-101 over TCP.
//
//   0  0x68   1  bytes behind this one   2  control (4)   6  ASDU, in messages of information only
//
// The control bytes begin with bits that tell information (.0), supervisory (01) and unnumbered
// (11) messages. An ASDU, its numbers little-endian:
//
//   0  type   1  number of objects, highest bit: one address for all   2  cause, 0x40 negative,
//   0x80 test   3  originator   4  common address (2)   6  objects: address (3) and an element each
#include "base/generated/events/iec104.h"

#include <bit>

#include "base/number_names.h"
#include "dpi/industrial/framed_flow.h"

namespace thymus::dpi {
namespace {

namespace ids = event::iec104;
namespace asdu = ids::asdu;

constexpr uint16_t kPorts[] = {2404};
constexpr size_t kPrefixBytes = 2;
constexpr size_t kMinLength = 4, kMaxLength = 253;
constexpr int kMaxObjects = 32;

// IEC 60870-5-101, 7.2.1.1.
struct Type {
  uint8_t number;
  uint8_t element_bytes;  // 0: not of one size
  std::string_view name;
  Operation operation;
};
constexpr Type kTypes[] = {
    {1, 1, "M_SP_NA_1", Operation::kRead},      {2, 4, "M_SP_TA_1", Operation::kRead},
    {3, 1, "M_DP_NA_1", Operation::kRead},      {4, 4, "M_DP_TA_1", Operation::kRead},
    {5, 2, "M_ST_NA_1", Operation::kRead},      {6, 5, "M_ST_TA_1", Operation::kRead},
    {7, 5, "M_BO_NA_1", Operation::kRead},      {8, 8, "M_BO_TA_1", Operation::kRead},
    {9, 3, "M_ME_NA_1", Operation::kRead},      {10, 6, "M_ME_TA_1", Operation::kRead},
    {11, 3, "M_ME_NB_1", Operation::kRead},     {12, 6, "M_ME_TB_1", Operation::kRead},
    {13, 5, "M_ME_NC_1", Operation::kRead},     {14, 8, "M_ME_TC_1", Operation::kRead},
    {15, 5, "M_IT_NA_1", Operation::kRead},     {16, 8, "M_IT_TA_1", Operation::kRead},
    {17, 6, "M_EP_TA_1", Operation::kRead},     {18, 7, "M_EP_TB_1", Operation::kRead},
    {19, 7, "M_EP_TC_1", Operation::kRead},     {20, 5, "M_PS_NA_1", Operation::kRead},
    {21, 2, "M_ME_ND_1", Operation::kRead},     {30, 8, "M_SP_TB_1", Operation::kRead},
    {31, 8, "M_DP_TB_1", Operation::kRead},     {32, 9, "M_ST_TB_1", Operation::kRead},
    {33, 12, "M_BO_TB_1", Operation::kRead},    {34, 10, "M_ME_TD_1", Operation::kRead},
    {35, 10, "M_ME_TE_1", Operation::kRead},    {36, 12, "M_ME_TF_1", Operation::kRead},
    {37, 12, "M_IT_TB_1", Operation::kRead},    {38, 10, "M_EP_TD_1", Operation::kRead},
    {39, 11, "M_EP_TE_1", Operation::kRead},    {40, 11, "M_EP_TF_1", Operation::kRead},
    {45, 1, "C_SC_NA_1", Operation::kControl},  {46, 1, "C_DC_NA_1", Operation::kControl},
    {47, 1, "C_RC_NA_1", Operation::kControl},  {48, 3, "C_SE_NA_1", Operation::kWrite},
    {49, 3, "C_SE_NB_1", Operation::kWrite},    {50, 5, "C_SE_NC_1", Operation::kWrite},
    {51, 4, "C_BO_NA_1", Operation::kWrite},    {58, 8, "C_SC_TA_1", Operation::kControl},
    {59, 8, "C_DC_TA_1", Operation::kControl},  {60, 8, "C_RC_TA_1", Operation::kControl},
    {61, 10, "C_SE_TA_1", Operation::kWrite},   {62, 10, "C_SE_TB_1", Operation::kWrite},
    {63, 12, "C_SE_TC_1", Operation::kWrite},   {64, 11, "C_BO_TA_1", Operation::kWrite},
    {70, 1, "M_EI_NA_1", Operation::kOther},    {100, 1, "C_IC_NA_1", Operation::kRead},
    {101, 1, "C_CI_NA_1", Operation::kRead},    {102, 0, "C_RD_NA_1", Operation::kRead},
    {103, 7, "C_CS_NA_1", Operation::kWrite},   {104, 2, "C_TS_NA_1", Operation::kOther},
    {105, 1, "C_RP_NA_1", Operation::kControl}, {106, 2, "C_CD_NA_1", Operation::kOther},
    {107, 9, "C_TS_TA_1", Operation::kOther},   {110, 3, "P_ME_NA_1", Operation::kWrite},
    {111, 3, "P_ME_NB_1", Operation::kWrite},   {112, 5, "P_ME_NC_1", Operation::kWrite},
    {113, 1, "P_AC_NA_1", Operation::kWrite},   {120, 6, "F_FR_NA_1", Operation::kProgram},
    {121, 7, "F_SR_NA_1", Operation::kProgram}, {122, 4, "F_SC_NA_1", Operation::kProgram},
    {123, 5, "F_LS_NA_1", Operation::kProgram}, {124, 4, "F_AF_NA_1", Operation::kProgram},
    {125, 0, "F_SG_NA_1", Operation::kProgram}, {126, 13, "F_DR_TA_1", Operation::kProgram},
    {127, 16, "F_SC_NB_1", Operation::kProgram}};

constexpr NumberName kCauses[] = {{1, "periodic"},
                                  {2, "background"},
                                  {3, "spontaneous"},
                                  {4, "initialized"},
                                  {5, "request"},
                                  {6, "activation"},
                                  {7, "activation_confirmation"},
                                  {8, "deactivation"},
                                  {9, "deactivation_confirmation"},
                                  {10, "activation_termination"},
                                  {11, "return_remote"},
                                  {12, "return_local"},
                                  {13, "file_transfer"},
                                  {14, "authentication"},
                                  {15, "session_key"},
                                  {16, "user_role"},
                                  {20, "interrogated_by_station"},
                                  {21, "interrogated_by_group_1"},
                                  {22, "interrogated_by_group_2"},
                                  {23, "interrogated_by_group_3"},
                                  {24, "interrogated_by_group_4"},
                                  {25, "interrogated_by_group_5"},
                                  {26, "interrogated_by_group_6"},
                                  {27, "interrogated_by_group_7"},
                                  {28, "interrogated_by_group_8"},
                                  {29, "interrogated_by_group_9"},
                                  {30, "interrogated_by_group_10"},
                                  {31, "interrogated_by_group_11"},
                                  {32, "interrogated_by_group_12"},
                                  {33, "interrogated_by_group_13"},
                                  {34, "interrogated_by_group_14"},
                                  {35, "interrogated_by_group_15"},
                                  {36, "interrogated_by_group_16"},
                                  {37, "counters_by_general_request"},
                                  {38, "counters_by_group_1"},
                                  {39, "counters_by_group_2"},
                                  {40, "counters_by_group_3"},
                                  {41, "counters_by_group_4"},
                                  {44, "unknown_type"},
                                  {45, "unknown_cause"},
                                  {46, "unknown_common_address"},
                                  {47, "unknown_object_address"}};
static_assert(is_sorted_table(kCauses));

using State = FramedFlow;

const Type* type_of(uint8_t number) {
  for (const Type& type : kTypes) {
    if (type.number == number) return &type;
  }
  return nullptr;
}

// Of an unnumbered message: one of six bits.
std::string_view function_of(uint8_t control) {
  constexpr std::string_view kNames[] = {"startdt_act", "startdt_con", "stopdt_act",
                                         "stopdt_con",  "testfr_act",  "testfr_con"};
  const unsigned bits = control >> 2;
  return std::has_single_bit(bits) ? kNames[std::countr_zero(bits)] : std::string_view();
}

bool is_information(uint8_t control) { return (control & 1) == 0; }
bool is_unnumbered(uint8_t control) { return (control & 3) == 3; }

bool is_control(Bytes control) {
  const Reader r(control);
  if (is_information(r.peek_u8())) return (r.peek_u8(2) & 1) == 0;
  if (is_unnumbered(r.peek_u8())) {
    return !function_of(r.peek_u8()).empty() && r.peek_u8(1) == 0 && r.peek_be16(2) == 0;
  }
  return r.peek_be16() == 0x0100 && (r.peek_u8(2) & 1) == 0;
}

size_t measure(Bytes bytes) {
  constexpr uint8_t kStart = 0x68;
  const Reader r(bytes);
  if (r.peek_u8() != kStart) return FramedStream::kNoFrame;
  if (r.remaining() < kPrefixBytes) return 0;
  const uint8_t length = r.peek_u8(1);
  if (length < kMinLength || length > kMaxLength) return FramedStream::kNoFrame;
  if (r.remaining() < kPrefixBytes + kMinLength) return 0;
  const Bytes control = bytes.subspan(kPrefixBytes, kMinLength);
  const bool is_right_length = is_information(control[0]) ? length > 10 : length == kMinLength;
  return is_control(control) && is_right_length ? kPrefixBytes + length : FramedStream::kNoFrame;
}

// ---- Objects

void put_signed(int64_t value, EventWriter* events) {
  events->put_float(asdu::objects::kNumber, static_cast<double>(value));
}

int16_t le16_signed(Reader* r) { return std::bit_cast<int16_t>(r->le16()); }

// A value where it says what is asked or reported: points, measured values, commands.
void put_value(uint8_t type, Reader element, EventWriter* events) {
  constexpr uint8_t kSelect = 0x80;
  switch (type) {
    case 1:
    case 2:
    case 30:
      events->put(asdu::objects::kValue, element.u8() & 1u);
      break;
    case 3:
    case 4:
    case 31:
      events->put(asdu::objects::kValue, element.u8() & 3u);
      break;
    case 9:
    case 10:
    case 11:
    case 12:
    case 21:
    case 34:
    case 35:
      put_signed(le16_signed(&element), events);
      break;
    case 13:
    case 14:
    case 36:
      events->put_float(asdu::objects::kNumber, std::bit_cast<float>(element.le32()));
      break;
    case 15:
    case 16:
    case 37:
      put_signed(std::bit_cast<int32_t>(element.le32()), events);
      break;
    case 45:
    case 58:
      events->put(asdu::objects::kValue, element.peek_u8() & 1u);
      events->put_bool(asdu::objects::kSelect, (element.u8() & kSelect) != 0);
      break;
    case 46:
    case 47:
    case 59:
    case 60:
      events->put(asdu::objects::kValue, element.peek_u8() & 3u);
      events->put_bool(asdu::objects::kSelect, (element.u8() & kSelect) != 0);
      break;
    case 48:
    case 49:
    case 61:
    case 62:
      put_signed(le16_signed(&element), events);
      events->put_bool(asdu::objects::kSelect, (element.u8() & kSelect) != 0);
      break;
    case 50:
    case 63:
      events->put_float(asdu::objects::kNumber, std::bit_cast<float>(element.le32()));
      events->put_bool(asdu::objects::kSelect, (element.u8() & kSelect) != 0);
      break;
    case 51:
    case 64:
      events->put(asdu::objects::kValue, element.le32());
      break;
    case 100:
    case 101:
    case 105:
      events->put(asdu::objects::kValue, element.u8());
      break;
    default:
      break;
  }
}

uint32_t address_of(Reader* r) {
  const uint32_t low = r->le16();
  return low | static_cast<uint32_t>(r->u8()) << 16;
}

// False when the objects need more or less bytes than there are.
bool put_objects(Reader r, const Type& type, uint8_t count, bool is_sequence, EventWriter* events) {
  constexpr uint8_t kReadCommand = 102;
  const bool has_size = type.element_bytes > 0 || type.number == kReadCommand;
  uint32_t address = 0;
  for (int i = 0; i < count; ++i) {
    if (i == 0 || !is_sequence) {
      address = address_of(&r);
    } else {
      ++address;
    }
    const Reader element(r.take(type.element_bytes));
    if (!r.ok()) return false;
    if (i >= kMaxObjects) continue;
    events->open(asdu::kObjects);
    events->put(asdu::objects::kAddress, address);
    put_value(type.number, element, events);
    events->close();
    if (!has_size) return true;
  }
  return !has_size || r.empty();
}

void on_information(Reader r, State* state, Context* context) {
  constexpr uint8_t kOneAddress = 0x80, kNegative = 0x40, kTest = 0x80;
  const uint16_t send = r.le16() >> 1;
  const uint16_t receive = r.le16() >> 1;
  const uint8_t type_id = r.u8();
  const uint8_t qualifier = r.u8();
  const uint8_t cause = r.u8();
  const uint8_t originator = r.u8();
  const uint16_t common_address = r.le16();
  if (!r.ok()) return state->quota.complain(anomaly_code::kIec104Malformed, context);
  const Type* type = type_of(type_id);
  const Operation operation = type != nullptr ? type->operation : Operation::kOther;
  if (!state->quota.allows(operation, context)) return;
  EventWriter* events = context->events;
  events->begin(event::kIec104);
  events->put_text(ids::kOperation, name_of(operation));
  events->put_text(ids::kType, "i");
  events->put(ids::kSendSequence, send);
  events->put(ids::kReceiveSequence, receive);
  events->open(ids::kAsdu);
  events->put(asdu::kTypeId, type_id);
  if (type != nullptr) events->put_text(asdu::kType, type->name);
  const uint8_t count = qualifier & ~kOneAddress;
  events->put(asdu::kCount, count);
  events->put_bool(asdu::kSequence, (qualifier & kOneAddress) != 0);
  events->put(asdu::kCause, cause & 0x3fu);
  put_name(asdu::kCauseName, name_of(kCauses, cause & 0x3fu), events);
  events->put_bool(asdu::kNegative, (cause & kNegative) != 0);
  events->put_bool(asdu::kTest, (cause & kTest) != 0);
  events->put(asdu::kOriginator, originator);
  events->put(asdu::kCommonAddress, common_address);
  const bool fits =
      type == nullptr || put_objects(r, *type, count, (qualifier & kOneAddress) != 0, events);
  events->close();
  events->end();
  if (type == nullptr) state->quota.complain(anomaly_code::kIec104UnknownType, context);
  if (!fits) state->quota.complain(anomaly_code::kIec104Malformed, context);
}

void on_frame(Bytes frame, State* state, Context* context) {
  Reader r(frame);
  r.skip(kPrefixBytes);
  const uint8_t control = r.peek_u8();
  if (is_information(control)) return on_information(r, state, context);
  if (!is_unnumbered(control) || !state->quota.allows(Operation::kOther, context)) return;
  EventWriter* events = context->events;
  events->begin(event::kIec104);
  events->put_text(ids::kOperation, name_of(Operation::kOther));
  events->put_text(ids::kType, "u");
  events->put_text(ids::kFunction, function_of(control));
  events->end();
}

// What is known of an ASDU: its type and cause.
bool is_known_asdu(Bytes frame) {
  const Reader r(frame);
  return type_of(r.peek_u8(6)) != nullptr && !name_of(kCauses, r.peek_u8(8) & 0x3fu).empty();
}

Likelihood probe(const Segment& first) {
  const size_t length = measure(first.data);
  if (length == FramedStream::kNoFrame) return Likelihood::kNo;
  const bool is_on_port = first.has_port(kPorts[0]);
  if (length == 0 || first.data.size() < length) {
    return is_on_port ? Likelihood::kMaybe : Likelihood::kNo;
  }
  // Behind a message comes another one.
  const bool is_followed =
      first.data.size() == length || measure(first.data.subspan(length)) != FramedStream::kNoFrame;
  if (!is_followed) return Likelihood::kNo;
  const uint8_t control = first.data[kPrefixBytes];
  const bool is_sure = is_on_port || is_unnumbered(control) ||
                       (is_information(control) && is_known_asdu(first.data));
  return is_sure ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* iec104 = static_cast<State*>(state);
  constexpr FrameRules kRules{measure, kPrefixBytes + kMaxLength, anomaly_code::kIec104Malformed};
  return show_frames(kRules, segment, iec104, context,
                     [&](Bytes frame, size_t) { on_frame(frame, iec104, context); });
}

}  // namespace

extern const Parser kIec104;

const Parser kIec104{
    .app = AppId::kIec104,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = lose_frames<State>,
    .first_bytes = "\x68",
    .ports = kPorts,
};

}  // namespace thymus::dpi
