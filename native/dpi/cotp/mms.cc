#include "base/generated/events/mms.h"

#include "dpi/ber.h"
#include "dpi/cotp/users.h"

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
constexpr std::string_view kServices[] = {"status",
                                          "get_name_list",
                                          "identify",
                                          "rename",
                                          "read",
                                          "write",
                                          "get_variable_access_attributes",
                                          "define_named_variable",
                                          "define_scattered_access",
                                          "get_scattered_access_attributes",
                                          "delete_variable_access",
                                          "define_named_variable_list",
                                          "get_named_variable_list_attributes",
                                          "delete_named_variable_list",
                                          "define_named_type",
                                          "get_named_type_attributes",
                                          "delete_named_type",
                                          "input",
                                          "output",
                                          "take_control",
                                          "relinquish_control",
                                          "define_semaphore",
                                          "delete_semaphore",
                                          "report_semaphore_status",
                                          "report_pool_semaphore_status",
                                          "report_semaphore_entry_status",
                                          "initiate_download_sequence",
                                          "download_segment",
                                          "terminate_download_sequence",
                                          "initiate_upload_sequence",
                                          "upload_segment",
                                          "terminate_upload_sequence",
                                          "request_domain_download",
                                          "request_domain_upload",
                                          "load_domain_content",
                                          "store_domain_content",
                                          "delete_domain",
                                          "get_domain_attributes",
                                          "create_program_invocation",
                                          "delete_program_invocation",
                                          "start",
                                          "stop",
                                          "resume",
                                          "reset",
                                          "kill",
                                          "get_program_invocation_attributes",
                                          "obtain_file",
                                          "define_event_condition",
                                          "delete_event_condition",
                                          "get_event_condition_attributes",
                                          "report_event_condition_status",
                                          "alter_event_condition_monitoring",
                                          "trigger_event",
                                          "define_event_action",
                                          "delete_event_action",
                                          "get_event_action_attributes",
                                          "report_event_action_status",
                                          "define_event_enrollment",
                                          "delete_event_enrollment",
                                          "alter_event_enrollment",
                                          "report_event_enrollment_status",
                                          "get_event_enrollment_attributes",
                                          "acknowledge_event_notification",
                                          "get_alarm_summary",
                                          "get_alarm_enrollment_summary",
                                          "read_journal",
                                          "write_journal",
                                          "initialize_journal",
                                          "report_journal_status",
                                          "create_journal",
                                          "delete_journal",
                                          "get_capability_list",
                                          "file_open",
                                          "file_read",
                                          "file_close",
                                          "file_rename",
                                          "file_delete",
                                          "file_directory",
                                          "additional_service"};
constexpr std::string_view kUnconfirmedServices[] = {"information_report", "unsolicited_status",
                                                     "event_notification"};

bool find(BerReader elements, uint32_t tag, Bytes* content) {
  BerElement element;
  while (elements.next(&element)) {
    if (element.tag != tag) continue;
    *content = element.content;
    return true;
  }
  return false;
}

std::string_view service_name(std::span<const std::string_view> names, uint32_t tag) {
  const uint32_t number = tag > 0xff ? tag & 0x7f : tag & 0x1f;
  return number < names.size() ? names[number] : std::string_view{};
}

constexpr size_t kMaxInvokeIdBytes = 5;

// What a message says before its contents.
struct Pdu {
  uint32_t tag = 0;
  std::string_view name;
  std::string_view service;
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
    pdu->service = service_name(kServices, service.tag);
    return !pdu->service.empty();
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
      pdu->service = service_name(kUnconfirmedServices, service.tag);
      return !pdu->service.empty();
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
  if (!pdu.service.empty()) events->put_text(ids::kService, pdu.service);
  if (pdu.invoke_id >= 0) events->put(ids::kInvokeId, static_cast<uint64_t>(pdu.invoke_id));
  events->end();
  return true;
}

}  // namespace thymus::dpi
