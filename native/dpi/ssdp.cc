// The Simple Service Discovery Protocol of UPnP (UPnP Device Architecture 2.0, 1.2, 1.3): a
// datagram is the head of an HTTP message:
//
//   M-SEARCH * HTTP/1.1 | NOTIFY * HTTP/1.1 | HTTP/1.1 200 OK, then lines "NAME: value"
#include "base/generated/events/ssdp.h"

#include "dpi/parser.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

namespace ids = event::ssdp;

constexpr uint16_t kPorts[] = {1900};
constexpr uint32_t kMaxEvents = 20'000;
constexpr int kMaxLines = 64;
constexpr size_t kMaxValueBytes = 512;

struct State {
  uint32_t n_events;
};

struct Header {
  std::string_view name;
  uint16_t field;
};
constexpr Header kHeaders[] = {{"HOST", ids::kHost},
                               {"ST", ids::kSearchTarget},
                               {"NT", ids::kNotificationType},
                               {"NTS", ids::kNotificationSubtype},
                               {"USN", ids::kUsn},
                               {"LOCATION", ids::kLocation},
                               {"SERVER", ids::kServer},
                               {"USER-AGENT", ids::kUserAgent}};

// Empty for what is no message.
std::string_view type_of(std::string_view text, bool on_port) {
  if (text.starts_with("M-SEARCH * HTTP/1.")) return "search";
  if (text.starts_with("NOTIFY * HTTP/1.")) return "notify";
  const bool is_response = text.starts_with("HTTP/1.1 200 ") || text.starts_with("HTTP/1.0 200 ");
  return is_response && (on_port || contains_nocase(text, "\nusn:")) ? "response" : "";
}

void put_headers(std::string_view text, EventWriter* events) {
  for (int n = 0; n < kMaxLines && !text.empty(); ++n) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = trim(line.substr(0, colon));
    std::string_view value = line.substr(colon + 1);
    if (value.ends_with('\r')) value.remove_suffix(1);
    for (const Header& header : kHeaders) {
      if (equals_nocase(header.name, name)) {
        events->put_text(header.field, trim(value).substr(0, kMaxValueBytes));
      }
    }
  }
}

Likelihood probe(const Segment& first) {
  const bool is_message = !type_of(as_text(first.data), first.has_port(kPorts[0])).empty();
  return is_message ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* ssdp = static_cast<State*>(state);
  const std::string_view text = as_text(segment.data);
  const std::string_view type = type_of(text, segment.has_port(kPorts[0]));
  if (type.empty()) return ssdp->n_events > 0 ? Answer::kAccept : Answer::kReject;
  if (++ssdp->n_events > kMaxEvents) return Answer::kDone;
  EventWriter* events = context->events;
  events->begin(event::kSsdp);
  events->put_text(ids::kType, type);
  put_headers(text, events);
  events->end();
  return Answer::kAccept;
}

}  // namespace

extern const Parser kSsdp;

const Parser kSsdp{
    .app = AppId::kSsdp,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = "MNH",
    .ports = kPorts,
};

}  // namespace thymus::dpi
