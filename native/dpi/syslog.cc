// Syslog over UDP (RFC 5426), as BSD wrote it (RFC 3164) and as RFC 5424 did:
//
//   <priority>Mmm dd hh:mm:ss host program[pid]: text
//   <priority>1 time host program pid id structured-data text
//
// The priority is facility * 8 + severity. Many senders leave out time and host.
#include "base/generated/events/syslog.h"

#include "dpi/parser.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

namespace ids = event::syslog;

constexpr uint16_t kPorts[] = {514};
constexpr uint32_t kMaxEvents = 20'000;
constexpr uint64_t kMaxPriority = 191;
constexpr size_t kMaxNameBytes = 255;
constexpr std::string_view kFacilities[] = {
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
    "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};
constexpr std::string_view kSeverities[] = {"emerg",   "alert",  "crit", "err",
                                            "warning", "notice", "info", "debug"};

struct State {
  uint32_t n_events;
};

struct Message {
  uint64_t priority = 0;
  std::string_view hostname;
  std::string_view program;
};

bool is_month(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const size_t at = text.size() < 3 ? std::string_view::npos : kMonths.find(text.substr(0, 3));
  return at != std::string_view::npos && at % 3 == 0;
}

std::string_view take_nil_word(std::string_view* text) {
  const std::string_view word = take_word(text);
  return word == "-" ? std::string_view{} : word;
}

// "Mmm dd hh:mm:ss " or a time in the form of ISO 8601, with a host behind it; or neither.
void read_bsd(std::string_view text, Message* out) {
  constexpr size_t kTimeBytes = 16;
  if (is_month(text) && text.size() > kTimeBytes && text[kTimeBytes - 1] == ' ') {
    text.remove_prefix(kTimeBytes);
    out->hostname = take_word(&text);
  } else if (!text.empty() && is_digit(text[0])) {
    take_word(&text);
    out->hostname = take_word(&text);
  }
  const size_t end = text.find_first_of("[: ");
  if (end != std::string_view::npos && text[end] != ' ') out->program = text.substr(0, end);
}

bool read_message(std::string_view text, Message* out) {
  if (!text.starts_with('<')) return false;
  text.remove_prefix(1);
  if (!take_number(&text, kMaxPriority, &out->priority) || !text.starts_with('>')) return false;
  text.remove_prefix(1);
  if (text.starts_with("1 ")) {
    text.remove_prefix(2);
    take_word(&text);
    out->hostname = take_nil_word(&text);
    out->program = take_nil_word(&text);
  } else {
    read_bsd(text, out);
  }
  return true;
}

Likelihood probe(const Segment& first) {
  Message message;
  if (!read_message(as_text(first.data), &message)) return Likelihood::kNo;
  return first.has_port(kPorts[0]) ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* syslog = static_cast<State*>(state);
  Message message;
  if (!read_message(as_text(segment.data), &message)) {
    return syslog->n_events > 0 ? Answer::kAccept : Answer::kReject;
  }
  if (++syslog->n_events > kMaxEvents) return Answer::kDone;
  EventWriter* events = context->events;
  events->begin(event::kSyslog);
  events->put_text(ids::kFacility, kFacilities[message.priority / 8]);
  events->put_text(ids::kSeverity, kSeverities[message.priority % 8]);
  if (!message.hostname.empty()) {
    events->put_text(ids::kHostname, message.hostname.substr(0, kMaxNameBytes));
  }
  if (!message.program.empty()) {
    events->put_text(ids::kProgram, message.program.substr(0, kMaxNameBytes));
  }
  events->put(ids::kMessageBytes, segment.data.size() + segment.cut_bytes);
  events->end();
  return Answer::kAccept;
}

}  // namespace

extern const Parser kSyslog;

const Parser kSyslog{
    .app = AppId::kSyslog,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = "<",
    .ports = kPorts,
};

}  // namespace thymus::dpi
