#include "dpi/pgsql/session.h"

#include "base/generated/anomaly_codes.h"
#include "base/text_builder.h"
#include "dpi/zero_ended.h"

namespace thymus::dpi::pgsql {
namespace {

constexpr uint32_t kMaxOpenRequests = 256;

std::string_view without_end(std::string_view text) { return text.substr(0, text.find('\0')); }

}  // namespace

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

}  // namespace thymus::dpi::pgsql
