// SMTP (RFC 5321) with pipelining (RFC 2920), chunks (RFC 3030) and STARTTLS (RFC 3207).
//
//   server: 220 greeting                      code "-" text: more lines follow; code " " text: last
//   client: EHLO name | MAIL FROM:<a> | RCPT TO:<b> | DATA | BDAT bytes [LAST] | RSET | QUIT | ...
//   after DATA and 354: the mail, up to a line with one dot
//
// A transaction begins with a command and is over when its mail was answered, with RSET, QUIT or
// STARTTLS; then its event is written.
#include <algorithm>
#include <array>

#include "base/generated/anomaly_codes.h"
#include "dpi/line_dialogue.h"
#include "dpi/parser.h"
#include "dpi/smtp/mail_events.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

namespace code = anomaly_code;

constexpr uint16_t kPorts[] = {25, 465, 587, 2525};
constexpr size_t kMaxLineBytes = 2048;
constexpr size_t kMaxFieldsBytes = 24 * 1024;  // of a transaction, so that its event has room
constexpr uint32_t kMaxEvents = 20'000;
constexpr uint64_t kMaxChunkBytes = UINT32_MAX;
enum : int { kFieldsBuffer = 2, kHeaderBuffer };

// What waits for a reply.
enum class Command : uint8_t { kOther, kStartTls, kData, kMail, kChunk, kLastChunk, kReset, kQuit };

constexpr int kReplyCodes[] = {211, 214, 220, 221, 235, 250, 251, 252, 334, 354, 401, 402, 421,
                               435, 450, 451, 452, 454, 455, 500, 501, 502, 503, 504, 511, 521,
                               522, 525, 530, 534, 535, 541, 543, 550, 551, 552, 553, 554, 555};

struct State : LineDialogue {
  MailReader mail;
  uint64_t n_transactions;
  uint32_t n_events;
  uint32_t chunk_bytes;  // of a BDAT chunk, still to come
  std::array<Command, 64> pending;
  std::array<char, 255> helo;
  uint8_t n_pending;
  uint8_t helo_bytes;
  bool is_sure;  // that it is SMTP
  bool greeted;
  bool can_pipeline;
  bool in_long_reply;
  bool in_body;
  bool chunk_is_last;
  bool said_no_welcome;
  bool tx_open;
  bool has_sender;
  bool has_mail;
  bool mail_is_whole;
};
static_assert(sizeof(State) <= kMaxParserStateBytes);

bool is_mail_port(const Segment& segment) {
  return std::ranges::any_of(kPorts, [&](uint16_t port) { return segment.has_port(port); });
}

bool contains_nocase(std::string_view text, std::string_view word) {
  for (size_t i = 0; i + word.size() <= text.size(); ++i) {
    if (starts_nocase(text.substr(i), word)) return true;
  }
  return false;
}

bool is_hello(std::string_view line) {
  return starts_nocase(line, "ehlo ") || starts_nocase(line, "helo ") ||
         equals_nocase(line, "ehlo") || equals_nocase(line, "helo");
}

bool greets_for_mail(std::string_view line) {
  return contains_nocase(line, "smtp") ||
         (contains_nocase(line, "mail") && !contains_nocase(line, "ftp"));
}

class Session final : public LineSession<Session, State>, private MailListener {
 public:
  Session(State* state, const Segment& segment, Context* context)
      : LineSession(state, segment, context),
        fields_(context->buffers, kFieldsBuffer, kMaxFieldsBytes),
        use_{context->buffers, kHeaderBuffer, this, context->digests} {}

  void end() {
    if (s_.mail.is_open()) s_.mail.close(s_.mail_is_whole, use_);
    finish_transaction();
  }

 private:
  friend LineSession;

  bool from_client() const { return s_.is_client(segment_.from_originator); }
  void find_roles();
  size_t on_client(Bytes all);
  size_t on_chunk(Bytes all);
  size_t on_mail(Bytes all);
  void on_command(std::string_view line);
  void on_parameter(std::string_view line);
  void on_chunk_command(std::string_view line);
  void push(Command command);
  size_t on_server(Bytes all, size_t n_behind);
  void on_reply(std::string_view line, size_t rest_bytes);
  void on_reply_to(Command command, int reply, size_t rest_bytes);
  void open_transaction(bool may_open);
  void open_mail();
  void end_mail();
  void finish_transaction();
  void fault(uint16_t fault_code);
  MailTransaction transaction() const;

