// The client/server protocol of MySQL and MariaDB (MySQL Internals, "Connection Phase"), integers
// little-endian:
//
//   packet: | length, 3 | number, 1 | body |
//   greeting, from the server: 10 | version 00 | thread, 4 | ... | plug-in 00
//   login: | capabilities, 4 | most bytes, 4 | character set | 23 zeros | user 00 | answer |
//          database 00 | plug-in 00 |; cut behind the zeros it asks for TLS
//   reply: 00 done, ff error { code, 2, '#', state, 5, text }, fe or 01 more to do
//   command, its number 0: | kind | ... |
#include "base/generated/events/mysql.h"

#include <algorithm>
#include <array>

#include "dpi/frames.h"
#include "dpi/kept_fields.h"
#include "dpi/parser.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

namespace ids = event::mysql;

constexpr uint16_t kPorts[] = {3306};
constexpr size_t kHeaderBytes = 4, kMaxHeadBytes = 1024;
constexpr uint8_t kProtocol = 10;
constexpr uint8_t kDone = 0x00, kError = 0xff;
constexpr size_t kTlsRequestBytes = 32;  // of a login without its end
constexpr size_t kMaxFieldsBytes = 8 * 1024;
enum : int { kClientBuffer, kServerBuffer, kFieldsBuffer };
enum class Kept : uint8_t { kVersion, kUser, kDatabase, kPlugin };

enum Capability : uint32_t {
  kConnectWithDb = 1u << 3,
  kTls = 1u << 11,
  kSecureConnection = 1u << 15,
  kPluginAuth = 1u << 19,
  kLengthEncodedAuth = 1u << 21,
  kProtocol41 = 1u << 9,
};

enum Command : uint8_t { kQuit = 1, kQuery = 3, kPrepare = 0x16, kExecute = 0x17 };

enum class Phase : uint8_t { kGreeting, kLogin, kAnswer, kCommands, kFailed };

struct State {
  FrameCursor cursor[2];
  uint32_t thread_id;
  uint64_t n_commands, n_queries, n_prepared, n_errors;
  Phase phase;
  bool roles_known;
  bool client_is_responder;
};

// The last text of a packet may lack its zero.
std::string_view take_string(Reader* r) {
  const std::string_view rest = as_text(r->rest());
  const std::string_view text = rest.substr(0, rest.find('\0'));
  r->skip(std::min(text.size() + 1, rest.size()));
  return text;
}

Frame measure(Bytes all) {
  Reader r(all);
  const uint32_t low = r.le16();
  const uint32_t length = low | uint32_t{r.u8()} << 16;
  return r.ok() && !r.empty() ? Frame::of(kHeaderBytes + length, kMaxHeadBytes) : Frame{};
}

bool is_version(std::string_view text) {
  return text.size() >= 3 && is_digit(text[0]) && is_plain(text) &&
         text.find('.') != std::string_view::npos;
}

bool read_greeting(Bytes body, std::string_view* version, uint32_t* thread_id) {
  Reader r(body);
  if (r.u8() != kProtocol) return false;
  *version = take_string(&r);
  *thread_id = r.le32();
  return r.ok() && is_version(*version);
}

class Session {
 public:
  Session(State* state, Context* context)
      : s_(*state), context_(*context), fields_(context->buffers, kFieldsBuffer, kMaxFieldsBytes) {}

  Answer run(const Segment& segment);
  void end() {
    if (s_.phase == Phase::kAnswer) write_login(nullptr);
    if (s_.phase == Phase::kCommands && s_.n_commands > 0) write_end();
  }

 private:
  bool on_client(Bytes packet, size_t n_behind);
  bool on_login(Bytes body, size_t n_behind);
  void on_command(uint8_t kind);
  bool on_server(Bytes packet);
  void keep(Kept kind, std::string_view text) {
    if (!text.empty()) fields_.add(static_cast<uint8_t>(kind), text);
  }
  void put_kept(Kept kind, uint16_t field);
  void begin(std::string_view type, bool has_tls);
  void write_login(const Bytes* reply, bool has_tls = false);
  void write_end();

  State& s_;
  Context& context_;
  KeptFields fields_;
  Answer answer_ = Answer::kNeedMore;
};

Answer Session::run(const Segment& segment) {
  if (!s_.roles_known && !segment.data.empty()) {
    s_.roles_known = true;
    s_.client_is_responder = segment.from_originator;  // the server speaks first
  }
  const bool by_client = segment.from_originator != s_.client_is_responder;
  const Framing framing = take_frames(
      &s_.cursor[by_client ? 0 : 1], &context_, by_client ? kClientBuffer : kServerBuffer,
      segment.data, measure, [&](Bytes head, const Frame&, size_t n_behind) {
        return by_client ? on_client(head, n_behind) : on_server(head);
      });
  if (framing == Framing::kStopped) return answer_;
  if (framing == Framing::kBroken) return Answer::kReject;
  return s_.phase == Phase::kGreeting ? Answer::kNeedMore : Answer::kAccept;
}

bool Session::on_client(Bytes packet, size_t n_behind) {
  const uint8_t number = packet[3];
  const Bytes body = packet.subspan(kHeaderBytes);
  switch (s_.phase) {
    case Phase::kGreeting:
      answer_ = Answer::kReject;
      return false;
    case Phase::kLogin:
      return on_login(body, n_behind);
    case Phase::kCommands:
      if (number == 0 && !body.empty()) on_command(body[0]);
      return true;
    case Phase::kAnswer:
    case Phase::kFailed:
      return true;
  }
  return true;
}

