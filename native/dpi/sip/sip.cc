// SIP (RFC 3261) over UDP, where a datagram is a message, and over TCP, where Content-Length says
// how long it is.
//
//   METHOD uri SIP/2.0 | SIP/2.0 code reason
//   header: value ...
//   (empty line) body
//
// One event per message. Session descriptions in bodies announce RTP between the same two hosts.
#include "base/generated/events/sip.h"

#include <algorithm>

#include "dpi/identity.h"
#include "dpi/lines.h"
#include "dpi/parser.h"
#include "dpi/sip/sdp.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

namespace ids = event::sip;

constexpr uint16_t kPorts[] = {5060, 5061};
constexpr std::string_view kVersion = "SIP/";
constexpr size_t kMaxHeadBytes = 16 * 1024;
constexpr size_t kMaxBodyBytes = 16 * 1024;  // of what is read; longer ones are skipped
constexpr size_t kMaxMethodBytes = 32;
constexpr uint32_t kMaxEvents = 20'000;

// A flow of nothing else has its name after so many.
constexpr uint8_t kKeepAlivesSeen = 2;

struct State {
  uint32_t n_events;
  uint8_t n_keep_alives;
  uint32_t skip_bytes[2];  // of a body, by direction
};

struct StartLine {
  std::string_view whole;
  bool is_request = false;
  std::string_view parts[3];
};

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alpha(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
  });
}

bool read_start_line(std::string_view line, StartLine* out) {
  out->whole = line;
  std::string_view rest = line;
  out->parts[0] = take_word(&rest);
  out->parts[1] = take_word(&rest);
  out->parts[2] = rest;
  if (line.starts_with(kVersion)) {
    return reply_code(out->parts[1]) >= 100 && out->parts[1].size() == 3;
  }
  out->is_request = true;
  return out->parts[0].size() <= kMaxMethodBytes && is_token(out->parts[0]) &&
         !out->parts[1].empty() && out->parts[2].starts_with(kVersion);
}

// The bytes of the start line and headers with the empty line; 0: it is not there yet.
size_t head_bytes(std::string_view message) {
  const size_t crlf = message.find("\r\n\r\n");
  const size_t lf = message.find("\n\n");
  if (crlf == std::string_view::npos && lf == std::string_view::npos) return 0;
  return crlf < lf ? crlf + 4 : lf + 2;
}

size_t content_length(std::string_view head) {
  while (!head.empty()) {
    const size_t lf = std::min(head.find('\n'), head.size() - 1);
    std::string_view line = head.substr(0, lf);
    head.remove_prefix(lf + 1);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = trim(line.substr(0, colon));
    if (!equals_nocase(name, "content-length") && !equals_nocase(name, "l")) continue;
    line = trim_left(line.substr(colon + 1));
    uint64_t length = 0;
    return take_number(&line, UINT32_MAX, &length) ? length : 0;
  }
  return 0;
}

void write_message(const StartLine& start, std::string_view body, const Segment& segment,
                   Context* context) {
  EventWriter* events = context->events;
  events->begin(event::kSip);
  RtpPorts ports;
  // The user of an IMS may be an IMSI (3GPP TS 23.003, 13.3).
  const auto put_uri = [&](uint16_t field, std::string_view text) {
    const bool has_user = text.find('@') != std::string_view::npos;
    events->put_text(field, has_user ? without_identities(text, *context->options).view() : text);
  };
  if (start.is_request) {
    events->put_text(ids::kMethod, start.parts[0]);
    put_uri(ids::kUri, start.parts[1]);
    events->put_text(ids::kVersion, start.parts[2]);
    put_uri(ids::kRequestLine, start.whole);
  } else {
    events->put_text(ids::kVersion, start.parts[0]);
    events->put_text(ids::kCode, start.parts[1]);
    events->put_text(ids::kReason, start.parts[2]);
    events->put_text(ids::kResponseLine, start.whole);
  }
  ports = put_sdp(body, events);
  events->end();
  const auto expect = [&](AppId app, uint16_t port) {
    if (port == 0) return;
    context->expectations->expect({app, segment.from_originator, false, port}, {});
  };
  for (size_t i = 0; i < ports.n; ++i) {
    expect(AppId::kRtp, ports.ports[i].rtp);
    expect(AppId::kRtcp, ports.ports[i].rtcp);
  }
}

std::string_view trim_line_ends(std::string_view text) {
  while (!text.empty() && (text.front() == '\r' || text.front() == '\n')) text.remove_prefix(1);
  return text;
}