  void on_field(MailField field, std::string_view text) override {
    fields_.add(static_cast<uint8_t>(field), text);
  }
  void on_file(const FileTracker& file, std::string_view name) override {
    if (s_.n_events++ < kMaxEvents) write_mail_file(transaction(), file, name, context_.events);
  }
  void on_fault(uint16_t fault_code) override { fault(fault_code); }

  KeptFields fields_;
  MailReader::Use use_;
};

void Session::find_roles() {
  bool is_whole = false;
  const std::string_view line = first_line(segment_.data, &is_whole);
  if (line.size() < 4) return;
  s_.set_roles(segment_.from_originator, reply_code(line) != 0);
}

// ---- client

size_t Session::on_client(Bytes all) {
  if (s_.chunk_bytes > 0) return on_chunk(all);
  if (s_.in_body) return on_mail(all);
  Line line;
  const size_t used = s_.client_lines.next(all, kMaxLineBytes, &line);
  if (!line.is_there) return used;
  if (line.is_cut) fault(code::kSmtpTruncatedLine);
  if (!s_.is_sure && is_hello(line.text)) {
    s_.is_sure = true;
    answer_ = Answer::kAccept;
  }
  if (!s_.is_sure && !is_mail_port(segment_)) {
    // Servers of both protocols greet alike.
    const bool is_ftp = starts_nocase(line.text, "user ") || starts_nocase(line.text, "auth ") ||
                        starts_nocase(line.text, "feat");
    answer_ = is_ftp ? Answer::kHandOver : Answer::kReject;
    context_.facts.app = is_ftp ? AppId::kFtp : AppId::kUnknown;
    context_.next = AppId::kFtp;
    context_.next_bytes = segment_.data.size();
    return used;
  }
  on_command(line.text);
  return used;
}

size_t Session::on_chunk(Bytes all) {
  const Bytes chunk = all.first(std::min<size_t>(all.size(), s_.chunk_bytes));
  MailPiece piece;
  size_t used = MailReader::next_piece(chunk, &piece);
  if (used == 0 && chunk.size() == s_.chunk_bytes) {
    piece = {as_text(chunk)};
    used = chunk.size();
  }
  if (used == 0) return 0;
  s_.mail.on_piece(piece, use_);
  s_.chunk_bytes -= static_cast<uint32_t>(used);
  if (s_.chunk_bytes == 0 && s_.chunk_is_last) end_mail();
  return used;
}

size_t Session::on_mail(Bytes all) {
  MailPiece piece;
  const size_t used = MailReader::next_piece(all, &piece);
  if (used == 0) return 0;
  if (s_.mail.at_line_start() && piece.text.starts_with('.')) {
    if (piece.text == "." && piece.eol_bytes > 0) {
      s_.in_body = false;
      push(Command::kMail);
      end_mail();
      return used;
    }
    piece.text.remove_prefix(1);
  }
  s_.has_mail = true;
  s_.mail.on_piece(piece, use_);
  return used;
}

void Session::on_command(std::string_view line) {
  const bool is_reset = starts_nocase(line, "rset");
  const bool is_quit = starts_nocase(line, "quit");
  open_transaction(!is_reset && !is_quit);
  if (!s_.greeted && !s_.said_no_welcome) {
    s_.said_no_welcome = true;
    fault(code::kSmtpNoServerWelcomeMessage);
  }
  if (starts_nocase(line, "starttls")) {
    push(Command::kStartTls);
  } else if (starts_nocase(line, "data")) {
    if (s_.mail.is_open()) {
      fault(code::kSmtpUnparsableContent);
      return;
    }
    push(Command::kData);
    open_mail();
    s_.in_body = s_.can_pipeline || !s_.greeted;
  } else if (starts_nocase(line, "bdat")) {
    on_chunk_command(line);
  } else if (is_reset) {
    push(Command::kReset);
  } else if (is_quit) {
    push(Command::kQuit);
  } else {
    on_parameter(line);
    push(Command::kOther);
  }
}

