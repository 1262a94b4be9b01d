// Telnet (RFC 854, 855): text, with commands that begin with ff:
//
//   ff fb-fe option           will, won't, do, don't (RFC 1091: option 24 is the terminal type)
//   ff fa option ... ff f0    a subnegotiation; 24 00 text: the type
//   ff ff                     the byte ff itself
//
// Servers ask for name and password with a prompt; what the client types up to the line end after
// a name's prompt is the user, after a password's it is passed over. What the server says next
// tells whether it let the client in.
#include "base/generated/events/telnet.h"

#include <algorithm>
#include <array>

#include "dpi/parser.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

namespace ids = event::telnet;

constexpr uint16_t kPorts[] = {23, 2323};
constexpr uint8_t kIac = 0xff, kSubEnd = 0xf0, kSub = 0xfa, kWill = 0xfb, kDont = 0xfe;
constexpr uint8_t kTerminalType = 24, kLineMode = 34;
constexpr uint8_t kLastOption = 49;
constexpr uint32_t kMaxEvents = 1000;
constexpr size_t kTailBytes = 96;    // of what the server said last
constexpr size_t kEnoughBytes = 48;  // of it, to say that a login succeeded
constexpr std::string_view kRefusals[] = {"incorrect", "failed", "denied",
                                          "invalid",   "fail",   "wrong"};

enum class Phase : uint8_t {
  kText,
  kUser,      // the server asked for a name
  kNamed,     // the client typed it
  kPassword,  // the server asked for it
  kVerdict,   // the client typed it
};

// Where one direction stands in its commands.
enum class Mode : uint8_t { kText, kCommand, kOption, kBegin, kInside, kMaybeEnd };

struct Direction {
  Mode mode;
  uint8_t command;
  uint8_t option;
  uint8_t sub_bytes;
};

struct State {
  Direction directions[2];
  Phase phase;
  bool roles_known;
  bool client_is_responder;
  bool has_negotiated;
  bool has_written;
  uint8_t user_bytes, terminal_bytes, tail_bytes;
  uint32_t n_events;
  uint32_t n_said;   // bytes of the server since the password
  uint64_t options;  // that one side offered or asked for, by number
  std::array<char, 64> user;
  std::array<char, 40> terminal;
  std::array<char, kTailBytes> tail;
};

std::string_view option_name(int option) {
  switch (option) {
    case 0:
      return "binary";
    case 1:
      return "echo";
    case 3:
      return "suppress_go_ahead";
    case 5:
      return "status";
    case 24:
      return "terminal_type";
    case 31:
      return "window_size";
    case 32:
      return "terminal_speed";
    case 33:
      return "flow_control";
    case 34:
      return "line_mode";
    case 35:
      return "x_display";
    case 36:
      return "environment";
    case 37:
      return "authentication";
    case 38:
      return "encryption";
    case 39:
      return "new_environment";
    default:
      return "";
  }
}

class Session {
 public:
  Session(State* state, Context* context) : s_(*state), context_(*context) {}

  Answer run(const Segment& segment);
  void end() {
    if (s_.phase == Phase::kVerdict) return judge(s_.n_said > 0 && !is_refused());
    if (!s_.has_written && s_.has_negotiated) write_event(nullptr);
  }

 private:
  void on_byte(uint8_t byte, bool by_client, Direction* direction);
  void on_option(const Direction& direction);
  void on_sub(uint8_t byte, bool by_client, Direction* direction);
  void on_client(char c);
  void on_server(char c);
  bool ends_with_prompt(std::string_view words) const;
  bool is_refused() const;
  void judge(bool success);
  void write_event(const bool* success);
  std::string_view tail() const { return {s_.tail.data(), s_.tail_bytes}; }

  State& s_;
  Context& context_;
};

Answer Session::run(const Segment& segment) {
  if (!s_.roles_known && !segment.data.empty()) {
    s_.roles_known = true;
    const bool by_server = segment.src_port == kPorts[0] || segment.src_port == kPorts[1];
    s_.client_is_responder = segment.from_originator && by_server;
  }
  const bool by_client = segment.from_originator != s_.client_is_responder;
  Direction& direction = s_.directions[by_client ? 0 : 1];
  for (const uint8_t byte : segment.data) on_byte(byte, by_client, &direction);
  if (s_.n_events >= kMaxEvents) return Answer::kDone;
  const bool is_known = s_.has_negotiated || s_.phase != Phase::kText;
  return is_known ? Answer::kAccept : Answer::kNeedMore;
}

void Session::on_byte(uint8_t byte, bool by_client, Direction* direction) {
  switch (direction->mode) {
    case Mode::kText:
      if (byte == kIac) {
        direction->mode = Mode::kCommand;
      } else if (by_client) {
        on_client(static_cast<char>(byte));
      } else {
        on_server(static_cast<char>(byte));
      }
      return;
    case Mode::kCommand:
      direction->command = byte;
      direction->sub_bytes = 0;
      direction->mode = byte == kSub                     ? Mode::kBegin
                        : byte >= kWill && byte <= kDont ? Mode::kOption
                                                         : Mode::kText;
      return;
    case Mode::kOption:
      direction->option = byte;
      direction->mode = Mode::kText;
      return on_option(*direction);
    case Mode::kBegin:
      direction->option = byte;
      direction->mode = Mode::kInside;
      return;
    case Mode::kInside:
      if (byte == kIac) {
        direction->mode = Mode::kMaybeEnd;
      } else {
        on_sub(byte, by_client, direction);
      }
      return;
    case Mode::kMaybeEnd:
      direction->mode = byte == kSubEnd ? Mode::kText : Mode::kInside;
      return;
  }
}