// Datagrams that keep the way through a NAT open: empty lines (RFC 5626, 4.4.1), and between two
// SIP ports whatever few bytes a vendor chose.
bool is_keep_alive(const Segment& segment, std::string_view message) {
  constexpr size_t kMaxBytes = 8;
  if (segment.data.size() > kMaxBytes) return false;
  const auto is_ours = [](uint16_t port) { return std::ranges::count(kPorts, port) > 0; };
  const int n_ports = is_ours(segment.src_port) + is_ours(segment.dst_port);
  return n_ports == 2 || (n_ports == 1 && message.empty());
}

Answer on_datagram(void* state, const Segment& segment, Context* context) {
  auto* s = static_cast<State*>(state);
  const Answer so_far = s->n_events > 0 ? Answer::kAccept : Answer::kNeedMore;
  const std::string_view message = trim_line_ends(as_text(segment.data));
  bool is_whole = false;
  StartLine start;
  if (is_keep_alive(segment, message)) {
    if (s->n_keep_alives < kKeepAlivesSeen) ++s->n_keep_alives;
    return s->n_keep_alives == kKeepAlivesSeen ? Answer::kAccept : so_far;
  }
  if (message.empty()) return so_far;
  const Bytes bytes = segment.data.last(message.size());
  if (!read_start_line(first_line(bytes, &is_whole), &start)) {
    return so_far == Answer::kAccept ? Answer::kAccept : Answer::kReject;
  }
  if (s->n_events++ >= kMaxEvents) return Answer::kDone;
  const size_t head = head_bytes(message);
  write_message(start, head == 0 ? std::string_view{} : message.substr(head), segment, context);
  return Answer::kAccept;
}

// The bytes of one message of a stream; 0: more is needed.
size_t take_message(State* s, Bytes all, const Segment& segment, Context* context, bool* is_bad) {
  uint32_t& skip = s->skip_bytes[segment.from_originator ? 0 : 1];
  if (skip > 0) {
    const size_t n = std::min<size_t>(skip, all.size());
    skip -= static_cast<uint32_t>(n);
    return n;
  }
  const std::string_view text = as_text(all);
  const size_t blank = text.size() - trim_line_ends(text).size();
  if (blank > 0) return blank;
  const size_t head = head_bytes(text.substr(0, kMaxHeadBytes));
  if (head == 0) {
    *is_bad = text.size() >= kMaxHeadBytes;
    return 0;
  }
  bool is_whole = false;
  StartLine start;
  if (!read_start_line(first_line(all, &is_whole), &start)) {
    *is_bad = true;
    return 0;
  }
  const size_t body = content_length(text.substr(0, head));
  const bool is_read = body <= kMaxBodyBytes;
  if (is_read && all.size() < head + body) return 0;
  if (s->n_events++ < kMaxEvents) {
    write_message(start, is_read ? text.substr(head, body) : std::string_view{}, segment, context);
  }
  if (!is_read) skip = static_cast<uint32_t>(body);
  return is_read ? head + body : head;
}

Answer on_stream(void* state, const Segment& segment, Context* context) {
  auto* s = static_cast<State*>(state);
  bool is_bad = false;
  const bool kept =
      take_stream(context, segment.from_originator ? 0 : 1, segment.data, [&](Bytes all, size_t) {
        return is_bad ? 0 : take_message(s, all, segment, context, &is_bad);
      });
  if (is_bad || !kept) return Answer::kReject;
  return s->n_events > 0 ? Answer::kAccept : Answer::kNeedMore;
}

Likelihood probe(const Segment& first) {
  bool is_whole = false;
  StartLine start;
  const std::string_view line = first_line(first.data, &is_whole);
  return read_start_line(line, &start) ? Likelihood::kLikely : Likelihood::kNo;
}

Likelihood probe_datagram(const Segment& first) {
  const bool keeps_alive = is_keep_alive(first, trim_line_ends(as_text(first.data)));
  return keeps_alive ? Likelihood::kMaybe : probe(first);
}

}  // namespace

extern const Parser kSipUdp;
extern const Parser kSipTcp;

const Parser kSipUdp{
    .app = AppId::kSip,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe_datagram,
    .on_data = on_datagram,
    .first_bytes = "ABCINMOPRSUE",
    .ports = kPorts,
};
const Parser kSipTcp{
    .app = AppId::kSip,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_stream,
    .first_bytes = "ABCINMOPRSUE",
    .ports = kPorts,
};

}  // namespace thymus::dpi
