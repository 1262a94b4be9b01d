#include "dpi/ldap/ldap_message.h"

#include "base/generated/events/ldap.h"
#include "base/number_names.h"
#include "base/text_builder.h"

namespace thymus::dpi {
namespace {

namespace request = event::ldap::request;
namespace responses = event::ldap::responses;

constexpr std::string_view kStartTls = "1.3.6.1.4.1.1466.20037";
constexpr uint32_t kPresent = ber::context(7);

constexpr NumberName kOperations[] = {
    {0, "bind_request"},      {1, "bind_response"},       {2, "unbind_request"},
    {3, "search_request"},    {4, "search_result_entry"}, {5, "search_result_done"},
    {6, "modify_request"},    {7, "modify_response"},     {8, "add_request"},
    {9, "add_response"},      {10, "del_request"},        {11, "del_response"},
    {12, "mod_dn_request"},   {13, "mod_dn_response"},    {14, "compare_request"},
    {15, "compare_response"}, {16, "abandon_request"},    {19, "search_result_reference"},
    {23, "extended_request"}, {24, "extended_response"},  {25, "intermediate_response"},
};
static_assert(is_sorted_table(kOperations));

constexpr NumberName kResultCodes[] = {
    {0, "success"},
    {1, "operations_error"},
    {2, "protocol_error"},
    {3, "time_limit_exceeded"},
    {4, "size_limit_exceeded"},
    {5, "compare_false"},
    {6, "compare_true"},
    {7, "auth_method_not_supported"},
    {8, "stronger_auth_required"},
    {10, "referral"},
    {11, "admin_limit_exceeded"},
    {12, "unavailable_critical_extension"},
    {13, "confidentiality_required"},
    {14, "sasl_bind_in_progress"},
    {16, "no_such_attribute"},
    {17, "undefined_attribute_type"},
    {18, "inappropriate_matching"},
    {19, "constraint_violation"},
    {20, "attribute_or_value_exists"},
    {21, "invalid_attribute_syntax"},
    {32, "no_such_object"},
    {33, "alias_problem"},
    {34, "invalid_dns_syntax"},
    {35, "is_leaf"},
    {36, "alias_dereferencing_problem"},
    {48, "inappropriate_authentication"},
    {49, "invalid_credentials"},
    {50, "insufficient_access_rights"},
    {51, "busy"},
    {52, "unavailable"},
    {53, "unwilling_to_perform"},
    {54, "loop_detect"},
    {60, "sort_control_missing"},
    {61, "offset_range_error"},
    {64, "naming_violation"},
    {65, "object_class_violation"},
    {66, "not_allowed_on_non_leaf"},
    {67, "not_allowed_on_rdn"},
    {68, "entry_already_exists"},
    {69, "object_class_mods_prohibited"},
    {70, "results_too_large"},
    {71, "affects_multiple_dsas"},
    {76, "control_error"},
    {80, "other"},
    {81, "server_down"},
    {82, "local_error"},
    {83, "encoding_error"},
    {84, "decoding_error"},
    {85, "timeout"},
    {86, "auth_unknown"},
    {87, "filter_error"},
    {88, "user_canceled"},
    {89, "param_error"},
    {90, "no_memory"},
    {91, "connect_error"},
    {92, "not_supported"},
    {93, "control_not_found"},
    {94, "no_results_returned"},
    {95, "more_results_to_return"},
    {96, "client_loop"},
    {97, "referral_limit_exceeded"},
    {100, "invalid_response"},
    {101, "ambiguous_response"},
    {112, "tls_not_supported"},
    {113, "intermediate_response"},
    {114, "unknown_type"},
    {118, "canceled"},
    {119, "no_such_operation"},
    {120, "too_late"},
    {121, "cannot_cancel"},
    {122, "assertion_failed"},
    {123, "authorization_denied"},
    {4096, "e_sync_refresh_required"},
    {16654, "no_operation"},
};
static_assert(is_sorted_table(kResultCodes));

constexpr uint32_t bit(LdapOp op) { return 1u << static_cast<int>(op); }

constexpr uint32_t kRequests = bit(LdapOp::kBindRequest) | bit(LdapOp::kUnbindRequest) |
                               bit(LdapOp::kSearchRequest) | bit(LdapOp::kModifyRequest) |
                               bit(LdapOp::kAddRequest) | bit(LdapOp::kDelRequest) |
                               bit(LdapOp::kModDnRequest) | bit(LdapOp::kCompareRequest) |
                               bit(LdapOp::kAbandonRequest) | bit(LdapOp::kExtendedRequest);
constexpr uint32_t kPartial = bit(LdapOp::kSearchResultEntry) |
                              bit(LdapOp::kSearchResultReference) |
                              bit(LdapOp::kIntermediateResponse);
constexpr uint32_t kPrimitive =
    bit(LdapOp::kUnbindRequest) | bit(LdapOp::kDelRequest) | bit(LdapOp::kAbandonRequest);

// The operation of an application tag; false when LDAP has none of this form.
bool operation_of(uint32_t tag, LdapOp* op) {
  const uint32_t number = tag & 0x1f;
  *op = static_cast<LdapOp>(number);
  const bool is_primitive = (kPrimitive & 1u << number) != 0;
  return !name_of(kOperations, number).empty() &&
         tag == (is_primitive ? ber::application(number) : ber::application_constructed(number));
}

std::string_view text(BerReader* r, uint32_t tag = ber::kOctetString) {
  Bytes content;
  return r->take(tag, &content) ? as_text(content) : std::string_view();
}

uint64_t number(BerReader* r, uint32_t tag) {
  int64_t value = 0;
  r->integer(tag, &value);
  return static_cast<uint64_t>(value);
}

bool truth(BerReader* r) { return number(r, ber::kBoolean) != 0; }

void put_texts(BerReader r, uint16_t field, EventWriter* events) {
  BerElement element;
  while (r.next(&element)) events->put_text(field, as_text(element.content));
}

// PartialAttribute ::= SEQUENCE { type, vals SET OF }; `list` is a SEQUENCE OF it.
void put_attributes(BerReader list, uint16_t field, uint16_t name, uint16_t values,
                    EventWriter* events) {
  BerReader attribute, set;
  while (list.enter(ber::kSequence, &attribute)) {
    events->open(field);
    events->put_text(name, text(&attribute));
    if (attribute.enter(ber::kSet, &set)) put_texts(set, values, events);
    events->close();
  }
}

void put_search(BerReader r, EventWriter* events) {
  namespace ids = request::search_request;
  events->put_text(ids::kBaseObject, text(&r));
  events->put(ids::kScope, number(&r, ber::kEnumerated));
  events->put(ids::kDerefAlias, number(&r, ber::kEnumerated));
  events->put(ids::kSizeLimit, number(&r, ber::kInteger));
  events->put(ids::kTimeLimit, number(&r, ber::kInteger));
  events->put_bool(ids::kTypesOnly, truth(&r));
  BerElement filter;
  if (r.next(&filter) && filter.tag == kPresent) {
    events->open(ids::kFilter);
    events->put_text(ids::filter::kType, "present");
    events->put_text(ids::filter::kValue, as_text(filter.content));
    events->close();
  }
  BerReader attributes;
  if (r.enter(ber::kSequence, &attributes)) put_texts(attributes, ids::kAttributes, events);
}

void put_bind(BerReader r, EventWriter* events) {
  namespace ids = request::bind_request;
  events->put(ids::kVersion, number(&r, ber::kInteger));
  events->put_text(ids::kName, text(&r));
  BerReader sasl;
  if (!r.enter(ber::context_constructed(3), &sasl)) return;
  events->open(ids::kSasl);
  events->put_text(ids::sasl::kMechanism, text(&sasl));
  Bytes credentials;
  if (sasl.take(ber::kOctetString, &credentials)) {
    events->put_bytes(ids::sasl::kCredentials, credentials);
  }
  events->close();
}

void put_change_operation(uint16_t field, uint64_t operation, EventWriter* events) {
  constexpr std::string_view kNames[] = {"add", "delete", "replace"};
  TextBuilder<24> name;
  if (operation < std::size(kNames)) {
    name.add(kNames[operation]);
  } else {
    name.add_number(operation);
  }
  events->put_text(field, name.view());
}

void put_modify(BerReader r, EventWriter* events) {
  namespace ids = request::modify_request;
  events->put_text(ids::kObject, text(&r));
  BerReader changes, change, modification, values;
  r.enter(ber::kSequence, &changes);
  while (changes.enter(ber::kSequence, &change)) {
    events->open(ids::kChanges);
    put_change_operation(ids::changes::kOperation, number(&change, ber::kEnumerated), events);
    if (change.enter(ber::kSequence, &modification)) {
      events->open(ids::changes::kModification);
      events->put_text(ids::changes::modification::kAttributeType, text(&modification));
      if (modification.enter(ber::kSet, &values)) {
        put_texts(values, ids::changes::modification::kAttributeValues, events);
      }
      events->close();
    }
    events->close();
  }
}

void put_add(BerReader r, EventWriter* events) {
  namespace ids = request::add_request;
  events->put_text(ids::kEntry, text(&r));
  BerReader attributes;
  if (r.enter(ber::kSequence, &attributes)) {
    put_attributes(attributes, ids::kAttributes, ids::attributes::kName, ids::attributes::kValues,
                   events);
  }
}

void put_mod_dn(BerReader r, EventWriter* events) {
  namespace ids = request::mod_dn_request;
  events->put_text(ids::kEntry, text(&r));
  events->put_text(ids::kNewRdn, text(&r));
  events->put_bool(ids::kDeleteOldRdn, truth(&r));
  Bytes superior;
  if (r.take(ber::context(0), &superior)) {
    events->put_text(ids::kNewSuperior, as_text(superior));
  }
}

void put_compare(BerReader r, EventWriter* events) {
  namespace ids = request::compare_request;
  events->put_text(ids::kEntry, text(&r));
  BerReader assertion;
  if (!r.enter(ber::kSequence, &assertion)) return;
  events->open(ids::kAttributeValueAssertion);
  events->put_text(ids::attribute_value_assertion::kDescription, text(&assertion));
  events->put_text(ids::attribute_value_assertion::kValue, text(&assertion));
  events->close();
}

// A name and a value under the context tags `tag` and `tag` + 1, both optional.
void put_name_and_value(BerReader* r, uint32_t tag, uint16_t name_field, uint16_t value_field,
                        EventWriter* events) {
  Bytes content;
  if (r->take(ber::context(tag), &content)) events->put_text(name_field, as_text(content));
  if (r->take(ber::context(tag + 1), &content)) events->put_text(value_field, as_text(content));
}

// LDAPResult; the reader stands behind it afterwards.
void put_result(BerReader* r, EventWriter* events) {
  namespace ids = responses::search_result_done;
  static_assert(ids::kResultCode == responses::bind_response::kResultCode &&
                ids::kMatchedDn == responses::extended_response::kMatchedDn &&
                ids::kMessage == responses::compare_response::kMessage);
  const uint64_t code = number(r, ber::kEnumerated);
  TextBuilder<48> name(name_of(kResultCodes, code));
  if (name.empty()) name.add("unknown-").add_number(static_cast<uint32_t>(code));
  events->put_text(ids::kResultCode, name.view());
  events->put_text(ids::kMatchedDn, text(r));
  events->put_text(ids::kMessage, text(r));
  Bytes referral;
  r->take(ber::context_constructed(3), &referral);
}

void put_entry(BerReader r, EventWriter* events) {
  namespace ids = responses::search_result_entry;
  events->put_text(ids::kBaseObject, text(&r));
  BerReader attributes;
  if (r.enter(ber::kSequence, &attributes)) {
    put_attributes(attributes, ids::kAttributes, ids::attributes::kType, ids::attributes::kValues,
                   events);
  }
}

void put_bind_response(BerReader r, EventWriter* events) {
  put_result(&r, events);
  Bytes credentials;
  if (r.take(ber::context(7), &credentials)) {
    events->put_bytes(responses::bind_response::kServerSaslCreds, credentials);
  }
}

void put_controls(Bytes controls, uint16_t field, EventWriter* events) {
  namespace ids = request::controls;
  static_assert(ids::kControlType == responses::controls::kControlType &&
                ids::kControlValue == responses::controls::kControlValue);
  BerReader list(controls), control;
  while (list.enter(ber::kSequence, &control)) {
    events->open(field);
    events->put_text(ids::kControlType, text(&control));
    events->put_bool(ids::kCriticality, truth(&control));
    Bytes value;
    if (control.take(ber::kOctetString, &value)) events->put_bytes(ids::kControlValue, value);
    events->close();
  }
}

// The object of a response; 0: it has none.
uint16_t response_object(LdapOp op) {
  switch (op) {
    case LdapOp::kSearchResultEntry:
      return responses::kSearchResultEntry;
    case LdapOp::kSearchResultDone:
      return responses::kSearchResultDone;
    case LdapOp::kBindResponse:
      return responses::kBindResponse;
    case LdapOp::kModifyResponse:
      return responses::kModifyResponse;
    case LdapOp::kAddResponse:
      return responses::kAddResponse;
    case LdapOp::kDelResponse:
      return responses::kDelResponse;
    case LdapOp::kModDnResponse:
      return responses::kModDnResponse;
    case LdapOp::kCompareResponse:
      return responses::kCompareResponse;
    case LdapOp::kExtendedResponse:
      return responses::kExtendedResponse;
    case LdapOp::kIntermediateResponse:
      return responses::kIntermediateResponse;
    default:
      return 0;
  }
}

uint16_t request_object(LdapOp op) {
  switch (op) {
    case LdapOp::kSearchRequest:
      return request::kSearchRequest;
    case LdapOp::kBindRequest:
      return request::kBindRequest;
    case LdapOp::kModifyRequest:
      return request::kModifyRequest;
    case LdapOp::kAddRequest:
      return request::kAddRequest;
    case LdapOp::kDelRequest:
      return request::kDelRequest;
    case LdapOp::kModDnRequest:
      return request::kModDnRequest;
    case LdapOp::kCompareRequest:
      return request::kCompareRequest;
    case LdapOp::kExtendedRequest:
      return request::kExtendedRequest;
    default:
      return 0;
  }
}

void put_request_fields(const LdapMessage& m, EventWriter* events) {
  BerReader r(m.content);
  switch (m.op) {
    case LdapOp::kSearchRequest:
      return put_search(r, events);
    case LdapOp::kBindRequest:
      return put_bind(r, events);
    case LdapOp::kModifyRequest:
      return put_modify(r, events);
    case LdapOp::kAddRequest:
      return put_add(r, events);
    case LdapOp::kDelRequest:
      return events->put_text(request::del_request::kDn, as_text(m.content));
    case LdapOp::kModDnRequest:
      return put_mod_dn(r, events);
    case LdapOp::kCompareRequest:
      return put_compare(r, events);
    case LdapOp::kExtendedRequest:
      return put_name_and_value(&r, 0, request::extended_request::kName,
                                request::extended_request::kValue, events);
    default:
      return;
  }
}

void put_response_fields(const LdapMessage& m, EventWriter* events) {
  namespace extended = responses::extended_response;
  namespace intermediate = responses::intermediate_response;
  BerReader r(m.content);
  switch (m.op) {
    case LdapOp::kSearchResultEntry:
      return put_entry(r, events);
    case LdapOp::kBindResponse:
      return put_bind_response(r, events);
    case LdapOp::kIntermediateResponse:
      return put_name_and_value(&r, 0, intermediate::kName, intermediate::kValue, events);
    case LdapOp::kExtendedResponse:
      put_result(&r, events);
      return put_name_and_value(&r, 10, extended::kName, extended::kValue, events);
    default:
      return put_result(&r, events);
  }
}

}  // namespace

bool LdapMessage::is_request() const { return (kRequests & bit(op)) != 0; }

bool LdapMessage::ends_operation() const {
  if (is_request()) return op == LdapOp::kUnbindRequest || op == LdapOp::kAbandonRequest;
  return (kPartial & bit(op)) == 0;
}

bool LdapMessage::is_starttls_request() const {
  BerReader r(content);
  return op == LdapOp::kExtendedRequest && text(&r, ber::context(0)) == kStartTls;
}

bool LdapMessage::is_success() const {
  BerReader r(content);
  int64_t code = -1;
  return r.integer(ber::kEnumerated, &code) && code == 0;
}

size_t ldap_message_bytes(Bytes bytes, bool* is_ldap) {
  ber::Header header;
  *is_ldap = true;
  if (bytes.empty()) return 0;
  *is_ldap = bytes[0] == ber::kSequence;
  if (!*is_ldap) return 0;
  const ber::Form form = ber::read_header(bytes, &header);
  *is_ldap = form != ber::Form::kBroken;
  if (form != ber::Form::kWhole) return 0;
  // The id and the tag of the operation, as far as they are there.
  Reader r(bytes);
  r.skip(header.header_bytes);
  const uint8_t tag = r.u8(), length = r.u8();
  r.skip(length);
  const uint8_t operation = r.u8();
  LdapOp op;
  if (r.ok()) {
    *is_ldap = tag == ber::kInteger && length >= 1 && length <= 4 && operation_of(operation, &op);
  }
  return static_cast<size_t>(header.element_bytes());
}

bool read_ldap(Bytes bytes, LdapMessage* message) {
  BerReader outer(bytes), r;
  BerElement operation;
  if (!outer.enter(ber::kSequence, &r) || !r.integer(ber::kInteger, &message->id) ||
      message->id < 0 || !r.next(&operation) || !operation_of(operation.tag, &message->op)) {
    return false;
  }
  message->content = operation.content;
  r.take(ber::context_constructed(0), &message->controls);
  return true;
}

void write_ldap_request(const LdapMessage& message, EventWriter* events) {
  events->put(request::kMessageId, static_cast<uint64_t>(message.id));
  events->put_text(request::kOperation, name_of(kOperations, static_cast<uint64_t>(message.op)));
  if (const uint16_t object = request_object(message.op); object != 0) {
    events->open(object);
    put_request_fields(message, events);
    events->close();
  }
  put_controls(message.controls, request::kControls, events);
}

void write_ldap_response(const LdapMessage& message, bool with_id, EventWriter* events) {
  events->put_text(responses::kOperation, name_of(kOperations, static_cast<uint64_t>(message.op)));
  if (with_id) events->put(responses::kMessageId, static_cast<uint64_t>(message.id));
  if (const uint16_t object = response_object(message.op); object != 0) {
    events->open(object);
    put_response_fields(message, events);
    events->close();
  }
  put_controls(message.controls, responses::kControls, events);
}

}  // namespace thymus::dpi
