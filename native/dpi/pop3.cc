// POP3 (RFC 1939) with SASL (RFC 5034) and STLS (RFC 2595).
//
//   server: +OK greeting
//   client: KEYWORD [argument...]
//   server: "+OK text" or "-ERR text"; some commands add lines up to one with a single dot
//   server: "+ challenge" after AUTH; client: its answer in base64
#include "base/generated/events/pop3.h"

#include <algorithm>
#include <array>

#include "base/generated/anomaly_codes.h"
#include "dpi/kept_fields.h"
#include "dpi/line_dialogue.h"
#include "dpi/parser.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

namespace code = anomaly_code;
namespace ids = event::pop3;

constexpr uint16_t kPorts[] = {110};
constexpr size_t kMaxLineBytes = 1024;  // responses have 512 at most, SASL somewhat more
constexpr size_t kMaxFieldsBytes = 16 * 1024;
constexpr uint32_t kMaxOpenRequests = 256;
constexpr uint32_t kMaxEvents = 20'000;
enum : int { kRequestsBuffer = 2, kResponseBuffer };
enum class Kept : uint8_t { kRequest, kSaslData, kStatusLine, kDataLine };

constexpr std::string_view kSaslData = "<SASL DATA>";
constexpr std::string_view kKeywords[] = {"USER", "PASS", "APOP", "AUTH", "CAPA", "STLS",
                                          "STAT", "LIST", "RETR", "DELE", "NOOP", "RSET",
                                          "TOP",  "UIDL", "QUIT", "LAST", "UTF8", "LANG"};

struct State : LineDialogue {
  uint32_t n_open;  // requests without a response
  uint32_t n_events;
  bool is_sure;
  bool in_data;     // of a response, up to the line with a dot
  bool hides_data;  // it is a message
  bool wants_sasl;  // the client's next line is no command
};

bool is_keyword(std::string_view word) {
  return std::ranges::any_of(kKeywords, [&](std::string_view k) { return equals_nocase(word, k); });
}

bool is_status(std::string_view line) {
  return line == "+OK" || line.starts_with("+OK ") || line == "-ERR" || line.starts_with("-ERR ");
}

// Whether more lines follow "+OK".
bool has_data(std::string_view request) {
  const std::string_view keyword = take_word(&request);
  if (equals_nocase(keyword, "CAPA") || equals_nocase(keyword, "RETR") ||
      equals_nocase(keyword, "TOP")) {
    return true;
  }
  return request.empty() && (equals_nocase(keyword, "LIST") || equals_nocase(keyword, "UIDL") ||
                             equals_nocase(keyword, "AUTH"));
}

bool is_message(std::string_view request) {
  const std::string_view keyword = take_word(&request);
  return equals_nocase(keyword, "RETR") || equals_nocase(keyword, "TOP");
}

class Session : public LineSession<Session, State> {
 public:
  Session(State* state, const Segment& segment, Context* context)
      : LineSession(state, segment, context),
        requests_(context->buffers, kRequestsBuffer, kMaxFieldsBytes),
        response_(context->buffers, kResponseBuffer, kMaxFieldsBytes) {}

  // What has no response yet is reported without one.
  void end() {
    while (!requests_.empty()) write_event();
  }

 private:
  friend LineSession;

  void find_roles();
  size_t on_client(Bytes all);
  size_t on_server(Bytes all, size_t n_behind);
  void on_status(std::string_view line, size_t rest_bytes);
  void write_event();
  void put_request();
  void put_response();
  void fault(uint16_t fault_code) {
    if (s_.n_events++ < kMaxEvents) write_anomaly(fault_code, context_.events);
  }

  KeptFields requests_;
  KeptFields response_;
};

void Session::find_roles() {
  if (segment_.data.size() < 2) return;
  const char lead = static_cast<char>(segment_.data[0]);
  s_.set_roles(segment_.from_originator, lead == '+' || lead == '-');
}

size_t Session::on_client(Bytes all) {
  Line line;
  const size_t used = s_.client_lines.next(all, kMaxLineBytes, &line);
  if (!line.is_there || line.text.empty()) return used;
  std::string_view rest = line.text;
  const bool is_sasl = s_.wants_sasl;
  s_.wants_sasl = false;
  if (!is_sasl && !is_keyword(take_word(&rest)) && !s_.is_sure) {
    answer_ = Answer::kReject;
    return used;
  }
  be_sure();
  if (line.is_cut) fault(code::kPop3CommandTooLong);
  const Kept kind = is_sasl ? Kept::kSaslData : Kept::kRequest;
  const std::string_view kept = is_sasl ? kSaslData : line.text;
  if (s_.n_open < kMaxOpenRequests && requests_.add(static_cast<uint8_t>(kind), kept)) {
    ++s_.n_open;
  } else {
    fault(code::kPop3TooManyTransactions);
    answer_ = Answer::kReject;
  }
  return used;
}

