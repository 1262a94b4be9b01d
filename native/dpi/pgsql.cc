// PostgreSQL's frontend/backend protocol, version 3 (PostgreSQL documentation, chapter 55).
// Integers are big-endian, a length counts itself:
//
//   typed message:  | type, 1 | length, 4 | body |
//   start of a connection: | length, 4 | code, 4 | body |, the code is a version or a request for
//   encryption or the end of another query; TLS is answered with the one byte 'S' or 'N'
#include "base/generated/events/pgsql.h"

#include "base/generated/anomaly_codes.h"
#include "base/text_builder.h"
#include "dpi/frames.h"
#include "dpi/kept_fields.h"
#include "dpi/parser.h"
#include "dpi/zero_ended.h"

namespace thymus::dpi {
namespace {

namespace ids = event::pgsql;

constexpr uint16_t kPort = 5432;
constexpr uint16_t kPorts[] = {kPort};
constexpr size_t kTypeBytes = 1, kLengthBytes = 4;
constexpr uint32_t kMaxMessageBytes = 1 << 30;
constexpr size_t kMaxHeadBytes = 4096;  // of a message's start that is read
constexpr size_t kRowHeadBytes = 7;     // type, length, number of columns
constexpr size_t kMaxRequestsBytes = 48 * 1024;
constexpr size_t kMaxResponseBytes = 12 * 1024;
constexpr uint32_t kMaxOpenRequests = 256;
constexpr uint32_t kMaxEvents = 20'000;
enum : int { kClientBuffer, kServerBuffer, kRequestsBuffer, kResponseBuffer };

enum StartCode : uint32_t {
  kVersion3 = 3 << 16,
  kVersion32 = kVersion3 + 2,
  kCancelRequest = 80877102,
  kSslRequest = 80877103,
  kGssRequest = 80877104,
};

// What is kept of requests: each begins with one of the first kinds.
enum class Request : uint8_t {
  kStartup,  // its text: the version
  kSsl,
  kGss,
  kCancel,  // its text: process and key
  kPassword,
  kSaslInitial,  // its text: the mechanism
  kSaslResponse,
  kQuery,
  kExtended,
  kCall,
  kTerminate,
  kName,  // of a parameter, its value follows
  kValue,
};
constexpr bool opens_request(uint8_t kind) { return kind < static_cast<uint8_t>(Request::kName); }

// What is kept of a response, besides the fields of errors under their letters.
enum Reply : uint8_t { kParameterName = 1, kParameterValue, kCommandTag, kAuthPayload };

enum Authentication : uint32_t {
  kAuthOk = 0,
  kAuthCleartext = 3,
  kAuthMd5 = 5,
  kAuthSspi = 9,
  kAuthSasl = 10,
  kAuthSaslContinue = 11,
  kAuthSaslFinal = 12,
};

struct Numbers {
  uint64_t n_rows, row_bytes;
  uint64_t n_copied_in, copied_in_bytes;
  uint64_t n_copied_out, copied_out_bytes;
  uint32_t process_id, secret_key;
  uint32_t authentication;
  uint16_t n_fields, n_copy_columns;
  bool has_key, has_fields, has_copy, has_authentication;
  bool is_there;  // some of the response came
};

struct State {
  FrameCursor cursor[2];
  Numbers numbers;  // of the response under way
  uint32_t n_open;
  uint32_t n_events;
  uint32_t next_tx_id;
  bool is_sure;
  bool roles_known;
  bool client_is_responder;
  bool awaits_sasl;  // the server asked for it
  bool in_extended;  // since the last Sync
  bool is_ready;     // ReadyForQuery was seen: authentication is over
};
static_assert(sizeof(State) <= kMaxParserStateBytes);

std::string_view without_end(std::string_view text) { return text.substr(0, text.find('\0')); }

bool is_client_type(uint8_t type) {
  return std::string_view("BCDEFHPQSXcdfp").find(static_cast<char>(type)) != std::string_view::npos;
}
bool is_server_type(uint8_t type) {
  return std::string_view("123ACDEGHIKNRSTVWZcdnstv").find(static_cast<char>(type)) !=
         std::string_view::npos;
}

// The messages that begin a connection have no type; their first byte is zero, being the highest of
// a small length.
Frame measure_start(Reader r) {
  constexpr uint32_t kLeast = 8, kMost = 10'000;
  if (r.remaining() < kLengthBytes) return {};
  const uint32_t length = r.be32();
  return length >= kLeast && length <= kMost ? Frame::of(length, kMaxHeadBytes) : Frame::broken();
}

Frame measure_typed(Reader r) {
  const uint8_t type = r.u8();
  if (r.remaining() < kLengthBytes) return {};
  const uint32_t length = r.be32();
  if (length < kLengthBytes || length > kMaxMessageBytes) return Frame::broken();
  const bool is_row = type == 'D' || type == 'd';
  return Frame::of(kTypeBytes + length, is_row ? kRowHeadBytes : kMaxHeadBytes);
}

Frame measure_client(Bytes all) {
  const Reader r(all);
  if (r.peek_u8() == 0) return measure_start(r);
  return is_client_type(r.peek_u8()) ? measure_typed(r) : Frame::broken();
}

Frame measure_server(Bytes all) {
  const Reader r(all);
  return is_server_type(r.peek_u8()) ? measure_typed(r) : Frame::broken();
}

class Session {
 public:
  Session(State* state, Context* context)
      : s_(*state),
        context_(*context),
        requests_(context->buffers, kRequestsBuffer, kMaxRequestsBytes),
        response_(context->buffers, kResponseBuffer, kMaxResponseBytes) {}

