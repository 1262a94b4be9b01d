// IMAP4 (RFC 9051, 3501), with STARTTLS.
//
//   server: * OK greeting
//   client: tag KEYWORD [arguments]        tag is chosen by the client, other for each command
//   server: * untagged data, + continuation
//   server: tag OK|NO|BAD [CODE] text      completes the command
//
// A line that ends with {n} goes on behind n bytes, which may be a mail: they are skipped.
#include "base/generated/events/imap.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/generated/anomaly_codes.h"
#include "dpi/kept_fields.h"
#include "dpi/line_dialogue.h"
#include "dpi/parser.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

namespace ids = event::imap;

constexpr uint16_t kPorts[] = {143};
constexpr size_t kMaxLineBytes = 2048;
constexpr size_t kMaxKeptBytes = 512;  // of a command
constexpr size_t kMaxFieldsBytes = 32 * 1024;
constexpr uint32_t kMaxOpenCommands = 256;
constexpr uint32_t kMaxEvents = 20'000;
constexpr uint64_t kMaxLiteralBytes = uint64_t{1} << 40;
constexpr int kCommandsBuffer = 2;

constexpr std::string_view kKeywords[] = {
    "CAPABILITY", "NOOP",     "LOGOUT",    "STARTTLS", "AUTHENTICATE", "LOGIN",     "ENABLE",
    "SELECT",     "EXAMINE",  "CREATE",    "DELETE",   "RENAME",       "SUBSCRIBE", "UNSUBSCRIBE",
    "LIST",       "LSUB",     "NAMESPACE", "STATUS",   "APPEND",       "IDLE",      "CHECK",
    "CLOSE",      "UNSELECT", "EXPUNGE",   "SEARCH",   "FETCH",        "STORE",     "COPY",
    "MOVE",       "UID",      "ID",        "COMPRESS", "GETQUOTAROOT", "GETQUOTA",  "SORT",
    "THREAD",     "GETACL",   "XLIST"};

// Of a side whose line goes on behind a literal.
struct Literal {
  uint64_t bytes;  // to skip
  bool goes_on;    // the next line is the rest of one
};

struct State : LineDialogue {
  Literal client_literal;
  Literal server_literal;
  uint32_t n_open;
  uint32_t n_events;
  bool is_sure;
  bool has_greeted;
  bool wants_line;  // the client answers a continuation: no command
};

bool is_keyword(std::string_view word) {
  return std::ranges::any_of(kKeywords, [&](std::string_view k) { return equals_nocase(word, k); });
}

bool is_tag(std::string_view word) {
  return !word.empty() && word.size() <= 64 && std::ranges::all_of(word, [](char c) {
    return is_printable(c) && std::string_view("(){%*\"\\+ ").find(c) == std::string_view::npos;
  });
}

bool is_status(std::string_view word) { return word == "OK" || word == "NO" || word == "BAD"; }

bool is_greeting(std::string_view line) {
  return line.starts_with("* OK") || line.starts_with("* PREAUTH") || line.starts_with("* BYE");
}

// Of "... {123}" or "... {123+}"; 0: the line ends.
uint64_t literal_of(std::string_view line) {
  if (!line.ends_with('}')) return 0;
  const size_t open = line.rfind('{');
  if (open == std::string_view::npos) return 0;
  std::string_view digits = line.substr(open + 1);
  uint64_t n = 0;
  return take_number(&digits, kMaxLiteralBytes, &n) && (digits == "}" || digits == "+}") ? n : 0;
}

// The next argument, without its quotes.
std::string_view take_argument(std::string_view* text) {
  if (!text->starts_with('"')) return take_word(text);
  text->remove_prefix(1);
  const std::string_view argument = text->substr(0, text->find('"'));
  text->remove_prefix(std::min(text->size(), argument.size() + 1));
  *text = trim_left(*text);
  return argument;
}

class Session {
 public:
  Session(State* state, const Segment& segment, Context* context)
      : s_(*state),
        segment_(segment),
        context_(*context),
        commands_(context->buffers, kCommandsBuffer, kMaxFieldsBytes) {}

