// The Network Time Protocol (RFC 5905), its control messages (RFC 9327) and the private ones of the
// reference implementation:
//
//   0  leap, 2 bits, version, 3, mode, 3   1  stratum  ..  12  reference   16  four times, 8 each
//   mode 6:  0  as above   1  response, error, more, operation, 5 bits   2  sequence
//   mode 7:  0  response, more, version, mode   1  sequence   2  implementation   3  request
#include "base/generated/events/ntp.h"

#include <algorithm>

#include "dpi/parser.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

namespace ids = event::ntp;

constexpr uint16_t kPorts[] = {123};
constexpr uint32_t kMaxEvents = 20'000;
constexpr size_t kTimeBytes = 48, kControlBytes = 12, kPrivateBytes = 8;
constexpr uint8_t kControl = 6, kPrivate = 7;
constexpr uint8_t kMonlist = 20, kMonlist1 = 42;  // the list of 600 clients, in two layouts
constexpr std::string_view kModes[] = {"reserved", "symmetric_active", "symmetric_passive",
                                       "client",   "server",           "broadcast",
                                       "control",  "private"};

struct State {
  uint32_t n_events;
};

struct Lead {
  uint8_t version;
  uint8_t mode;
};

Lead read_lead(uint8_t byte) {
  return {static_cast<uint8_t>(byte >> 3 & 7), static_cast<uint8_t>(byte & 7)};
}

bool is_message(Bytes data) {
  if (data.empty()) return false;
  const Lead lead = read_lead(data[0]);
  constexpr uint8_t kLastStratum = 16;
  if (lead.version < 1 || lead.version > 4) return false;
  switch (lead.mode) {
    case 0:  // NTPv1 clients
      return lead.version == 1 && data.size() >= kTimeBytes;
    case kControl:
      return data.size() >= kControlBytes;
    case kPrivate:
      return data.size() >= kPrivateBytes && data[2] <= 3;
    default:
      return data.size() >= kTimeBytes && data.size() % 4 == 0 && data[1] <= kLastStratum;
  }
}

std::string_view operation_name(uint8_t operation) {
  constexpr std::string_view kNames[] = {"",
                                         "read_status",
                                         "read_variables",
                                         "write_variables",
                                         "read_clock_variables",
                                         "write_clock_variables",
                                         "set_trap",
                                         "trap_response",
                                         "configure",
                                         "save_configuration",
                                         "read_mru",
                                         "read_ordered_list",
                                         "request_nonce"};
  return operation < std::size(kNames) ? kNames[operation] : "";
}

void put_time(Bytes data, EventWriter* events) {
  constexpr size_t kReference = 12, kReferenceBytes = 4;
  const uint8_t stratum = data[1];
  events->put(ids::kStratum, stratum);
  // Of primary servers it is the name of a clock, of stratum 0 a word why not.
  std::string_view reference = as_text(data.subspan(kReference, kReferenceBytes));
  reference = reference.substr(0, reference.find('\0'));
  if (stratum <= 1 && !reference.empty() && is_plain(reference)) {
    events->put_text(ids::kReferenceId, reference);
  }
}

void put_control(Bytes data, EventWriter* events) {
  events->put_bool(ids::kResponse, (data[1] & 0x80) != 0);
  const std::string_view name = operation_name(data[1] & 0x1f);
  if (!name.empty()) events->put_text(ids::kOperation, name);
}

void put_private(Bytes data, EventWriter* events) {
  events->put_bool(ids::kResponse, (data[0] & 0x80) != 0);
  events->put(ids::kRequestCode, data[3]);
  events->put_bool(ids::kMonlist, data[3] == kMonlist || data[3] == kMonlist1);
}

Likelihood probe(const Segment& first) {
  const bool both = first.has_port(kPorts[0]) && is_message(first.data);
  return both ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* ntp = static_cast<State*>(state);
  if (!is_message(segment.data)) return ntp->n_events > 0 ? Answer::kAccept : Answer::kReject;
  if (++ntp->n_events > kMaxEvents) return Answer::kDone;
  const Lead lead = read_lead(segment.data[0]);
  EventWriter* events = context->events;
  events->begin(event::kNtp);
  events->put(ids::kVersion, lead.version);
  events->put_text(ids::kMode, kModes[lead.mode]);
  if (lead.mode == kControl) {
    put_control(segment.data, events);
  } else if (lead.mode == kPrivate) {
    put_private(segment.data, events);
  } else {
    put_time(segment.data, events);
  }
  events->end();
  return Answer::kAccept;
}

}  // namespace

extern const Parser kNtp;

const Parser kNtp{
    .app = AppId::kNtp,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = "\x23",
    .ports = kPorts,
};

}  // namespace thymus::dpi
