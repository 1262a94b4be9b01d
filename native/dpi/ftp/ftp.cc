// The control connection of FTP (RFC 959), with EPRT and EPSV (RFC 2428) and AUTH TLS (RFC 4217).
//
//   server: "220 text", or "220-text" with more lines up to "220 text"
//   client: COMMAND [argument]
//   server: replies to it; those that begin with 1 come before another one
//
// PASV, EPSV, PORT and EPRT say where a data connection will be made; the next transfer announces
// it to the flow table.
#include "base/generated/events/ftp.h"

#include <algorithm>
#include <array>

#include "base/generated/anomaly_codes.h"
#include "dpi/ftp/transfer.h"
#include "dpi/kept_fields.h"
#include "dpi/line_dialogue.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace code = anomaly_code;
namespace ids = event::ftp;

constexpr uint16_t kPorts[] = {21};
constexpr size_t kMaxLineBytes = 4096;
constexpr size_t kMaxRequestBytes = 32 * 1024;  // of all requests without a reply
constexpr size_t kMaxReplyBytes = 16 * 1024;
constexpr uint32_t kMaxOpenRequests = 256;
constexpr uint32_t kMaxEvents = 20'000;
enum : int { kRequestsBuffer = 2, kReplyBuffer };
enum Kept : uint8_t { kWhole, kCut };

struct State : LineDialogue {
  uint32_t n_open;  // requests without a last reply
  uint32_t n_events;
  uint16_t data_port;  // where the next data connection will be made; 0: not said
  bool data_is_active;
  uint16_t shown_port;  // of the request under way
  uint16_t reply;       // code of a reply of several lines; 0: none is under way
  bool is_sure;
};

bool contains_ftp(std::string_view line) {
  for (size_t i = 0; i + 3 <= line.size(); ++i) {
    if (starts_nocase(line.substr(i), "ftp")) return true;
  }
  return false;
}

// A command is letters, at most eight.
bool is_command(std::string_view word) {
  return word.size() >= 3 && word.size() <= 8 && std::ranges::all_of(word, is_alpha);
}

std::string_view after_code(std::string_view line) {
  return line.substr(std::min<size_t>(4, line.size()));
}

// The port of "h1,h2,h3,h4,p1,p2" (RFC 959); 0: there is none.
uint16_t port_of_list(std::string_view text) {
  const auto begin = std::ranges::find_if(text, is_digit);
  text.remove_prefix(static_cast<size_t>(begin - text.begin()));
  std::array<uint64_t, 6> part{};
  for (size_t i = 0; i < part.size(); ++i) {
    if (!take_number(&text, 255, &part[i])) return 0;
    if (i + 1 == part.size()) break;
    if (!text.starts_with(',')) return 0;
    text.remove_prefix(1);
  }
  return static_cast<uint16_t>(part[4] << 8 | part[5]);
}

// The port of "|protocol|address|port|" (RFC 2428), where any character may divide; 0: none.
uint16_t port_of_fields(std::string_view text) {
  if (text.empty()) return 0;
  const char divider = text.front();
  for (int i = 0; i < 3; ++i) {
    const size_t at = text.find(divider);
    if (at == std::string_view::npos) return 0;
    text.remove_prefix(at + 1);
  }
  uint64_t port = 0;
  if (!take_number(&text, UINT16_MAX, &port) || !text.starts_with(divider)) return 0;
  return static_cast<uint16_t>(port);
}

class Session : public LineSession<Session, State> {
 public:
  Session(State* state, const Segment& segment, Context* context)
      : LineSession(state, segment, context),
        requests_(context->buffers, kRequestsBuffer, kMaxRequestBytes),
        replies_(context->buffers, kReplyBuffer, kMaxReplyBytes) {}

  void end() {
    while (!requests_.empty() || !replies_.empty()) write_event(false);
  }

 private:
  friend LineSession;