  Answer run();
  // What was not answered is reported without a response.
  void end() {
    while (!commands_.empty()) {
      write_event({});
      pop();
    }
  }

 private:
  size_t take(Bytes all, bool by_client, size_t n_behind);
  void on_client(std::string_view line);
  void on_server(std::string_view line, size_t n_behind);
  void complete(std::string_view tag, std::string_view status_line, size_t n_behind);
  void write_event(std::string_view status_line);
  void put_request();
  void put_response(std::string_view line);
  void pop() {
    commands_.pop();
    --s_.n_open;
  }

  State& s_;
  const Segment& segment_;
  Context& context_;
  KeptFields commands_;
  Answer answer_ = Answer::kNeedMore;
};

Answer Session::run() {
  if (!s_.roles_known && !segment_.data.empty()) {
    s_.set_roles(segment_.from_originator, segment_.data[0] == '*');
  }
  const bool kept =
      take_side(s_, segment_, &context_, [&](Bytes all, bool client, size_t n_behind) {
        if (answer_ != Answer::kNeedMore) return all.size();
        return take(all, client, n_behind);
      });
  if (!kept && answer_ == Answer::kNeedMore) answer_ = Answer::kReject;
  if (answer_ == Answer::kReject) end();
  if (answer_ != Answer::kNeedMore) return answer_;
  if (s_.n_events >= kMaxEvents) return Answer::kDone;
  return s_.is_sure ? Answer::kAccept : Answer::kNeedMore;
}

size_t Session::take(Bytes all, bool by_client, size_t n_behind) {
  Literal& literal = by_client ? s_.client_literal : s_.server_literal;
  if (literal.bytes > 0) {
    const size_t n = static_cast<size_t>(std::min<uint64_t>(literal.bytes, all.size()));
    literal.bytes -= n;
    return n;
  }
  Line line;
  const size_t used =
      (by_client ? s_.client_lines : s_.server_lines).next(all, kMaxLineBytes, &line);
  if (!line.is_there) return used;
  const bool is_rest = literal.goes_on;
  literal.bytes = line.is_cut ? 0 : literal_of(line.text);
  literal.goes_on = literal.bytes > 0;
  if (is_rest) return used;
  if (by_client) {
    on_client(line.text);
  } else {
    on_server(line.text, all.size() - used + n_behind);
  }
  return used;
}

void Session::on_client(std::string_view line) {
  if (std::exchange(s_.wants_line, false)) return;
  std::string_view rest = line;
  const std::string_view tag = take_word(&rest);
  const std::string_view keyword = take_word(&rest);
  if (!is_tag(tag) || !is_keyword(keyword)) {
    if (!s_.is_sure && !line.empty()) answer_ = Answer::kReject;
    return;
  }
  s_.is_sure = true;
  if (s_.n_open < kMaxOpenCommands && commands_.add(0, line.substr(0, kMaxKeptBytes))) {
    ++s_.n_open;
    return;
  }
  write_anomaly(anomaly_code::kImapTooManyTransactions, context_.events);
  answer_ = Answer::kReject;
}

void Session::on_server(std::string_view line, size_t n_behind) {
  if (line.starts_with('+')) {
    s_.wants_line = true;
    return;
  }
  std::string_view rest = line;
  const std::string_view first = take_word(&rest);
  if (first == "*") {
    if (!s_.has_greeted && is_greeting(line)) {
      if (commands_.empty()) write_event(rest);
      s_.is_sure = s_.is_sure || segment_.has_port(kPorts[0]) || contains_nocase(line, "imap");
    }
    s_.has_greeted = true;
    return;
  }
  std::string_view after = rest;
  if (is_tag(first) && is_status(take_word(&after))) return complete(first, rest, n_behind);
  if (!s_.is_sure) answer_ = Answer::kReject;
}

