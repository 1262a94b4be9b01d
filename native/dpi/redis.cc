// The serialization protocol of Redis (RESP2, RESP3): lines that begin with a type.
//
//   command: *n, then n times $length and that many bytes with a line end; or a line of words
//   reply:   +text, -error, :number, $length and bytes, *n and n replies, and others
//
// Every line of a reply begins with its type, so that nesting needs no state.
#include "base/generated/events/redis.h"

#include <algorithm>
#include <array>
#include <utility>

#include "dpi/lines.h"
#include "dpi/parser.h"
#include "dpi/seen_names.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

namespace ids = event::redis;

constexpr uint16_t kPorts[] = {6379};
constexpr size_t kMaxLineBytes = 512;
constexpr uint64_t kMaxBulkBytes = uint64_t{1} << 30;
constexpr uint64_t kMaxItems = 1 << 20;
constexpr size_t kMaxWordBytes = 64;
constexpr size_t kLineEndBytes = 2;
enum : int { kClientBuffer, kServerBuffer };

// Commands whose first argument says what they do.
constexpr std::string_view kContainers[] = {"ACL",    "CLIENT",   "CLUSTER", "COMMAND", "CONFIG",
                                            "DEBUG",  "FUNCTION", "MEMORY",  "MODULE",  "OBJECT",
                                            "PUBSUB", "SCRIPT",   "SLOWLOG", "XGROUP",  "XINFO"};

// Of a command the first words are kept.
struct Word {
  std::array<char, kMaxWordBytes> text;
  uint8_t size;

  void set(std::string_view from) {
    size = static_cast<uint8_t>(std::min(from.size(), kMaxWordBytes));
    std::copy_n(from.data(), size, text.begin());
  }
  std::string_view view() const { return {text.data(), size}; }
};

struct Stream {
  LineReader lines;
  uint64_t skip_bytes;  // of a bulk
};

struct State {
  Stream client;
  Stream server;
  uint64_t n_items;     // of the command under way
  uint64_t item;        // that is awaited
  uint64_t word_bytes;  // of an item that is kept, and one more; 0: its length is awaited
  Word words[2];
  SeenNames names;
  bool is_sure;
  bool roles_known;
  bool client_is_responder;
  bool is_lost;  // the client's stream had a hole: until a line begins a command
};
static_assert(sizeof(State) <= kMaxParserStateBytes);

bool is_name(std::string_view word) {
  return !word.empty() && is_alpha(word[0]) && std::ranges::all_of(word, [](char c) {
    return is_alpha(c) || is_digit(c) || c == '.' || c == '_' || c == '-' || c == '|';
  });
}

class Session {
 public:
  Session(State* state, const Segment& segment, Context* context)
      : s_(*state), segment_(segment), context_(*context) {}

  Answer run();

 private:
  size_t on_client(Bytes all);
  size_t on_item(Bytes all);
  void on_client_line(std::string_view line);
  void end_item();
  void on_command();
  size_t on_server(Bytes all);
  bool skip(Stream* stream, Bytes all, size_t* used);
  void reject() {
    if (!s_.is_sure) answer_ = Answer::kReject;
  }
  Side client_side() const { return s_.client_is_responder ? Side::kResponder : Side::kOriginator; }

  State& s_;
  const Segment& segment_;
  Context& context_;
  Answer answer_ = Answer::kNeedMore;
};

Answer Session::run() {
  if (!s_.roles_known && !segment_.data.empty()) {
    s_.roles_known = true;
    const auto first = static_cast<char>(segment_.data[0]);
    const bool by_server = segment_.has_port(kPorts[0]) ? segment_.src_port == kPorts[0]
                                                        : first == '+' || first == '-';
    s_.client_is_responder = segment_.from_originator == by_server;
  }
  const bool by_client = segment_.from_originator != s_.client_is_responder;
  const bool kept = take_stream(&context_, by_client ? kClientBuffer : kServerBuffer, segment_.data,
                                [&](Bytes all, size_t) {
                                  if (answer_ == Answer::kReject) return all.size();
                                  return by_client ? on_client(all) : on_server(all);
                                });
  if (!kept || answer_ == Answer::kReject) return Answer::kReject;
  return s_.is_sure ? Answer::kAccept : Answer::kNeedMore;
}

bool Session::skip(Stream* stream, Bytes all, size_t* used) {
  if (stream->skip_bytes == 0) return false;
  *used = static_cast<size_t>(std::min<uint64_t>(stream->skip_bytes, all.size()));
  stream->skip_bytes -= *used;
  return true;
}

// ---- client

size_t Session::on_client(Bytes all) {
  size_t used = 0;
  if (skip(&s_.client, all, &used)) return used;
  if (s_.word_bytes > 0) return on_item(all);
  Line line;
  used = s_.client.lines.next(all, kMaxLineBytes, &line);
  if (line.is_there) on_client_line(line.text);
  return used;
}

// A word that is kept, with its line end.
size_t Session::on_item(Bytes all) {
  const size_t length = static_cast<size_t>(s_.word_bytes - 1);
  if (all.size() < length + kLineEndBytes) return 0;
  s_.words[s_.item].set(as_text(all.first(length)));
  s_.word_bytes = 0;
  end_item();
  return length + kLineEndBytes;
}

