#include "base/generated/events/mms.h"

#include "dpi/ber.h"
#include "dpi/cotp/users.h"
#include "dpi/industrial/operation.h"

namespace thymus::dpi {
namespace {

namespace ids = event::mms;

constexpr uint32_t kConfirmedRequest = ber::context_constructed(0);
constexpr uint32_t kConfirmedResponse = ber::context_constructed(1);
constexpr uint32_t kConfirmedError = ber::context_constructed(2);
constexpr uint32_t kUnconfirmed = ber::context_constructed(3);
constexpr uint32_t kReject = ber::context_constructed(4);
constexpr uint32_t kCancelRequest = ber::context(5);
constexpr uint32_t kCancelResponse = ber::context(6);
constexpr uint32_t kInitiateRequest = ber::context_constructed(8);
constexpr uint32_t kInitiateResponse = ber::context_constructed(9);

// ISO 9506-2, MMSpdu.
constexpr CotpName kPdus[] = {{kConfirmedRequest, "confirmed_request"},
                              {kConfirmedResponse, "confirmed_response"},
                              {kConfirmedError, "confirmed_error"},
                              {kUnconfirmed, "unconfirmed"},
                              {kReject, "reject"},
                              {kCancelRequest, "cancel_request"},
                              {kCancelResponse, "cancel_response"},
                              {ber::context_constructed(7), "cancel_error"},
                              {kInitiateRequest, "initiate_request"},
                              {kInitiateResponse, "initiate_response"},
                              {ber::context_constructed(10), "initiate_error"},
                              {ber::context(11), "conclude_request"},
                              {ber::context(12), "conclude_response"},
                              {ber::context_constructed(13), "conclude_error"}};

// ISO 9506-2, ConfirmedServiceRequest, by tag number.
constexpr Service kServices[] = {{0, "status", Operation::kIdentify},
                                 {1, "get_name_list", Operation::kRead},
                                 {2, "identify", Operation::kIdentify},
                                 {3, "rename", Operation::kWrite},
                                 {4, "read", Operation::kRead},
                                 {5, "write", Operation::kWrite},
                                 {6, "get_variable_access_attributes", Operation::kRead},
                                 {7, "define_named_variable", Operation::kWrite},
                                 {8, "define_scattered_access", Operation::kWrite},
                                 {9, "get_scattered_access_attributes", Operation::kRead},
                                 {10, "delete_variable_access", Operation::kWrite},
                                 {11, "define_named_variable_list", Operation::kWrite},
                                 {12, "get_named_variable_list_attributes", Operation::kRead},
                                 {13, "delete_named_variable_list", Operation::kWrite},
                                 {14, "define_named_type", Operation::kWrite},
                                 {15, "get_named_type_attributes", Operation::kRead},
                                 {16, "delete_named_type", Operation::kWrite},
                                 {17, "input", Operation::kRead},
                                 {18, "output", Operation::kControl},
                                 {19, "take_control", Operation::kControl},
                                 {20, "relinquish_control", Operation::kControl},
                                 {21, "define_semaphore", Operation::kWrite},
                                 {22, "delete_semaphore", Operation::kWrite},
                                 {23, "report_semaphore_status", Operation::kRead},
                                 {24, "report_pool_semaphore_status", Operation::kRead},
                                 {25, "report_semaphore_entry_status", Operation::kRead},
                                 {26, "initiate_download_sequence", Operation::kProgram},
                                 {27, "download_segment", Operation::kProgram},
                                 {28, "terminate_download_sequence", Operation::kProgram},
                                 {29, "initiate_upload_sequence", Operation::kProgram},
                                 {30, "upload_segment", Operation::kProgram},
                                 {31, "terminate_upload_sequence", Operation::kProgram},
                                 {32, "request_domain_download", Operation::kProgram},
                                 {33, "request_domain_upload", Operation::kProgram},
                                 {34, "load_domain_content", Operation::kProgram},
                                 {35, "store_domain_content", Operation::kProgram},
                                 {36, "delete_domain", Operation::kProgram},
                                 {37, "get_domain_attributes", Operation::kRead},
                                 {38, "create_program_invocation", Operation::kProgram},
                                 {39, "delete_program_invocation", Operation::kProgram},
                                 {40, "start", Operation::kControl},
                                 {41, "stop", Operation::kControl},
                                 {42, "resume", Operation::kControl},
                                 {43, "reset", Operation::kControl},
                                 {44, "kill", Operation::kControl},
                                 {45, "get_program_invocation_attributes", Operation::kRead},
                                 {46, "obtain_file", Operation::kWrite},
                                 {47, "define_event_condition", Operation::kWrite},
                                 {48, "delete_event_condition", Operation::kWrite},
                                 {49, "get_event_condition_attributes", Operation::kRead},
                                 {50, "report_event_condition_status", Operation::kRead},
                                 {51, "alter_event_condition_monitoring", Operation::kWrite},
                                 {52, "trigger_event", Operation::kControl},
                                 {53, "define_event_action", Operation::kWrite},
                                 {54, "delete_event_action", Operation::kWrite},
                                 {55, "get_event_action_attributes", Operation::kRead},
                                 {56, "report_event_action_status", Operation::kRead},
                                 {57, "define_event_enrollment", Operation::kWrite},
                                 {58, "delete_event_enrollment", Operation::kWrite},
                                 {59, "alter_event_enrollment", Operation::kWrite},
                                 {60, "report_event_enrollment_status", Operation::kRead},
                                 {61, "get_event_enrollment_attributes", Operation::kRead},
                                 {62, "acknowledge_event_notification", Operation::kWrite},
                                 {63, "get_alarm_summary", Operation::kRead},
                                 {64, "get_alarm_enrollment_summary", Operation::kRead},
                                 {65, "read_journal", Operation::kRead},
                                 {66, "write_journal", Operation::kWrite},
                                 {67, "initialize_journal", Operation::kWrite},
                                 {68, "report_journal_status", Operation::kRead},
                                 {69, "create_journal", Operation::kWrite},
                                 {70, "delete_journal", Operation::kWrite},
                                 {71, "get_capability_list", Operation::kRead},
                                 {72, "file_open", Operation::kRead},
                                 {73, "file_read", Operation::kRead},
                                 {74, "file_close", Operation::kRead},
                                 {75, "file_rename", Operation::kWrite},
                                 {76, "file_delete", Operation::kWrite},
                                 {77, "file_directory", Operation::kRead},
                                 {78, "additional_service", Operation::kOther}};
static_assert(is_sorted_table(kServices));
constexpr Service kUnconfirmedServices[] = {{0, "information_report", Operation::kRead},
                                            {1, "unsolicited_status", Operation::kRead},
                                            {2, "event_notification", Operation::kRead}};

bool find(BerReader elements, uint32_t tag, Bytes* content) {
  BerElement element;
  while (elements.next(&element)) {
    if (element.tag != tag) continue;
    *content = element.content;
    return true;
  }
  return false;
}

Service service_by_tag(std::span<const Service> services, uint32_t tag) {
  return service_of(services, tag > 0xff ? tag & 0x7f : tag & 0x1f);
}

constexpr size_t kMaxInvokeIdBytes = 5;

// What a message says before its contents.
struct Pdu {
  uint32_t tag = 0;
  std::string_view name;
  Service service{};
  int64_t invoke_id = -1;
};

// invoke identifier, [modifiers], service
bool read_confirmed(Bytes content, Pdu* pdu) {
  BerReader r(content);
  Bytes id;
  if (!r.take(ber::kInteger, &id) || id.empty() || id.size() > kMaxInvokeIdBytes) return false;
  pdu->invoke_id = ber::to_integer(id);
  BerElement service;
  while (r.next(&service)) {
    if (service.tag == ber::kSequence) continue;
    pdu->service = service_by_tag(kServices, service.tag);
    return !pdu->service.name.empty();
  }
  return false;
}

bool read_pdu(Bytes bytes, Pdu* pdu) {
  BerElement element;
  if (!BerReader(bytes).next(&element)) return false;
  pdu->tag = element.tag;
  pdu->name = name_of(kPdus, element.tag);
  if (pdu->name.empty()) return false;
  BerReader content(element.content);
  switch (element.tag) {
    case kConfirmedRequest:
    case kConfirmedResponse:
      return read_confirmed(element.content, pdu);
    case kConfirmedError:
      return content.integer(ber::context(0), &pdu->invoke_id);
    case kUnconfirmed: {
      BerElement service;
      if (!content.next(&service)) return false;
      pdu->service = service_by_tag(kUnconfirmedServices, service.tag);
      return !pdu->service.name.empty();
    }
    case kCancelRequest:
    case kCancelResponse:
      if (element.content.empty() || element.content.size() > kMaxInvokeIdBytes) return false;
      pdu->invoke_id = ber::to_integer(element.content);
      return true;
    default:
      return true;
  }
}

// An initiation proposes numbers, each in its own context tag, in order.
bool is_initiation(const Pdu& pdu, Bytes bytes) {
  if (pdu.tag != kInitiateRequest && pdu.tag != kInitiateResponse) return false;
  BerElement element;
  BerReader(bytes).next(&element);
  uint32_t before = 0;
  BerReader fields(element.content);
  while (fields.next(&element)) {
    if (element.tag <= before || element.tag < ber::context(0)) return false;
    before = element.tag & ~0x20u;
  }
  return fields.ok() && before >= ber::context(2);
}

// The message inside of an association control message: user information [30], EXTERNAL, [0].
Bytes associated(Bytes content) {
  constexpr uint32_t kUserInformation = ber::context_constructed(30), kExternal = 0x28;
  Bytes information, external, pdu;
  if (!find(BerReader(content), kUserInformation, &information)) return {};
  if (!find(BerReader(information), kExternal, &external)) return {};
  find(BerReader(external), ber::context_constructed(0), &pdu);
  return pdu;
}

// The message inside of presentation user data: a list of values, of which the first counts.
Bytes presented(Bytes user_data) {
  Bytes list, value;
  if (!find(BerReader(user_data), ber::kSequence, &list)) return {};
  if (!find(BerReader(list), ber::context_constructed(0), &value)) return {};
  BerElement element;
  if (!BerReader(value).next(&element)) return {};
  const bool is_association = element.tag >= ber::application_constructed(0) &&
                              element.tag <= ber::application_constructed(4);
  return is_association ? associated(element.content) : value;
}

// A presentation message: user data, or an offer or answer with them inside of [2].
Bytes of_presentation(Bytes bytes) {
  constexpr uint32_t kUserData = ber::application_constructed(1);
  BerElement element;
  if (!BerReader(bytes).next(&element)) return {};
  if (element.tag == kUserData) return presented(element.content);
  Bytes parameters, user_data;
  if (element.tag != ber::kSet) return {};
  if (!find(BerReader(element.content), ber::context_constructed(2), &parameters)) return {};
  if (!find(BerReader(parameters), kUserData, &user_data)) return {};
  return presented(user_data);
}

size_t session_length(Reader& r) {
  const uint8_t length = r.u8();
  return length == 0xff ? r.be16() : length;
}

// A session message: type, length, parameters of the same form, of which one is the user data. The
// data transfer has its user data behind it instead, and stands behind a message of two bytes.
Bytes of_session(Bytes bytes) {
  constexpr uint8_t kGiveTokens = 1, kDataTransfer = 1;
  constexpr uint8_t kUserData = 0xc1, kExtendedUserData = 0xc2;
  Reader r(bytes);
  if (r.peek_be16() == kGiveTokens << 8) {
    r.skip(2);
    if (r.u8() != kDataTransfer) return {};
    r.skip(session_length(r));
    return of_presentation(r.rest());
  }
  r.skip(1);
  Reader parameters(r.take(session_length(r)));
  while (!parameters.empty()) {
    const uint8_t code = parameters.u8();
    const Bytes value = parameters.take(session_length(parameters));
    if (code == kUserData || code == kExtendedUserData) return of_presentation(value);
  }
  return {};
}

}  // namespace

bool write_mms(Bytes unit, bool is_bare_allowed, EventWriter* events) {
  constexpr uint8_t kFirstBareTag = 0x80;
  if (unit.empty()) return false;
  const bool is_bare = unit[0] >= kFirstBareTag;
  const Bytes bytes = is_bare ? unit : of_session(unit);
  Pdu pdu;
  if (!read_pdu(bytes, &pdu)) return false;
  if (is_bare && !is_bare_allowed && !is_initiation(pdu, bytes)) return false;
  events->begin(event::kMms);
  events->put_text(ids::kPdu, pdu.name);
  events->put_text(ids::kOperation, name_of(pdu.service.operation));
  put_name(ids::kService, pdu.service.name, events);
  if (pdu.invoke_id >= 0) events->put(ids::kInvokeId, static_cast<uint64_t>(pdu.invoke_id));
  events->end();
  return true;
}

}  // namespace thymus::dpi