// Commands may be completed in another order than they came; those before are taken for lost.
void Session::complete(std::string_view tag, std::string_view status_line, size_t n_behind) {
  bool is_known = false;
  commands_.each(
      [&](uint8_t, std::string_view line) { is_known = is_known || take_word(&line) == tag; });
  if (!is_known) return;
  for (;;) {
    std::string_view line = commands_.front();
    const bool is_it = take_word(&line) == tag;
    const bool starts_tls =
        is_it && equals_nocase(take_word(&line), "STARTTLS") && status_line.starts_with("OK");
    write_event(is_it ? status_line : std::string_view{});
    pop();
    if (!is_it) continue;
    s_.wants_line = false;
    if (!starts_tls) return;
    answer_ = Answer::kHandOver;
    context_.next = AppId::kTls;
    context_.next_bytes = n_behind;
    return;
  }
}

// The oldest command, if any, with the line that completed it, if any.
void Session::write_event(std::string_view status_line) {
  if (s_.n_events >= kMaxEvents) return;
  ++s_.n_events;
  context_.events->begin(event::kImap, s_.client_side());
  put_request();
  put_response(status_line);
  context_.events->end();
}

void Session::put_request() {
  if (commands_.empty()) return;
  constexpr std::string_view kOnMailboxes[] = {"SELECT",      "EXAMINE", "CREATE",
                                               "DELETE",      "RENAME",  "SUBSCRIBE",
                                               "UNSUBSCRIBE", "STATUS",  "APPEND"};
  EventWriter* events = context_.events;
  std::string_view rest = commands_.front();
  events->open(ids::kRequest);
  events->put_text(ids::request::kTag, take_word(&rest));
  const std::string_view word = take_word(&rest);
  std::array<char, 16> keyword;
  const size_t n = std::min(word.size(), keyword.size());
  std::ranges::transform(word.substr(0, n), keyword.begin(), ascii_upper);
  const std::string_view command(keyword.data(), n);
  events->put_text(ids::request::kCommand, command);
  if (command == "LOGIN" && literal_of(rest) == 0) {
    events->put_text(ids::request::kUser, take_argument(&rest));
  } else if (std::ranges::find(kOnMailboxes, command) != std::end(kOnMailboxes)) {
    const std::string_view mailbox = take_argument(&rest);
    if (!mailbox.empty()) events->put_text(ids::request::kMailbox, mailbox);
  }
  events->close();
}

// "OK [CODE ...] text".
void Session::put_response(std::string_view line) {
  if (line.empty()) return;
  EventWriter* events = context_.events;
  events->open(ids::kResponse);
  events->put_text(ids::response::kStatus, take_word(&line));
  if (line.starts_with('[')) {
    const size_t end = line.find(']');
    events->put_text(ids::response::kCode, line.substr(1, std::min(end, line.size()) - 1));
    line = end == std::string_view::npos ? std::string_view{} : trim_left(line.substr(end + 1));
  }
  if (!line.empty()) events->put_text(ids::response::kText, line);
  events->close();
}

Likelihood probe(const Segment& first) {
  bool is_whole = false;
  std::string_view line = first_line(first.data, &is_whole);
  if (!is_plain(line)) return Likelihood::kNo;
  const bool on_port = first.has_port(kPorts[0]);
  if (is_greeting(line)) {
    return on_port || contains_nocase(line, "imap") ? Likelihood::kLikely : Likelihood::kNo;
  }
  if (!is_whole) return Likelihood::kNo;
  const std::string_view tag = take_word(&line);
  if (!is_tag(tag) || tag == "*") return Likelihood::kNo;
  const std::string_view keyword = take_word(&line);
  if (equals_nocase(keyword, "CAPABILITY") && line.empty()) return Likelihood::kLikely;
  return on_port && is_keyword(keyword) ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  return Session(static_cast<State*>(state), segment, context).run();
}

bool on_gap(void* state, bool from_originator, Context* context) {
  auto* s = static_cast<State*>(state);
  const bool client = s->is_client(from_originator);
  s->lose(client, context);
  (client ? s->client_literal : s->server_literal) = {};
  return true;
}

}  // namespace

extern const Parser kImap;

const Parser kImap{
    .app = AppId::kImap,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .on_end = end_session<Session, State>,
    .first_bytes = "*",
    .ports = kPorts,
};

}  // namespace thymus::dpi