// Who speaks, from whom and to whom.
void Session::on_parameter(std::string_view line) {
  const auto rest = [line](size_t n) {
    std::string_view text = trim_left(line.substr(std::min(n, line.size())));
    return take_word(&text);
  };
  if (is_hello(line)) {
    if (s_.helo_bytes > 0) {
      fault(code::kSmtpDuplicateFields);
      return;
    }
    const std::string_view name = rest(5).substr(0, s_.helo.size());
    std::copy(name.begin(), name.end(), s_.helo.begin());
    s_.helo_bytes = static_cast<uint8_t>(name.size());
  } else if (starts_nocase(line, "mail from")) {
    if (s_.has_sender) {
      fault(code::kSmtpDuplicateFields);
      return;
    }
    s_.has_sender = fields_.add(kKeptSender, rest(10));
  } else if (starts_nocase(line, "rcpt to")) {
    fields_.add(kKeptRecipient, rest(8));
  }
}

void Session::on_chunk_command(std::string_view line) {
  std::string_view rest = trim_left(line.substr(4));
  uint64_t bytes = 0;
  const bool is_valid = take_number(&rest, kMaxChunkBytes, &bytes);
  rest = trim(rest);
  if (!is_valid || (!rest.empty() && !equals_nocase(rest, "last"))) {
    fault(code::kSmtpInvalidBdat);
    push(Command::kOther);
    return;
  }
  s_.chunk_bytes = static_cast<uint32_t>(bytes);
  s_.chunk_is_last = !rest.empty();
  push(s_.chunk_is_last ? Command::kLastChunk : Command::kChunk);
  if (!s_.mail.is_open()) open_mail();
  s_.has_mail = true;
  if (bytes == 0 && s_.chunk_is_last) end_mail();
}

void Session::push(Command command) {
  if (s_.n_pending > 0) {
    const Command before = s_.pending[s_.n_pending - 1u];
    if (before == Command::kData || before == Command::kStartTls) {
      fault(code::kSmtpInvalidPipelinedSequence);
    }
  }
  if (s_.n_pending < s_.pending.size()) s_.pending[s_.n_pending++] = command;
}

// ---- server

size_t Session::on_server(Bytes all, size_t n_behind) {
  Line line;
  const size_t used = s_.server_lines.next(all, kMaxLineBytes, &line);
  if (!line.is_there) return used;
  if (!s_.is_sure && (is_mail_port(segment_) || greets_for_mail(line.text))) {
    s_.is_sure = true;
    answer_ = Answer::kAccept;
  }
  on_reply(line.text, all.size() - used + n_behind);
  return used;
}

void Session::on_reply(std::string_view line, size_t rest_bytes) {
  std::string_view digits = line.substr(0, 3);
  uint64_t number = 0;
  const bool has_code = digits.size() == 3 && take_number(&digits, 999, &number) && digits.empty();
  const int reply = static_cast<int>(number);
  if (!has_code || std::ranges::find(kReplyCodes, reply) == std::end(kReplyCodes)) {
    fault(code::kSmtpInvalidReply);
    answer_ = Answer::kReject;
    return;
  }
  s_.in_long_reply = line.size() > 3 && line[3] == '-';
  if (s_.n_pending == 0) {
    if (!s_.greeted && reply != 220) fault(code::kSmtpInvalidReply);
    s_.greeted |= !s_.in_long_reply;
    return;
  }
  s_.greeted = true;
  if (s_.in_long_reply) {
    if (reply == 250 && equals_nocase(line.substr(4), "pipelining")) s_.can_pipeline = true;
    return;
  }
  const Command command = s_.pending[0];
  std::copy(s_.pending.begin() + 1, s_.pending.begin() + s_.n_pending, s_.pending.begin());
  --s_.n_pending;
  on_reply_to(command, reply, rest_bytes);
}