  bool client_is_originator() const { return !s_.client_is_responder; }
  void find_roles();
  size_t on_client(Bytes all);
  void on_transfer(int transfer, std::string_view argument);
  size_t on_server(Bytes all, size_t n_behind);
  void on_last_line(int reply, std::string_view line, size_t rest_bytes);
  void set_data_port(uint16_t port, bool is_active);
  void write_event(bool is_answered);
  void put_request(std::string_view line, bool is_cut);
  bool put_replies();
  void fault(uint16_t fault_code) {
    if (s_.n_events++ < kMaxEvents) write_anomaly(fault_code, context_.events);
  }

  KeptFields requests_;
  KeptFields replies_;
};

void Session::find_roles() {
  if (segment_.data.size() < 2) return;
  s_.set_roles(segment_.from_originator, is_digit(static_cast<char>(segment_.data[0])));
}

// ---- client

size_t Session::on_client(Bytes all) {
  Line line;
  const size_t used = s_.client_lines.next(all, kMaxLineBytes, &line);
  if (!line.is_there || line.text.empty()) return used;
  std::string_view argument = line.text;
  const std::string_view command = take_word(&argument);
  if (!is_command(command)) {
    if (!s_.is_sure) answer_ = Answer::kReject;
    return used;
  }
  be_sure();
  if (line.is_cut) fault(code::kFtpRequestCommandTooLong);
  if (s_.n_open == kMaxOpenRequests || !requests_.add(line.is_cut ? kCut : kWhole, line.text)) {
    fault(code::kFtpTooManyTransactions);
    answer_ = Answer::kReject;
    return used;
  }
  ++s_.n_open;
  const int transfer = transfer_of(command);
  if (transfer >= 0) on_transfer(transfer, argument);
  return used;
}

void Session::on_transfer(int transfer, std::string_view argument) {
  constexpr int kUnique = 3;  // STOU, where the server chooses the name
  const bool is_file = transfer < static_cast<int>(kFileTransfers);
  if (is_file && argument.empty() && transfer != kUnique) {
    fault(code::kFtpFileWithoutName);
    return;
  }
  if (s_.data_port == 0) {
    fault(code::kFtpFileBeforePort);
    return;
  }
  TransferNote note{};
  note.set(transfer, !is_file           ? std::string_view{}
                     : argument.empty() ? std::string_view("<stou>")
                                        : argument);
  const bool client_listens = s_.data_is_active;
  context_.expectations->expect(
      {AppId::kFtpData, client_listens == client_is_originator(), true, s_.data_port}, note.view());
  s_.data_port = 0;
}

// ---- server

size_t Session::on_server(Bytes all, size_t n_behind) {
  Line line;
  const size_t used = s_.server_lines.next(all, kMaxLineBytes, &line);
  if (!line.is_there || line.text.empty()) return used;
  const int reply = reply_code(line.text);
  if (!s_.is_sure && reply == 0 && s_.reply == 0) {
    answer_ = Answer::kReject;
    return used;
  }
  if (reply == 220) be_sure();
  if (line.is_cut) fault(code::kFtpResponseCommandTooLong);
  replies_.add(line.is_cut ? kCut : kWhole, line.text);
  const bool goes_on = reply != 0 && line.text.size() > 3 && line.text[3] == '-';
  if (s_.reply == 0 && goes_on) s_.reply = static_cast<uint16_t>(reply);
  if (s_.reply != 0 && (goes_on || reply != s_.reply)) return used;
  s_.reply = 0;
  on_last_line(reply, line.text, all.size() - used + n_behind);
  return used;
}

// The last line of a reply to the oldest request.
void Session::on_last_line(int reply, std::string_view line, size_t rest_bytes) {
  std::string_view argument = requests_.empty() ? std::string_view{} : requests_.front();
  const std::string_view command = take_word(&argument);
  if (reply == 227 && equals_nocase(command, "PASV")) {
    set_data_port(port_of_list(after_code(line)), false);
  } else if (reply == 229 && equals_nocase(command, "EPSV")) {
    const size_t open = line.find('(');
    set_data_port(open == std::string_view::npos ? 0 : port_of_fields(line.substr(open + 1)),
                  false);
  } else if (equals_nocase(command, "PORT")) {
    set_data_port(port_of_list(argument), true);
  } else if (equals_nocase(command, "EPRT")) {
    set_data_port(port_of_fields(argument), true);
  }
  if (reply / 100 == 1) return;
  const bool starts_tls = reply == 234 && equals_nocase(command, "AUTH");
  write_event(true);
  if (!starts_tls) return;
  answer_ = Answer::kHandOver;
  context_.next = AppId::kTls;
  context_.next_bytes = rest_bytes;
}

