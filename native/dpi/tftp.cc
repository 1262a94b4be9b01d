// TFTP (RFC 1350): a request goes to port 69, what follows comes from another port of the server.
//
//   request: 00 01 (read) or 00 02 (write) | file 00 | mode 00 | options (RFC 2347)
//   then:    00 03 block data, 00 04 block, 00 05 error, 00 06 option acknowledgement
#include "base/generated/events/tftp.h"

#include "dpi/parser.h"
#include "dpi/text.h"
#include "dpi/zero_ended.h"

namespace thymus::dpi {
namespace {

namespace ids = event::tftp;

constexpr uint16_t kPorts[] = {69};
constexpr uint32_t kMaxEvents = 20'000;
constexpr std::string_view kModes[] = {"octet", "netascii", "mail"};
enum : uint16_t { kRead = 1, kWrite = 2, kData = 3, kAck = 4, kError = 5, kOptions = 6 };

struct State {
  uint32_t n_events;
  bool was_announced;
};

struct Request {
  uint16_t opcode = 0;
  std::string_view file;
  std::string_view mode;
};

bool read_request(Bytes data, Request* out) {
  Reader r(data);
  out->opcode = r.be16();
  if (out->opcode != kRead && out->opcode != kWrite) return false;
  out->file = take_zero_ended(&r);
  out->mode = take_zero_ended(&r);
  if (!r.ok() || out->file.empty()) return false;
  for (const std::string_view mode : kModes) {
    if (equals_nocase(out->mode, mode)) return true;
  }
  return false;
}

bool is_transfer(Bytes data) {
  Reader r(data);
  const uint16_t opcode = r.be16();
  r.skip(opcode == kOptions ? 1 : 2);
  return r.ok() && opcode >= kData && opcode <= kOptions;
}

Likelihood probe(const Segment& first) {
  Request request;
  return read_request(first.data, &request) ? Likelihood::kLikely : Likelihood::kNo;
}

void on_expected(void* state, Bytes) { static_cast<State*>(state)->was_announced = true; }

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* s = static_cast<State*>(state);
  Request request;
  if (!read_request(segment.data, &request)) {
    const bool known = s->was_announced || s->n_events > 0;
    return known && is_transfer(segment.data) ? Answer::kAccept : Answer::kReject;
  }
  if (s->n_events++ >= kMaxEvents) return Answer::kDone;
  EventWriter* events = context->events;
  events->begin(event::kTftp);
  events->put_text(ids::kPacket, request.opcode == kRead ? "read" : "write");
  events->put_text(ids::kFile, request.file);
  events->put_text(ids::kMode, request.mode);
  events->end();
  context->expectations->expect({AppId::kTftp, segment.from_originator, false, segment.src_port},
                                {});
  return Answer::kAccept;
}

}  // namespace

extern const Parser kTftp;

const Parser kTftp{
    .app = AppId::kTftp,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = std::string_view("\0", 1),
    .ports = kPorts,
    .on_expected = on_expected,
};

}  // namespace thymus::dpi