void Session::on_client_line(std::string_view line) {
  std::string_view rest = line.empty() ? line : line.substr(1);
  uint64_t n = 0;
  if (line.starts_with('*')) {
    if (!take_number(&rest, kMaxItems, &n) || !rest.empty()) return reject();
    s_.is_lost = false;
    s_.n_items = n;
    s_.item = 0;
    for (Word& word : s_.words) word.size = 0;
    return;
  }
  if (s_.is_lost) return;
  if (line.starts_with('$') && s_.n_items > 0) {
    if (!take_number(&rest, kMaxBulkBytes, &n) || !rest.empty()) return reject();
    if (s_.item < std::size(s_.words) && n <= kMaxWordBytes) {
      s_.word_bytes = n + 1;
      return;
    }
    s_.client.skip_bytes = n + kLineEndBytes;
    return end_item();
  }
  if (line.empty()) return;
  rest = line;
  const std::string_view word = take_word(&rest);
  if (s_.n_items > 0 || !is_name(word) || !is_plain(line)) return reject();
  s_.words[0].set(word);
  s_.words[1].set(take_word(&rest));
  s_.n_items = s_.words[1].size > 0 ? 2 : 1;
  on_command();
}

void Session::end_item() {
  if (++s_.item == s_.n_items) on_command();
}

void Session::on_command() {
  std::array<char, kMaxWordBytes> upper, sub_upper;
  const auto raise = [](std::string_view from, std::array<char, kMaxWordBytes>* to) {
    std::ranges::transform(from, to->begin(), ascii_upper);
    return std::string_view(to->data(), from.size());
  };
  const std::string_view command = raise(s_.words[0].view(), &upper);
  const uint64_t n_arguments = std::exchange(s_.n_items, 0) - 1;
  if (!is_name(command)) return reject();
  s_.is_sure = true;
  const bool is_container = std::ranges::find(kContainers, command) != std::end(kContainers);
  const std::string_view subcommand =
      is_container && is_name(s_.words[1].view()) ? raise(s_.words[1].view(), &sub_upper) : "";
  const bool is_login = command == "AUTH";
  // Each login is shown, since many of them say that somebody guesses.
  std::array<char, 2 * kMaxWordBytes + 1> key;
  auto end = std::copy(command.begin(), command.end(), key.begin());
  *end++ = ' ';
  end = std::copy(subcommand.begin(), subcommand.end(), end);
  const bool is_new = s_.names.is_new({key.data(), static_cast<size_t>(end - key.begin())});
  if (!is_new && !is_login) return;
  EventWriter* events = context_.events;
  events->begin(event::kRedis, client_side());
  events->put_text(ids::kCommand, command);
  if (!subcommand.empty()) events->put_text(ids::kSubcommand, subcommand);
  if (is_login && n_arguments == 2) events->put_text(ids::kUser, s_.words[1].view());
  events->put(ids::kArguments, n_arguments);
  events->end();
}

// ---- server

size_t Session::on_server(Bytes all) {
  size_t used = 0;
  if (skip(&s_.server, all, &used)) return used;
  Line line;
  used = s_.server.lines.next(all, kMaxLineBytes, &line);
  if (!line.is_there || line.text.empty()) return used;
  std::string_view rest = line.text.substr(1);
  const char type = line.text[0];
  if (std::string_view("+-:$*_#,(!=%~>|").find(type) == std::string_view::npos) {
    reject();
    return used;
  }
  uint64_t n = 0;
  const bool is_bulk = type == '$' || type == '!' || type == '=';
  if (is_bulk && take_number(&rest, kMaxBulkBytes, &n)) {
    s_.server.skip_bytes = n + kLineEndBytes;
  } else if (type == '-') {
    s_.is_sure = s_.is_sure || segment_.has_port(kPorts[0]);
    const std::string_view text = rest;
    if (s_.is_sure && s_.names.is_new(take_word(&rest))) {
      context_.events->begin(event::kRedis, client_side());
      context_.events->put_text(ids::kError, text);
      context_.events->end();
    }
  } else if (type == '+') {
    s_.is_sure = s_.is_sure || segment_.has_port(kPorts[0]);
  }
  return used;
}

// ---- recognition

// "*n" and "$length" of a first word that is a name.
bool is_command(std::string_view text) {
  uint64_t n = 0;
  if (!text.starts_with('*')) return false;
  text.remove_prefix(1);
  if (!take_number(&text, kMaxItems, &n) || n == 0 || !text.starts_with("\r\n$")) return false;
  text.remove_prefix(3);
  return take_number(&text, kMaxWordBytes, &n) && n > 0 && text.starts_with("\r\n") &&
         is_name(text.substr(2, n));
}

Likelihood probe(const Segment& first) {
  const std::string_view text = as_text(first.data);
  if (is_command(text)) return Likelihood::kLikely;
  if (!first.has_port(kPorts[0])) return Likelihood::kNo;
  const bool is_reply = text.starts_with("+PONG") || text.starts_with("+OK\r\n") ||
                        text.starts_with("-ERR ") || text.starts_with("-NOAUTH ") ||
                        text.starts_with("-DENIED ");
  if (is_reply) return Likelihood::kLikely;
  bool is_whole = false;
  std::string_view line = first_line(first.data, &is_whole);
  return is_whole && is_plain(line) && is_name(take_word(&line)) ? Likelihood::kMaybe
                                                                 : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  return Session(static_cast<State*>(state), segment, context).run();
}

bool on_gap(void* state, bool from_originator, Context* context) {
  auto* s = static_cast<State*>(state);
  const bool by_client = from_originator != s->client_is_responder;
  Stream& stream = by_client ? s->client : s->server;
  context->buffers->clear(by_client ? kClientBuffer : kServerBuffer);
  stream.lines.resync();
  stream.skip_bytes = 0;
  if (by_client) {
    s->is_lost = true;
    s->n_items = 0;
    s->word_bytes = 0;
  }
  return true;
}

}  // namespace

extern const Parser kRedis;

const Parser kRedis{
    .app = AppId::kRedis,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .first_bytes = "*",
    .ports = kPorts,
};

}  // namespace thymus::dpi
