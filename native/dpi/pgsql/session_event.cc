// The event of a request with its response.
#include "base/generated/events/pgsql.h"
#include "dpi/pgsql/session.h"

namespace thymus::dpi::pgsql {

namespace ids = event::pgsql;

// The oldest request, if any, with the response.
void Session::write_event() {
  if (s_.n_events < kMaxEvents) {
    ++s_.n_events;
    context_.events->begin(event::kPgsql,
                           s_.client_is_responder ? Side::kResponder : Side::kOriginator);
    context_.events->put(ids::kTxId, ++s_.next_tx_id);
    put_request();
    put_response();
    context_.events->end();
  }
  response_.clear();
  s_.numbers = {};
  if (s_.n_open == 0) return;
  --s_.n_open;
  do requests_.pop();
  while (!requests_.empty() && !opens_request(requests_.front_kind()));
}

void Session::put_request() {
  if (s_.n_open == 0) return;
  namespace out = ids::request;
  EventWriter* events = context_.events;
  events->open(ids::kRequest);
  const auto kind = static_cast<Request>(requests_.front_kind());
  const std::string_view text = requests_.front();
  switch (kind) {
    case Request::kStartup:
      events->put_text(out::kProtocolVersion, text);
      break;
    case Request::kSsl:
      events->put_text(out::kMessage, "SSL Request");
      break;
    case Request::kGss:
      events->put_text(out::kMessage, "GSSENC Request");
      break;
    case Request::kCancel: {
      Reader r(as_bytes(text));
      events->put_text(out::kMessage, "cancel_request");
      events->put(out::kProcessId, r.be32());
      events->put(out::kSecretKey, r.be32());
      break;
    }
    case Request::kPassword:
      events->put_bool(out::kPasswordRedacted, true);
      break;
    case Request::kSaslInitial:
      events->put_text(out::kSaslAuthenticationMechanism, text);
      break;
    case Request::kSaslResponse:
      events->put_text(out::kSaslResponse, text);
      break;
    case Request::kQuery:
      events->put_text(out::kSimpleQuery, text);
      break;
    case Request::kExtended:
      events->put_text(out::kExtendedQuery, text);
      break;
    case Request::kCall:
      events->put_text(out::kMessage, "function_call");
      break;
    case Request::kTerminate:
      events->put_text(out::kMessage, "termination_message");
      break;
    case Request::kName:
    case Request::kValue:
      break;
  }
  // What belongs to the request lies behind it, up to the next one.
  namespace start = out::startup_parameters;
  bool is_over = false, is_first = true;
  std::string_view name;
  if (kind == Request::kStartup) events->open(out::kStartupParameters);
  requests_.each([&](uint8_t entry, std::string_view value) {
    is_over = is_over || (!is_first && opens_request(entry));
    is_first = false;
    if (is_over || opens_request(entry)) return;
    if (entry == static_cast<uint8_t>(Request::kName)) {
      name = value;
    } else if (kind == Request::kSaslInitial) {
      events->put_text(out::kSaslParam, value);
    } else if (name == "user") {
      events->put_text(start::kUser, value);
    } else {
      events->open(start::kOptionalParameters);
      events->put_text(start::optional_parameters::kName, name);
      events->put_text(start::optional_parameters::kText, value);
      events->close();
    }
  });
  if (kind == Request::kStartup) events->close();
  events->close();
}

void Session::put_response() {
  const Numbers& numbers = s_.numbers;
  if (!numbers.is_there) return;
  namespace out = ids::response;
  EventWriter* events = context_.events;
  events->open(ids::kResponse);
  std::string_view name;
  response_.each([&](uint8_t kind, std::string_view text) {
    if (kind == kParameterName) {
      name = text;
    } else if (kind == kParameterValue) {
      events->open(out::kParameterStatus);
      events->put_text(out::parameter_status::kName, name);
      events->put_text(out::parameter_status::kText, text);
      events->close();
    } else if (kind == kCommandTag) {
      events->put_text(out::kCommandCompleted, text);
    } else if (expects_byte() && text.empty()) {
      events->put_bool(out::kSslAccepted, kind == 'S');
    } else if (kind > kAuthPayload) {
      put_error_field(kind, text);
    }
  });
  put_authentication();
  if (numbers.has_key) {
    events->put(out::kProcessId, numbers.process_id);
    events->put(out::kSecretKey, numbers.secret_key);
  }
  if (numbers.has_fields) events->put(out::kFieldCount, numbers.n_fields);
  if (numbers.n_rows > 0) {
    events->put(out::kDataRows, numbers.n_rows);
    events->put(out::kDataSize, numbers.row_bytes);
  }
  if (numbers.has_copy) events->put(out::kCopyColumnCount, numbers.n_copy_columns);
  if (numbers.n_copied_in > 0) {
    events->open(out::kCopyDataIn);
    events->put(out::copy_data_in::kMsgCount, numbers.n_copied_in);
    events->put(out::copy_data_in::kDataSize, numbers.copied_in_bytes);
    events->close();
  }
  if (numbers.n_copied_out > 0) {
    events->open(out::kCopyDataOut);
    events->put(out::copy_data_out::kRowCount, numbers.n_copied_out);
    events->put(out::copy_data_out::kDataSize, numbers.copied_out_bytes);
    events->close();
  }
  events->close();
}

void Session::put_authentication() {
  if (!s_.numbers.has_authentication) return;
  namespace out = ids::response;
  EventWriter* events = context_.events;
  switch (s_.numbers.authentication) {
    case kAuthOk:
      events->put_text(out::kMessage, "authentication_ok");
      break;
    case kAuthCleartext:
      events->put_text(out::kMessage, "authentication_cleartext_password");
      break;
    case kAuthSasl:
      events->put_text(out::kMessage, "authentication_sasl");
      break;
    case kAuthSaslContinue:
      events->put_text(out::kMessage, "authentication_sasl_continue");
      break;
    default:
      break;
  }
  response_.each([&](uint8_t kind, std::string_view text) {
    if (kind != kAuthPayload) return;
    const uint16_t field = s_.numbers.authentication == kAuthMd5 ? out::kAuthenticationMd5Password
                           : s_.numbers.authentication == kAuthSspi ? out::kAuthenticationSspi
                                                                    : out::kAuthenticationSaslFinal;
    events->put_text(field, text);
  });
}

void Session::put_error_field(uint8_t letter, std::string_view text) {
  namespace out = ids::response;
  struct Name {
    char letter;
    uint16_t field;
  };
  static constexpr Name kNames[] = {{'S', out::kSeverityLocalizable},
                                    {'V', out::kSeverityNonLocalizable},
                                    {'C', out::kCode},
                                    {'M', out::kMessage},
                                    {'D', out::kDetail},
                                    {'H', out::kHint},
                                    {'P', out::kPosition},
                                    {'p', out::kInternalPosition},
                                    {'q', out::kInternalQuery},
                                    {'W', out::kWhere},
                                    {'s', out::kSchemaName},
                                    {'t', out::kTableName},
                                    {'c', out::kColumnName},
                                    {'d', out::kDataTypeName},
                                    {'n', out::kConstraintName},
                                    {'F', out::kFile},
                                    {'L', out::kLine},
                                    {'R', out::kRoutine}};
  for (const Name& name : kNames) {
    if (name.letter == static_cast<char>(letter)) context_.events->put_text(name.field, text);
  }
}

}  // namespace thymus::dpi::pgsql