  Answer run(const Segment& segment);
  // What has no whole response is reported as it is.
  void end() {
    while (s_.n_open > 0 || s_.numbers.is_there) write_event();
  }

 private:
  bool on_client(Bytes message);
  void on_start(Reader r);
  void on_startup(uint32_t version, Reader r);
  void on_password(Reader r);
  bool on_server(Bytes message, size_t bytes);
  bool on_encryption_answer(uint8_t answer, size_t n_behind);
  void on_authentication(Reader r);
  void on_fields(Reader r);
  void open(Request kind, std::string_view text);
  void open_extended(std::string_view query);
  void write_event();
  void put_request();
  void put_response();
  void put_authentication();
  void put_error_field(uint8_t letter, std::string_view text);
  bool awaits(Request kind) const {
    return s_.n_open > 0 && requests_.front_kind() == static_cast<uint8_t>(kind);
  }
  bool expects_byte() const { return awaits(Request::kSsl) || awaits(Request::kGss); }

  State& s_;
  Context& context_;
  KeptFields requests_;
  KeptFields response_;
  Answer answer_ = Answer::kAccept;
};

Answer Session::run(const Segment& segment) {
  if (!s_.roles_known && !segment.data.empty()) {
    s_.roles_known = true;
    const bool by_server = segment.src_port == kPort && segment.dst_port != kPort;
    s_.client_is_responder = segment.from_originator == by_server;
  }
  const bool by_client = segment.from_originator != s_.client_is_responder;
  FrameCursor* cursor = &s_.cursor[by_client ? 0 : 1];
  const Framing framing =
      by_client ? take_frames(cursor, &context_, kClientBuffer, segment.data, measure_client,
                              [&](Bytes head, const Frame&, size_t) { return on_client(head); })
                : take_frames(
                      cursor, &context_, kServerBuffer, segment.data,
                      [&](Bytes all) {
                        const bool is_byte = expects_byte() && !all.empty() && all[0] != 'E';
                        return is_byte ? Frame::of(1, 1) : measure_server(all);
                      },
                      [&](Bytes head, const Frame& frame, size_t n_behind) {
                        if (expects_byte() && frame.bytes == 1) {
                          return on_encryption_answer(head[0], n_behind);
                        }
                        return on_server(head, static_cast<size_t>(frame.bytes));
                      });
  if (framing == Framing::kBroken) {
    end();
    return Answer::kReject;
  }
  if (framing == Framing::kStopped) return answer_;
  if (s_.n_events >= kMaxEvents) return Answer::kDone;
  return s_.is_sure ? Answer::kAccept : Answer::kNeedMore;
}

// ---- requests

bool Session::on_client(Bytes message) {
  Reader r(message);
  if (r.peek_u8() == 0) {
    r.skip(kLengthBytes);
    on_start(r);
    return true;
  }
  const uint8_t type = r.u8();
  r.skip(kLengthBytes);
  switch (type) {
    case 'Q':
      s_.is_sure = true;
      open(Request::kQuery, without_end(as_text(r.rest())));
      break;
    case 'P':
      take_zero_ended(&r);  // the name of the statement
      open_extended(without_end(as_text(r.rest())));
      break;
    case 'B':
    case 'C':
    case 'D':
    case 'E':
    case 'H':
      open_extended({});
      break;
    case 'S':
      open_extended({});
      s_.in_extended = false;
      break;
    case 'F':
      open(Request::kCall, {});
      break;
    case 'p':
      on_password(r);
      break;
    case 'd':
      ++s_.numbers.n_copied_in;
      s_.numbers.copied_in_bytes += load_be32(message.data() + kTypeBytes) - kLengthBytes;
      break;
    case 'X':
      open(Request::kTerminate, {});
      // Nothing answers it, nor what still waits.
      end();
      break;
    default:
      break;
  }
  return true;
}

void Session::on_start(Reader r) {
  s_.is_sure = true;
  const uint32_t code = r.be32();
  switch (code) {
    case kSslRequest:
      return open(Request::kSsl, {});
    case kGssRequest:
      return open(Request::kGss, {});
    case kCancelRequest:
      open(Request::kCancel, as_text(r.take_up_to(8)));
      return end();
    default:
      return on_startup(code, r);
  }
}

void Session::on_startup(uint32_t version, Reader r) {
  TextBuilder<24> text;
  text.add_number(version >> 16).add('.').add_number(version & 0xffff);
  open(Request::kStartup, text.view());
  while (!r.empty()) {
    const std::string_view name = take_zero_ended(&r);
    const std::string_view value = take_zero_ended(&r);
    if (!r.ok() || name.empty()) return;
    requests_.add(static_cast<uint8_t>(Request::kName), name);
    requests_.add(static_cast<uint8_t>(Request::kValue), value);
  }
}

// The same type carries a password, or the steps of SASL.
void Session::on_password(Reader r) {
  if (!s_.awaits_sasl) return open(Request::kPassword, {});
  const bool is_first = s_.numbers.authentication == kAuthSasl;
  if (!is_first) return open(Request::kSaslResponse, as_text(r.rest()));
  open(Request::kSaslInitial, take_zero_ended(&r));
  r.skip(kLengthBytes);
  requests_.add(static_cast<uint8_t>(Request::kValue), as_text(r.rest()));
}

void Session::open_extended(std::string_view query) {
  if (s_.in_extended) return;
  s_.in_extended = true;
  open(Request::kExtended, query);
}

void Session::open(Request kind, std::string_view text) {
  if (s_.n_open >= kMaxOpenRequests || !requests_.add(static_cast<uint8_t>(kind), text)) {
    if (s_.n_events < kMaxEvents) {
      write_anomaly(anomaly_code::kPgsqlTooManyTransactions, context_.events);
    }
    s_.n_events = kMaxEvents;
    return;
  }
  ++s_.n_open;
}

// ---- responses

bool Session::on_encryption_answer(uint8_t answer, size_t n_behind) {
  const bool is_tls = awaits(Request::kSsl);
  const bool is_accepted = answer == (is_tls ? 'S' : 'G');
  s_.numbers.is_there = true;
  response_.add(is_accepted ? 'S' : 'N', {});
  write_event();
  if (!is_accepted) return true;
  answer_ = is_tls ? Answer::kHandOver : Answer::kDone;
  context_.next = AppId::kTls;
  context_.next_bytes = n_behind;
  return false;
}

bool Session::on_server(Bytes message, size_t bytes) {
  Reader r(message);
  const uint8_t type = r.u8();
  r.skip(kLengthBytes);
  Numbers& numbers = s_.numbers;
  numbers.is_there = true;
  switch (type) {
    case 'R':
      on_authentication(r);
      break;
    case 'S':
      response_.add(kParameterName, take_zero_ended(&r));
      response_.add(kParameterValue, take_zero_ended(&r));
      break;
    case 'K':
      numbers.has_key = true;
      numbers.process_id = r.be32();
      numbers.secret_key = r.be32();
      break;
    case 'T':
      numbers.has_fields = true;
      numbers.n_fields = r.be16();
      break;
    case 'D': {
      const size_t n_columns = r.be16();
      const size_t overhead = kRowHeadBytes + n_columns * kLengthBytes;
      ++numbers.n_rows;
      numbers.row_bytes += bytes > overhead ? bytes - overhead : 0;
      break;
    }
    case 'G':
    case 'H':
      numbers.has_copy = true;
      r.skip(1);
      numbers.n_copy_columns = r.be16();
      break;
    case 'd':
      ++numbers.n_copied_out;
      numbers.copied_out_bytes += bytes - kTypeBytes - kLengthBytes;
      break;
    case 'C':
      response_.add(kCommandTag, without_end(as_text(r.rest())));
      break;
    case 'E':
    case 'N':
      on_fields(r);
      // Before the first ReadyForQuery an error ends the connection.
      if (type == 'E' && !s_.is_ready) write_event();
      break;
    case 'Z':
      s_.is_ready = true;
      s_.is_sure = true;
      write_event();
      break;
    case 'A':  // a notification that nobody asked for
      if (s_.n_open == 0) numbers.is_there = false;
      break;
    default:
      break;
  }
  return true;
}

void Session::on_authentication(Reader r) {
  Numbers& numbers = s_.numbers;
  numbers.has_authentication = true;
  numbers.authentication = r.be32();
  if (numbers.authentication == kAuthMd5 || numbers.authentication == kAuthSspi ||
      numbers.authentication == kAuthSaslFinal) {
    response_.add(kAuthPayload, as_text(r.rest()));
  }
  if (numbers.authentication == kAuthOk || numbers.authentication == kAuthSaslFinal) return;
  s_.awaits_sasl =
      numbers.authentication == kAuthSasl || numbers.authentication == kAuthSaslContinue;
  const uint32_t asked = numbers.authentication;
  write_event();
  numbers.authentication = asked;
}

// Fields of errors and notices: a letter and a text each, up to a zero.
void Session::on_fields(Reader r) {
  while (r.peek_u8() != 0) {
    const uint8_t letter = r.u8();
    const std::string_view text = take_zero_ended(&r);
    if (!r.ok()) return;
    if (letter > kAuthPayload) response_.add(letter, text);
  }
}

// ---- events

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

// ---- recognition

bool is_start(const Segment& first) {
  Reader r(first.data);
  const uint32_t length = r.be32();
  const uint32_t code = r.be32();
  if (!r.ok() || length != first.data.size()) return false;
  if (code == kSslRequest || code == kGssRequest) return length == 8;
  if (code == kCancelRequest) return length == 16;
  const bool ends = first.data.back() == 0;
  return (code == kVersion3 || code == kVersion32) && ends &&
         as_text(r.rest()).find(std::string_view("user\0", 5)) != std::string_view::npos;
}

Likelihood probe(const Segment& first) {
  if (is_start(first)) return Likelihood::kLikely;
  if (!first.has_port(kPort)) return Likelihood::kNo;
  if (Reader(first.data).peek_u8() == 0) {
    return first.data.size() < 8 && measure_client(first.data).state != Frame::State::kBroken
               ? Likelihood::kMaybe
               : Likelihood::kNo;
  }
  const Frame frame =
      first.src_port == kPort ? measure_server(first.data) : measure_client(first.data);
  const bool is_plausible = frame.state == Frame::State::kKnown && frame.bytes <= first.data.size();
  return is_plausible ? Likelihood::kMaybe : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  return Session(static_cast<State*>(state), context).run(segment);
}

bool on_gap(void* state, bool from_originator, Context* context) {
  auto* s = static_cast<State*>(state);
  const bool by_client = from_originator != s->client_is_responder;
  s->cursor[by_client ? 0 : 1].lose(by_client ? kClientBuffer : kServerBuffer, context);
  return true;
}

void on_end(void* state, Context* context) { Session(static_cast<State*>(state), context).end(); }

}  // namespace

extern const Parser kPgsql;

const Parser kPgsql{
    .app = AppId::kPgsql,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .on_end = on_end,
    .first_bytes = std::string_view("\0", 1),
    .ports = kPorts,
};

}  // namespace thymus::dpi