size_t Session::on_server(Bytes all, size_t n_behind) {
  Line line;
  const size_t used = s_.server_lines.next(all, kMaxLineBytes, &line);
  if (!line.is_there) return used;
  if (!s_.in_data) {
    on_status(line.text, all.size() - used + n_behind);
  } else if (line.text == ".") {
    s_.in_data = false;
    write_event();
  } else if (!s_.hides_data) {
    if (line.is_cut) fault(code::kPop3ResponseTooLong);
    const std::string_view text = line.text.starts_with('.') ? line.text.substr(1) : line.text;
    response_.add(static_cast<uint8_t>(Kept::kDataLine), text);
  }
  return used;
}

void Session::on_status(std::string_view line, size_t rest_bytes) {
  const bool challenges = line == "+" || line.starts_with("+ ");
  if (!challenges && !is_status(line)) {
    if (!s_.is_sure) answer_ = Answer::kReject;
    return;
  }
  if (segment_.has_port(kPorts[0]) && answer_ == Answer::kNeedMore) {
    s_.is_sure = true;
    answer_ = Answer::kAccept;
  }
  const std::string_view request = requests_.empty() ? std::string_view{} : requests_.front();
  response_.add(static_cast<uint8_t>(Kept::kStatusLine), line);
  s_.wants_sasl = challenges;
  if (line.starts_with("+OK")) {
    std::string_view rest = request;
    if (equals_nocase(take_word(&rest), "STLS")) {
      write_event();
      answer_ = Answer::kHandOver;
      context_.next = AppId::kTls;
      context_.next_bytes = rest_bytes;
      return;
    }
    s_.in_data = has_data(request);
    s_.hides_data = is_message(request);
  }
  if (!s_.in_data) write_event();
}

// The oldest request, if any, with the response.
void Session::write_event() {
  if (s_.n_events++ < kMaxEvents && (s_.is_sure || !requests_.empty())) {
    context_.events->begin(event::kPop3, s_.client_side());
    put_request();
    put_response();
    context_.events->end();
  }
  response_.clear();
  if (requests_.empty()) return;
  requests_.pop();
  --s_.n_open;
}

void Session::put_request() {
  if (requests_.empty()) return;
  EventWriter* events = context_.events;
  std::string_view rest = requests_.front();
  events->open(ids::kRequest);
  if (requests_.front_kind() == static_cast<uint8_t>(Kept::kSaslData)) {
    events->put_text(ids::request::kCommand, rest);
  } else {
    const std::string_view word = take_word(&rest);
    std::array<char, kMaxLineBytes> keyword;
    std::ranges::transform(word, keyword.begin(), ascii_upper);
    events->put_text(ids::request::kCommand, {keyword.data(), word.size()});
    while (!rest.empty()) events->put_text(ids::request::kArgs, take_word(&rest));
  }
  events->close();
}

void Session::put_response() {
  if (response_.empty()) return;
  EventWriter* events = context_.events;
  events->open(ids::kResponse);
  response_.each([&](uint8_t kind, std::string_view text) {
    if (kind == static_cast<uint8_t>(Kept::kDataLine)) {
      events->put_text(ids::response::kData, text);
      return;
    }
    const bool failed = text.starts_with("-ERR");
    take_word(&text);
    events->put_bool(ids::response::kSuccess, !failed);
    events->put_text(ids::response::kStatus, failed ? "ERR" : "OK");
    events->put_text(ids::response::kHeader, trim(text));
  });
  events->close();
}

Likelihood probe(const Segment& first) {
  bool is_whole = false;
  std::string_view line = first_line(first.data, &is_whole);
  if (!is_plain(line)) return Likelihood::kNo;
  const bool on_port = first.has_port(kPorts[0]);
  if (is_status(line)) {
    if (on_port) return Likelihood::kLikely;
    return line.find("POP3") != std::string_view::npos ? Likelihood::kLikely : Likelihood::kNo;
  }
  if (!on_port || !is_whole) return Likelihood::kNo;
  return is_keyword(take_word(&line)) ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  return Session(static_cast<State*>(state), segment, context).run();
}

bool on_gap(void* state, bool from_originator, Context* context) {
  auto* s = static_cast<State*>(state);
  s->lose(s->is_client(from_originator), context);
  return true;
}

}  // namespace

extern const Parser kPop3;

const Parser kPop3{
    .app = AppId::kPop3,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .on_end = end_session<Session, State>,
    .first_bytes = "+",
    .ports = kPorts,
};

}  // namespace thymus::dpi