void Session::on_reply_to(Command command, int reply, size_t rest_bytes) {
  switch (command) {
    case Command::kStartTls:
      if (reply != 220) {
        fault(code::kSmtpTlsRejected);
        break;
      }
      finish_transaction();
      answer_ = Answer::kHandOver;
      context_.next = AppId::kTls;
      context_.next_bytes = rest_bytes;
      break;
    case Command::kData:
      if (reply == 354) {
        if (s_.mail.is_open()) s_.in_body = true;
        break;
      }
      fault(code::kSmtpDataCommandRejected);
      if (s_.mail.is_open()) s_.mail.close(false, use_);
      s_.in_body = false;
      break;
    case Command::kMail:
    case Command::kLastChunk:
      if (s_.mail_is_whole) finish_transaction();
      break;
    case Command::kReset:
      if (reply == 250) finish_transaction();
      break;
    case Command::kQuit:
      if (reply == 221) finish_transaction();
      break;
    case Command::kChunk:
    case Command::kOther:
      break;
  }
}

// ---- transactions

void Session::open_transaction(bool may_open) {
  if (s_.tx_open && !(s_.mail_is_whole && may_open)) return;
  if (!may_open && s_.n_transactions > 0) return;
  finish_transaction();
  s_.tx_open = true;
}

void Session::open_mail() {
  s_.mail.open();
  s_.mail_is_whole = false;
}

void Session::end_mail() {
  s_.has_mail = true;
  s_.mail_is_whole = true;
  s_.mail.close(true, use_);
}

void Session::finish_transaction() {
  if (!s_.tx_open) return;
  if (s_.mail.is_open()) s_.mail.close(false, use_);
  if (s_.n_events++ < kMaxEvents) write_smtp(transaction(), context_.events);
  fields_.clear();
  ++s_.n_transactions;
  s_.tx_open = false;
  s_.in_body = false;
  s_.chunk_bytes = 0;
  s_.has_sender = false;
  s_.has_mail = false;
  s_.mail_is_whole = false;
}

MailTransaction Session::transaction() const {
  return {s_.n_transactions, {s_.helo.data(), s_.helo_bytes},
          s_.has_mail,       s_.mail_is_whole,
          s_.client_side(),  fields_};
}

void Session::fault(uint16_t fault_code) {
  if (s_.n_events++ >= kMaxEvents) return;
  const uint64_t tx_id =
      s_.tx_open || s_.n_transactions == 0 ? s_.n_transactions : s_.n_transactions - 1;
  write_tx_anomaly(fault_code, tx_id, Side::kPacket, context_.events);
}

// ---- parser

Likelihood probe(const Segment& first) {
  bool is_whole = false;
  const std::string_view line = first_line(first.data, &is_whole);
  if (!is_plain(line)) return Likelihood::kNo;
  const bool on_port = is_mail_port(first);
  if (is_hello(line) && line.size() > 5) return Likelihood::kLikely;
  if (starts_nocase(line, "mail from:<")) return Likelihood::kLikely;
  const int reply = reply_code(line);
  if (reply == 220) {
    if (on_port || greets_for_mail(line)) return Likelihood::kLikely;
    return contains_nocase(line, "ftp") || first.has_port(21) ? Likelihood::kNo
                                                              : Likelihood::kMaybe;
  }
  return on_port && (is_hello(line) || reply >= 400) ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  return Session(static_cast<State*>(state), segment, context).run();
}

bool on_gap(void* state, bool from_originator, Context* context) {
  auto* s = static_cast<State*>(state);
  const bool client = s->is_client(from_originator);
  // A mail goes on behind the hole, whatever line it lies in.
  if (client && s->in_body) {
    context->buffers->clear(LineDialogue::kClientBuffer);
    s->mail.on_gap();
  } else {
    s->lose(client, context);
  }
  if (client) {
    s->chunk_bytes = 0;
  } else {
    s->n_pending = 0;
  }
  return true;
}

}  // namespace

extern const Parser kSmtp;

const Parser kSmtp{
    .app = AppId::kSmtp,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .on_end = end_session<Session, State>,
    .first_bytes = "2EeHhMm",
    .ports = kPorts,
};

}  // namespace thymus::dpi