void Session::set_data_port(uint16_t port, bool is_active) {
  s_.data_port = port;
  s_.shown_port = port;
  s_.data_is_active = is_active;
}

// ---- events

// The oldest request, if any, with the replies to it.
void Session::write_event(bool is_answered) {
  if (s_.n_events++ < kMaxEvents && s_.is_sure) {
    EventWriter* events = context_.events;
    events->begin(event::kFtp, s_.client_side());
    std::string_view command = requests_.empty() ? std::string_view{} : requests_.front();
    if (!requests_.empty()) put_request(command, requests_.front_kind() == kCut);
    const bool is_cut = put_replies();
    if (s_.shown_port != 0) events->put(ids::kDynamicPort, s_.shown_port);
    command = take_word(&command);
    const bool is_active = equals_nocase(command, "PORT") || equals_nocase(command, "EPRT");
    if (is_active || equals_nocase(command, "PASV") || equals_nocase(command, "EPSV")) {
      events->put_text(ids::kMode, is_active && s_.shown_port != 0 ? "active" : "passive");
    }
    events->put_text(ids::kReplyReceived, is_answered ? "yes" : "no");
    events->put_bool(ids::kReplyTruncated, is_cut);
    events->end();
  }
  s_.shown_port = 0;
  replies_.clear();
  if (requests_.empty()) return;
  requests_.pop();
  --s_.n_open;
}

void Session::put_request(std::string_view line, bool is_cut) {
  EventWriter* events = context_.events;
  const std::string_view whole = line;
  const std::string_view command = take_word(&line);
  if (equals_nocase(whole, "AUTH TLS")) {
    events->put_text(ids::kCommand, "AUTH TLS");
    return;
  }
  std::array<char, 8> name;
  std::ranges::transform(command, name.begin(), ascii_upper);
  events->put_text(ids::kCommand, {name.data(), command.size()});
  if (line.empty()) return;
  events->put_text(ids::kCommandData, line);
  events->put_bool(ids::kCommandTruncated, is_cut);
}

// Returns whether one of them was cut.
bool Session::put_replies() {
  EventWriter* events = context_.events;
  bool is_cut = false;
  replies_.each([&](uint8_t kind, std::string_view line) {
    is_cut |= kind == kCut;
    const bool has_code = reply_code(line) != 0;
    if (has_code) events->put_text(ids::kCompletionCode, line.substr(0, 3));
    const std::string_view text = has_code ? after_code(line) : line;
    if (!text.empty()) events->put_text(ids::kReply, text);
  });
  return is_cut;
}

// ---- parser

Likelihood probe(const Segment& first) {
  bool is_whole = false;
  std::string_view line = first_line(first.data, &is_whole);
  if (!is_plain(line)) return Likelihood::kNo;
  const bool on_port = first.has_port(kPorts[0]);
  const int reply = reply_code(line);
  if (reply == 220) return on_port || contains_ftp(line) ? Likelihood::kLikely : Likelihood::kNo;
  if (!on_port || !is_whole) return Likelihood::kNo;
  if (reply != 0) return Likelihood::kMaybe;
  return is_command(take_word(&line)) ? Likelihood::kMaybe : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  return Session(static_cast<State*>(state), segment, context).run();
}

bool on_gap(void* state, bool from_originator, Context* context) {
  auto* s = static_cast<State*>(state);
  const bool client = s->is_client(from_originator);
  s->lose(client, context);
  if (!client) s->reply = 0;
  return true;
}

}  // namespace

extern const Parser kFtp;

const Parser kFtp{
    .app = AppId::kFtp,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .on_end = end_session<Session, State>,
    .first_bytes = "2",
    .ports = kPorts,
};

}  // namespace thymus::dpi
