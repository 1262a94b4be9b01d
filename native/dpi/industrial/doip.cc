// Diagnostics over IP (ISO 13400-2) over UDP and TCP, with the diagnostic services (ISO 14229-1)
// that it carries to a vehicle's control units:
//
//   0  version   1  its complement   2  type   4  bytes behind the header   8  contents
#include "base/generated/events/doip.h"

#include "base/number_names.h"
#include "dpi/industrial/framed_flow.h"

namespace thymus::dpi {
namespace {

namespace ids = event::doip;

constexpr uint16_t kPorts[] = {13400};
constexpr size_t kHeaderBytes = 8;
constexpr size_t kMaxKept = 1024;
constexpr size_t kMaxMessageBytes = 64 * 1024 * 1024;
constexpr size_t kVinBytes = 17, kEidBytes = 6;

constexpr Service kMessages[] = {
    {0x0000, "negative_acknowledge", Operation::kOther},
    {0x0001, "vehicle_identification_request", Operation::kIdentify},
    {0x0002, "vehicle_identification_request_eid", Operation::kIdentify},
    {0x0003, "vehicle_identification_request_vin", Operation::kIdentify},
    {0x0004, "vehicle_announcement", Operation::kIdentify},
    {0x0005, "routing_activation_request", Operation::kOther},
    {0x0006, "routing_activation_response", Operation::kOther},
    {0x0007, "alive_check_request", Operation::kOther},
    {0x0008, "alive_check_response", Operation::kOther},
    {0x4001, "entity_status_request", Operation::kIdentify},
    {0x4002, "entity_status_response", Operation::kIdentify},
    {0x4003, "power_mode_request", Operation::kRead},
    {0x4004, "power_mode_response", Operation::kRead},
    {0x8001, "diagnostic_message", Operation::kOther},
    {0x8002, "diagnostic_acknowledge", Operation::kOther},
    {0x8003, "diagnostic_negative_acknowledge", Operation::kOther}};
static_assert(is_sorted_table(kMessages));

constexpr Service kServices[] = {{0x10, "diagnostic_session_control", Operation::kControl},
                                 {0x11, "ecu_reset", Operation::kControl},
                                 {0x14, "clear_diagnostic_information", Operation::kWrite},
                                 {0x19, "read_dtc_information", Operation::kRead},
                                 {0x22, "read_data_by_identifier", Operation::kRead},
                                 {0x23, "read_memory_by_address", Operation::kRead},
                                 {0x24, "read_scaling_data_by_identifier", Operation::kRead},
                                 {0x27, "security_access", Operation::kOther},
                                 {0x28, "communication_control", Operation::kControl},
                                 {0x29, "authentication", Operation::kOther},
                                 {0x2a, "read_data_by_periodic_identifier", Operation::kRead},
                                 {0x2c, "dynamically_define_data_identifier", Operation::kWrite},
                                 {0x2e, "write_data_by_identifier", Operation::kWrite},
                                 {0x2f, "input_output_control", Operation::kControl},
                                 {0x31, "routine_control", Operation::kControl},
                                 {0x34, "request_download", Operation::kProgram},
                                 {0x35, "request_upload", Operation::kProgram},
                                 {0x36, "transfer_data", Operation::kProgram},
                                 {0x37, "request_transfer_exit", Operation::kProgram},
                                 {0x38, "request_file_transfer", Operation::kProgram},
                                 {0x3d, "write_memory_by_address", Operation::kProgram},
                                 {0x3e, "tester_present", Operation::kOther},
                                 {0x83, "access_timing_parameter", Operation::kOther},
                                 {0x84, "secured_data_transmission", Operation::kOther},
                                 {0x85, "control_dtc_setting", Operation::kControl},
                                 {0x86, "response_on_event", Operation::kOther},
                                 {0x87, "link_control", Operation::kControl}};
static_assert(is_sorted_table(kServices));

constexpr NumberName kNegativeResponses[] = {{0x10, "general_reject"},
                                             {0x11, "service_not_supported"},
                                             {0x12, "subfunction_not_supported"},
                                             {0x13, "incorrect_message_length"},
                                             {0x14, "response_too_long"},
                                             {0x21, "busy_repeat_request"},
                                             {0x22, "conditions_not_correct"},
                                             {0x24, "request_sequence_error"},
                                             {0x31, "request_out_of_range"},
                                             {0x33, "security_access_denied"},
                                             {0x34, "authentication_required"},
                                             {0x35, "invalid_key"},
                                             {0x36, "exceeded_number_of_attempts"},
                                             {0x37, "required_time_delay_not_expired"},
                                             {0x70, "upload_download_not_accepted"},
                                             {0x71, "transfer_data_suspended"},
                                             {0x72, "general_programming_failure"},
                                             {0x73, "wrong_block_sequence_counter"},
                                             {0x78, "response_pending"},
                                             {0x7e, "subfunction_not_supported_in_session"},
                                             {0x7f, "service_not_supported_in_session"}};
static_assert(is_sorted_table(kNegativeResponses));

using State = FramedFlow;

size_t measure(Bytes bytes) {
  constexpr uint8_t kAnyVersion = 0xff, kHighestVersion = 4;
  Reader r(bytes);
  const uint8_t version = r.peek_u8();
  if (version == 0 || (version > kHighestVersion && version != kAnyVersion)) {
    return FramedStream::kNoFrame;
  }
  if (r.remaining() >= 2 && (r.peek_u8(1) ^ version) != 0xff) return FramedStream::kNoFrame;
  if (r.remaining() < kHeaderBytes) return 0;
  r.skip(2);
  const bool is_known = !service_of(kMessages, r.be16()).name.empty();
  const uint32_t length = r.be32();
  return is_known && length <= kMaxMessageBytes ? kHeaderBytes + length : FramedStream::kNoFrame;
}

// Identifier of the vehicle (17)  address (2)  of the entity (6)  of its group (6)
bool put_announcement(Reader r, EventWriter* events) {
  const Bytes vin = r.take(kVinBytes);
  const uint16_t address = r.be16();
  const Bytes eid = r.take(kEidBytes);
  const Bytes gid = r.take(kEidBytes);
  if (!r.ok()) return false;
  events->put_bytes(ids::kVin, vin);
  events->put(ids::kSrc, address);
  events->put_bytes(ids::kEid, eid);
  events->put_bytes(ids::kGid, gid);
  return true;
}

// A request, its answer (0x40 higher) or a refusal: 0x7f, the request's service, a reason.
Service service_in(Reader r) {
  constexpr uint8_t kRefusal = 0x7f, kAnswer = 0x40;
  const uint8_t first = r.u8();
  const uint8_t service = first == kRefusal                           ? r.u8()
                          : service_of(kServices, first).name.empty() ? first & ~kAnswer
                                                                      : first;
  return service_of(kServices, service);
}

void put_diagnostic(Reader r, EventWriter* events) {
  constexpr uint8_t kRefusal = 0x7f;
  const Service service = service_in(r);
  const uint8_t first = r.u8();
  if (!r.ok()) return;
  put_name(ids::kService, service.name, events);
  events->put(ids::kServiceId, service.number);
  if (first == kRefusal) {
    r.skip(1);
    const uint8_t reason = r.u8();
    if (!r.ok()) return;
    events->put(ids::kCode, reason);
    const std::string_view name = name_of(kNegativeResponses, reason);
    return events->put_text(ids::kResponse, name.empty() ? "negative" : name);
  }
  if (first != service.number) events->put_text(ids::kResponse, "positive");
  switch (service.number) {
    case 0x22:
    case 0x2e:
    case 0x2f:
      if (r.remaining() >= 2) events->put(ids::kDataIdentifier, r.be16());
      break;
    case 0x31:
      if (r.remaining() < 3) break;
      events->put(ids::kSubfunction, r.u8());
      events->put(ids::kDataIdentifier, r.be16());
      break;
    case 0x10:
    case 0x11:
    case 0x19:
    case 0x27:
    case 0x28:
    case 0x3e:
    case 0x85:
      if (!r.empty()) events->put(ids::kSubfunction, r.u8() & 0x7fu);
      break;
    default:
      break;
  }
}

// False when the contents are too short.
bool put_contents(uint16_t type, Reader r, EventWriter* events) {
  switch (type) {
    case 0x0000:
      events->put(ids::kCode, r.u8());
      return r.ok();
    case 0x0002:
      events->put_bytes(ids::kEid, r.take(kEidBytes));
      return r.ok();
    case 0x0003:
      events->put_bytes(ids::kVin, r.take(kVinBytes));
      return r.ok();
    case 0x0004:
      return put_announcement(r, events);
    case 0x0005:
      events->put(ids::kSrc, r.be16());
      events->put(ids::kCode, r.u8());
      return r.ok();
    case 0x0006:
      events->put(ids::kTarget, r.be16());
      events->put(ids::kSrc, r.be16());
      events->put_text(ids::kActivation, r.peek_u8() == 0x10 ? "activated" : "denied");
      events->put(ids::kCode, r.u8());
      return r.ok();
    case 0x0008:
      events->put(ids::kSrc, r.be16());
      return r.ok();
    case 0x8001:
      events->put(ids::kSrc, r.be16());
      events->put(ids::kTarget, r.be16());
      put_diagnostic(r, events);
      return r.ok() && !r.empty();
    case 0x8002:
    case 0x8003:
      events->put(ids::kSrc, r.be16());
      events->put(ids::kTarget, r.be16());
      events->put(ids::kCode, r.u8());
      return r.ok();
    default:
      return true;
  }
}

void on_frame(Bytes frame, State* state, Context* context) {
  constexpr uint16_t kDiagnosticMessage = 0x8001;
  Reader r(frame);
  const uint8_t version = r.u8();
  r.skip(1);
  const uint16_t type = r.be16();
  r.skip(4);
  const Service message = service_of(kMessages, type);
  Operation operation = message.operation;
  if (type == kDiagnosticMessage) {
    Reader diagnostic = r;
    diagnostic.skip(4);
    operation = service_in(diagnostic).operation;
  }
  if (!state->quota.allows(operation, context)) return;
  EventWriter* events = context->events;
  events->begin(event::kDoip);
  events->put_text(ids::kOperation, name_of(operation));
  events->put(ids::kVersion, version);
  events->put_text(ids::kMessage, message.name);
  const bool fits = put_contents(type, r, events);
  events->end();
  if (!fits) state->quota.complain(anomaly_code::kDoipMalformed, context);
}

Likelihood probe(const Segment& first) {
  const size_t length = measure(first.data);
  if (length == FramedStream::kNoFrame) return Likelihood::kNo;
  if (first.has_port(kPorts[0])) return length == 0 ? Likelihood::kMaybe : Likelihood::kLikely;
  return length != 0 && length <= first.data.size() ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* doip = static_cast<State*>(state);
  constexpr FrameRules kRules{measure, kMaxKept, anomaly_code::kDoipMalformed};
  return show_frames(kRules, segment, doip, context,
                     [&](Bytes frame, size_t) { on_frame(frame, doip, context); });
}

}  // namespace

extern const Parser kDoip;

const Parser kDoip{
    .app = AppId::kDoip,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .on_gap = lose_frames<State>,
    .first_bytes = "\x01\x02\x03\x04\xff",
    .ports = kPorts,
};

}  // namespace thymus::dpi