bool Session::on_login(Bytes body, size_t n_behind) {
  constexpr size_t kZeros = 23;
  Reader r(body);
  const uint32_t capabilities = r.le32();
  if ((capabilities & kProtocol41) == 0) {
    answer_ = Answer::kDone;  // before MySQL 4.1
    return false;
  }
  if (body.size() == kTlsRequestBytes && (capabilities & kTls) != 0) {
    write_login(nullptr, true);
    answer_ = Answer::kHandOver;
    context_.next = AppId::kTls;
    context_.next_bytes = n_behind;
    return false;
  }
  r.skip(4 + 1 + kZeros);
  keep(Kept::kUser, take_string(&r));
  if ((capabilities & (kSecureConnection | kLengthEncodedAuth)) != 0) {
    r.skip(r.u8());
  } else {
    take_string(&r);
  }
  if ((capabilities & kConnectWithDb) != 0) keep(Kept::kDatabase, take_string(&r));
  if ((capabilities & kPluginAuth) != 0) keep(Kept::kPlugin, take_string(&r));
  s_.phase = Phase::kAnswer;
  return true;
}

void Session::on_command(uint8_t kind) {
  if (kind == kQuit) return;
  ++s_.n_commands;
  if (kind == kQuery) ++s_.n_queries;
  if (kind == kPrepare || kind == kExecute) ++s_.n_prepared;
}

bool Session::on_server(Bytes packet) {
  const uint8_t number = packet[3];
  const Bytes body = packet.subspan(kHeaderBytes);
  const uint8_t kind = body.empty() ? uint8_t{0xfe} : body[0];
  std::string_view version;
  switch (s_.phase) {
    case Phase::kGreeting:
      if (number != 0 || !read_greeting(body, &version, &s_.thread_id)) {
        answer_ = Answer::kReject;
        return false;
      }
      keep(Kept::kVersion, version);
      s_.phase = Phase::kLogin;
      break;
    case Phase::kAnswer:
      if (kind != kDone && kind != kError) break;
      write_login(&body);
      s_.phase = kind == kDone ? Phase::kCommands : Phase::kFailed;
      break;
    case Phase::kCommands:
      if (kind == kError && number == 1) ++s_.n_errors;
      break;
    case Phase::kLogin:
    case Phase::kFailed:
      break;
  }
  return true;
}

void Session::put_kept(Kept kind, uint16_t field) {
  fields_.each([&](uint8_t found, std::string_view text) {
    if (found == static_cast<uint8_t>(kind)) context_.events->put_text(field, text);
  });
}

void Session::begin(std::string_view type, bool has_tls) {
  EventWriter* events = context_.events;
  events->begin(event::kMysql, s_.client_is_responder ? Side::kResponder : Side::kOriginator);
  events->put_text(ids::kType, type);
  put_kept(Kept::kVersion, ids::kServerVersion);
  events->put(ids::kThreadId, s_.thread_id);
  put_kept(Kept::kUser, ids::kUser);
  put_kept(Kept::kDatabase, ids::kDatabase);
  put_kept(Kept::kPlugin, ids::kAuthPlugin);
  events->put_bool(ids::kTls, has_tls);
}

// `reply`: null where none came, or where it is encrypted.
void Session::write_login(const Bytes* reply, bool has_tls) {
  EventWriter* events = context_.events;
  begin("login", has_tls);
  if (reply != nullptr) {
    Reader r(*reply);
    const bool failed = r.u8() == kError;
    events->put_bool(ids::kSuccess, !failed);
    if (failed) {
      events->put(ids::kErrorCode, r.le16());
      if (r.peek_u8() == '#') r.skip(6);
      events->put_bytes(ids::kError, r.rest());
    }
  }
  events->end();
}

void Session::write_end() {
  EventWriter* events = context_.events;
  begin("end", false);
  events->put(ids::kCommands, s_.n_commands);
  events->put(ids::kQueries, s_.n_queries);
  events->put(ids::kPrepared, s_.n_prepared);
  events->put(ids::kErrors, s_.n_errors);
  events->end();
}

Likelihood probe(const Segment& first) {
  const Frame frame = measure(first.data);
  std::string_view version;
  uint32_t thread_id = 0;
  if (frame.state != Frame::State::kKnown || first.data[3] != 0 ||
      frame.bytes != first.data.size()) {
    return Likelihood::kNo;
  }
  return read_greeting(first.data.subspan(kHeaderBytes), &version, &thread_id) ? Likelihood::kLikely
                                                                               : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  return Session(static_cast<State*>(state), context).run(segment);
}

bool on_gap(void* state, bool from_originator, Context* context) {
  auto* s = static_cast<State*>(state);
  if (s->phase != Phase::kCommands) return false;
  const bool by_client = from_originator != s->client_is_responder;
  s->cursor[by_client ? 0 : 1].lose(by_client ? kClientBuffer : kServerBuffer, context);
  return true;
}

void on_end(void* state, Context* context) { Session(static_cast<State*>(state), context).end(); }

}  // namespace

extern const Parser kMysql;

// The length comes first: greetings are never longer than 255 bytes.
const Parser kMysql{
    .app = AppId::kMysql,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .on_end = on_end,
    .ports = kPorts,
};

}  // namespace thymus::dpi