void Session::on_option(const Direction& direction) {
  s_.has_negotiated = s_.has_negotiated || direction.option <= kLastOption;
  if (direction.option <= kLastOption) s_.options |= uint64_t{1} << direction.option;
}

// The type that a client tells comes behind a zero; the last one it tells counts.
void Session::on_sub(uint8_t byte, bool by_client, Direction* direction) {
  const uint8_t at = direction->sub_bytes;
  if (at < UINT8_MAX) ++direction->sub_bytes;
  if (!by_client || direction->option != kTerminalType) return;
  if (at == 0) {
    s_.terminal_bytes = 0;
  } else if (s_.terminal_bytes < s_.terminal.size() && is_printable(static_cast<char>(byte))) {
    s_.terminal[s_.terminal_bytes++] = static_cast<char>(byte);
  }
}

void Session::on_client(char c) {
  constexpr char kBackspace = 8, kDelete = 127;
  const bool is_end = c == '\r' || c == '\n';
  if (s_.phase == Phase::kUser) {
    if (is_end && s_.user_bytes > 0) {
      s_.phase = Phase::kNamed;
      s_.tail_bytes = 0;
    } else if ((c == kBackspace || c == kDelete) && s_.user_bytes > 0) {
      --s_.user_bytes;
    } else if (is_printable(c) && s_.user_bytes < s_.user.size()) {
      s_.user[s_.user_bytes++] = c;
    }
  } else if (s_.phase == Phase::kPassword && is_end) {
    s_.phase = Phase::kVerdict;
    s_.n_said = 0;
    s_.tail_bytes = 0;
  }
}

void Session::on_server(char c) {
  if (c == '\n' && s_.phase != Phase::kVerdict) {
    s_.tail_bytes = 0;
    return;
  }
  if (!is_printable(c)) return;
  if (s_.tail_bytes == s_.tail.size()) {
    std::copy(s_.tail.begin() + kTailBytes / 2, s_.tail.end(), s_.tail.begin());
    s_.tail_bytes = kTailBytes / 2;
  }
  s_.tail[s_.tail_bytes++] = c;
  if (s_.phase == Phase::kVerdict && ++s_.n_said >= kEnoughBytes) judge(!is_refused());
  if (c != ':') return;
  if (ends_with_prompt("login:") || ends_with_prompt("username:") || ends_with_prompt("user:") ||
      ends_with_prompt("user name:")) {
    // Greetings tell of the last login, too.
    if (contains_nocase(tail(), "last login:")) return;
    if (s_.phase == Phase::kVerdict) judge(false);
    s_.phase = Phase::kUser;
    s_.user_bytes = 0;
  } else if (ends_with_prompt("password:")) {
    if (s_.phase == Phase::kVerdict) judge(false);
    s_.phase = Phase::kPassword;
  }
}

bool Session::ends_with_prompt(std::string_view words) const {
  return s_.tail_bytes >= words.size() &&
         equals_nocase(tail().substr(s_.tail_bytes - words.size()), words);
}

bool Session::is_refused() const {
  return std::ranges::any_of(kRefusals,
                             [&](std::string_view word) { return contains_nocase(tail(), word); });
}

void Session::judge(bool success) {
  write_event(&success);
  s_.phase = Phase::kText;
}

void Session::write_event(const bool* success) {
  if (s_.n_events++ >= kMaxEvents) return;
  s_.has_written = true;
  EventWriter* events = context_.events;
  events->begin(event::kTelnet, s_.client_is_responder ? Side::kResponder : Side::kOriginator);
  if (s_.user_bytes > 0) events->put_text(ids::kUser, {s_.user.data(), s_.user_bytes});
  if (s_.terminal_bytes > 0) {
    events->put_text(ids::kTerminal, {s_.terminal.data(), s_.terminal_bytes});
  }
  if (success != nullptr) events->put_bool(ids::kSuccess, *success);
  events->put_bool(ids::kLineMode, (s_.options >> kLineMode & 1) != 0);
  for (int option = 0; option <= kLastOption; ++option) {
    const std::string_view name = option_name(option);
    if ((s_.options >> option & 1) != 0 && !name.empty()) events->put_text(ids::kOptions, name);
  }
  events->end();
}

bool is_negotiation(Reader* r) {
  const uint8_t iac = r->u8();
  const uint8_t command = r->u8();
  const uint8_t option = r->u8();
  return r->ok() && iac == kIac && command >= kWill && command <= kDont && option <= kLastOption;
}

// Two negotiations in a row off the port, one on it, or a prompt.
Likelihood probe(const Segment& first) {
  Reader r(first.data);
  const bool on_port = first.has_port(kPorts[0]) || first.has_port(kPorts[1]);
  if (is_negotiation(&r) && (on_port || is_negotiation(&r))) return Likelihood::kLikely;
  const bool has_prompt = on_port && first.data.size() <= 2 * kTailBytes &&
                          (contains_nocase(as_text(first.data), "login:") ||
                           contains_nocase(as_text(first.data), "username:"));
  return has_prompt ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  return Session(static_cast<State*>(state), context).run(segment);
}

bool on_gap(void* state, bool from_originator, Context*) {
  auto* s = static_cast<State*>(state);
  const bool by_client = from_originator != s->client_is_responder;
  s->directions[by_client ? 0 : 1] = {};
  if (!by_client) s->tail_bytes = 0;
  return true;
}

void on_end(void* state, Context* context) { Session(static_cast<State*>(state), context).end(); }

}  // namespace

extern const Parser kTelnet;

const Parser kTelnet{
    .app = AppId::kTelnet,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .on_end = on_end,
    .first_bytes = "\xff",
    .ports = kPorts,
};

}  // namespace thymus::dpi
