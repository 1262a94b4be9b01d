// GE's service request transport (SRTP) over TCP. The protocol is not published; this is what
// public analyses agree on. A message has 56 bytes and may be followed by data:
//
//   0  type: 0 and 1 begin a connection, 2 asks, 3 answers   2  number   4  bytes of data (2, LE)
//   30 number   31 kind of message   40 packet and number of packets
//   42 of what asks: service   43 memory   44 address (LE)   46 count (LE)
//   42 of what answers: status, minor status
#include "base/generated/events/ge_srtp.h"

#include "base/number_names.h"
#include "dpi/industrial/framed_flow.h"

namespace thymus::dpi {
namespace {

namespace ids = event::ge_srtp;

constexpr uint16_t kPorts[] = {18245, 18246};
constexpr size_t kHeaderBytes = 56;
constexpr size_t kMaxKept = kHeaderBytes + 64;
constexpr uint8_t kConnect = 0, kConnected = 1, kAsks = 2, kAnswers = 3;
constexpr uint8_t kShortRequest = 0xc0, kLongRequest = 0x80, kShortAnswer = 0xd4,
                  kLongAnswer = 0x94, kRefusal = 0xd1;

constexpr Service kServices[] = {{0x00, "short_status", Operation::kRead},
                                 {0x03, "return_program_names", Operation::kIdentify},
                                 {0x04, "read_system_memory", Operation::kRead},
                                 {0x05, "read_task_memory", Operation::kRead},
                                 {0x06, "read_program_memory", Operation::kProgram},
                                 {0x07, "write_system_memory", Operation::kWrite},
                                 {0x08, "write_task_memory", Operation::kWrite},
                                 {0x09, "write_program_memory", Operation::kProgram},
                                 {0x20, "programmer_logon", Operation::kOther},
                                 {0x21, "change_privilege_level", Operation::kControl},
                                 {0x22, "set_control_id", Operation::kWrite},
                                 {0x23, "set_run_or_stop", Operation::kControl},
                                 {0x24, "set_time", Operation::kWrite},
                                 {0x25, "return_time", Operation::kRead},
                                 {0x38, "return_fault_table", Operation::kRead},
                                 {0x39, "clear_fault_table", Operation::kWrite},
                                 {0x3f, "program_store", Operation::kProgram},
                                 {0x40, "program_load", Operation::kProgram},
                                 {0x43, "return_controller_type", Operation::kIdentify},
                                 {0x44, "toggle_force", Operation::kControl}};
static_assert(is_sorted_table(kServices));

constexpr NumberName kMemories[] = {{0x08, "%R"},       {0x0a, "%AI"},      {0x0c, "%AQ"},
                                    {0x10, "%I byte"},  {0x12, "%Q byte"},  {0x14, "%T byte"},
                                    {0x16, "%M byte"},  {0x18, "%SA byte"}, {0x1a, "%SB byte"},
                                    {0x1c, "%SC byte"}, {0x1e, "%S byte"},  {0x38, "%G byte"},
                                    {0x46, "%I bit"},   {0x48, "%Q bit"},   {0x4a, "%T bit"},
                                    {0x4c, "%M bit"},   {0x4e, "%SA bit"},  {0x50, "%SB bit"},
                                    {0x52, "%SC bit"},  {0x54, "%S bit"},   {0x56, "%G bit"}};
static_assert(is_sorted_table(kMemories));

using State = FramedFlow;

bool is_kind(uint8_t type, uint8_t kind) {
  if (type == kAsks) return kind == kShortRequest || kind == kLongRequest;
  return kind == kShortAnswer || kind == kLongAnswer || kind == kRefusal;
}

size_t measure(Bytes bytes) {
  Reader r(bytes);
  const uint8_t type = r.peek_u8();
  if (type > kAnswers) return FramedStream::kNoFrame;
  if (r.remaining() < kHeaderBytes) return 0;
  if (type >= kAsks && !is_kind(type, r.peek_u8(31))) return FramedStream::kNoFrame;
  const size_t data_bytes = r.skip(4) ? r.le16() : 0;
  return kHeaderBytes + data_bytes;
}

// Mailboxes of what asks: who asks is any, what is asked is a service of the controller.
bool has_mailboxes(Bytes frame) {
  constexpr uint16_t kServiceRequest = 0x100e;
  const Reader r(frame);
  return r.peek_be16(36) == kServiceRequest || r.peek_be16(32) == kServiceRequest;
}

void put_request(Reader r, const Service& service, EventWriter* events) {
  events->put(ids::kServiceCode, service.number);
  put_name(ids::kService, service.name, events);
  const bool has_memory = (service.number >= 0x04 && service.number <= 0x09);
  if (!has_memory) return;
  const uint8_t memory = r.u8();
  put_name(ids::kSegment, name_of(kMemories, memory), events);
  events->put(ids::kAddress, r.le16());
  events->put(ids::kCount, r.le16());
}

// The service of a long request is behind the eight bytes that a short one has for it.
size_t service_offset(uint8_t kind) { return kind == kLongRequest ? 50 : 42; }

void on_frame(Bytes frame, State* state, Context* context) {
  const Reader header(frame);
  const uint8_t type = header.peek_u8();
  const uint8_t kind = header.peek_u8(31);
  Reader r(frame);
  Service service{};
  if (type == kAsks && r.seek(service_offset(kind))) service = service_of(kServices, r.u8());
  if (!state->quota.allows(service.operation, context)) return;
  EventWriter* events = context->events;
  events->begin(event::kGeSrtp);
  events->put_text(ids::kOperation, name_of(service.operation));
  events->put_text(ids::kType, type == kConnect     ? "connect"
                               : type == kConnected ? "connected"
                               : type == kAsks      ? "request"
                               : kind == kRefusal   ? "refusal"
                                                    : "response");
  events->put(ids::kSequence, header.peek_u8(2));
  if (type == kAsks) put_request(r, service, events);
  if (type == kAnswers) {
    events->put(ids::kStatus, header.peek_u8(42));
    events->put(ids::kMinorStatus, header.peek_u8(43));
  }
  events->end();
}

bool is_connect(Bytes data) {
  if (data.size() != kHeaderBytes || data[0] > kConnected) return false;
  return std::all_of(data.begin() + 16, data.end(), [](uint8_t byte) { return byte == 0; });
}

Likelihood probe(const Segment& first) {
  const size_t length = measure(first.data);
  if (length == FramedStream::kNoFrame) return Likelihood::kNo;
  const bool is_on_port = first.has_port(kPorts[0]) || first.has_port(kPorts[1]);
  if (length == 0) return is_on_port ? Likelihood::kMaybe : Likelihood::kNo;
  const bool is_exchange = first.data[0] >= kAsks && has_mailboxes(first.data);
  if (is_exchange) return Likelihood::kLikely;
  return is_on_port && (first.data[0] >= kAsks || is_connect(first.data)) ? Likelihood::kLikely
                                                                          : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* srtp = static_cast<State*>(state);
  constexpr FrameRules kRules{measure, kMaxKept, anomaly_code::kGeSrtpMalformed};
  return show_frames(kRules, segment, srtp, context,
                     [&](Bytes frame, size_t) { on_frame(frame, srtp, context); });
}

}  // namespace

extern const Parser kGeSrtp;

const Parser kGeSrtp{
    .app = AppId::kGeSrtp,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = lose_frames<State>,
    .first_bytes = std::string_view("\x00\x01\x02\x03", 4),
    .ports = kPorts,
};

}  // namespace thymus::dpi
