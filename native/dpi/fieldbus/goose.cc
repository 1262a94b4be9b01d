#include "dpi/fieldbus/goose.h"

#include "base/generated/events/goose.h"
#include "dpi/ber.h"
#include "dpi/industrial/operation.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace ids = event::goose;

constexpr uint32_t kPdu = ber::application_constructed(1);
constexpr uint16_t kPorts[] = {102};
constexpr uint32_t kMaxEvents = 20'000;

// The state that was reported last.
struct State {
  uint32_t n_events;
  uint32_t state;
  uint16_t appid;
  bool is_test;
};

uint32_t to_u32(Bytes content) { return static_cast<uint32_t>(ber::to_integer(content)); }

// goosePdu; what is left out by a faulty sender stays empty, but for who speaks and its state.
bool read_pdu(Bytes bytes, Goose* out) {
  BerElement pdu;
  if (!BerReader(bytes).next(&pdu) || pdu.tag != kPdu) return false;
  BerReader fields(pdu.content);
  BerElement field;
  bool has_state = false;
  while (fields.next(&field)) {
    const Bytes value = field.content;
    switch (field.tag) {
      case ber::context(0):
        out->control_block = value;
        break;
      case ber::context(1):
        out->time_allowed_ms = to_u32(value);
        break;
      case ber::context(2):
        out->data_set = value;
        break;
      case ber::context(3):
        out->id = value;
        break;
      case ber::context(5):
        out->state = to_u32(value);
        has_state = true;
        break;
      case ber::context(6):
        out->sequence = to_u32(value);
        break;
      case ber::context(7):
        out->is_test = to_u32(value) != 0;
        break;
      case ber::context(8):
        out->configuration = to_u32(value);
        break;
      case ber::context(9):
        out->needs_commissioning = to_u32(value) != 0;
        break;
      case ber::context(10):
        out->n_entries = to_u32(value);
        break;
      default:
        break;
    }
  }
  return has_state && !out->control_block.empty();
}

Likelihood probe(const Segment& first) {
  Goose goose;
  return read_routable_goose(first.data, &goose) ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* said = static_cast<State*>(state);
  Goose goose;
  if (!read_routable_goose(segment.data, &goose)) {
    return said->n_events == 0 ? Answer::kReject : Answer::kAccept;
  }
  if (said->n_events > 0 && said->state == goose.state && said->appid == goose.appid &&
      said->is_test == goose.is_test) {
    return Answer::kAccept;
  }
  *said = {said->n_events + 1, goose.state, goose.appid, goose.is_test};
  context->events->begin(event::kGoose);
  put_goose(goose, context->events);
  context->events->end();
  return said->n_events >= kMaxEvents ? Answer::kDone : Answer::kAccept;
}

}  // namespace

//   application (2)  length (2)  reserved (4, the highest bit: simulated)  goosePdu
bool read_goose(Bytes payload, Goose* out) {
  constexpr size_t kHeaderBytes = 8;
  *out = {};
  Reader r(payload);
  out->appid = r.be16();
  const uint16_t length = r.be16();
  const uint32_t reserved = r.be32();
  if (!r.ok() || length < kHeaderBytes) return false;
  // Some senders count the header, some do not.
  if (!read_pdu(r.take_up_to(length), out)) return false;
  out->is_test = out->is_test || reserved >> 31 != 0;
  return true;
}

//   transport header: 1, unit data (ISO 8602)
//   session: identifier (1)  length (1)  0x80  length (1)  bytes of the data unit (4)  number (4)
//     version (2)  security (11) with an initialisation vector (length 1)
//   payload bytes (4)  type (1)  simulated (1)  application (2)  length (2)  goosePdu
bool read_routable_goose(Bytes datagram, Goose* out) {
  constexpr uint16_t kUnitData = 0x0140;
  constexpr uint8_t kGooseSession = 0xa1, kCommonHeader = 0x80, kGoosePayload = 0x81;
  *out = {};
  Reader r(datagram);
  if (r.be16() != kUnitData || r.u8() != kGooseSession) return false;
  const uint8_t session_bytes = r.u8();
  const Reader session(r.take(session_bytes));
  if (session.peek_u8() != kCommonHeader || session.peek_u8(1) + 2 != session_bytes) return false;
  r.skip(4);
  if (r.u8() != kGoosePayload) return false;
  const bool is_simulated = r.u8() != 0;
  out->appid = r.be16();
  const uint16_t length = r.be16();
  if (!r.ok() || !read_pdu(r.take_up_to(length), out)) return false;
  out->is_test = out->is_test || is_simulated;
  return true;
}

// It reports values; whoever listens acts on them.
void put_goose(const Goose& goose, EventWriter* events) {
  events->put_text(ids::kOperation, name_of(Operation::kRead));
  events->put(ids::kAppid, goose.appid);
  events->put_bytes(ids::kGocbRef, goose.control_block);
  if (!goose.data_set.empty()) events->put_bytes(ids::kDatSet, goose.data_set);
  if (!goose.id.empty()) events->put_bytes(ids::kGoId, goose.id);
  events->put(ids::kTimeAllowedToLive, goose.time_allowed_ms);
  events->put(ids::kStNum, goose.state);
  events->put(ids::kSqNum, goose.sequence);
  events->put_bool(ids::kTest, goose.is_test);
  events->put(ids::kConfRev, goose.configuration);
  events->put_bool(ids::kNdsCom, goose.needs_commissioning);
  events->put(ids::kNumDatSetEntries, goose.n_entries);
}

extern const Parser kGooseUdp;

const Parser kGooseUdp{
    .app = AppId::kGoose,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = "\x01",
    .ports = kPorts,
};

}  // namespace thymus::dpi
