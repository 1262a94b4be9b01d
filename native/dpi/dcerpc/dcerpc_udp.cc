// Connectionless DCE/RPC (C706 chapter 12), version 4, one PDU a datagram:
//
//   {u8 version 4, u8 type, u8 flags, u8 flags, u8 drep[3], u8 serial, uuid object,
//    uuid interface, uuid activity, u32 boot time, u32 interface version, u32 sequence number,
//    u16 opnum, u16 hint, u16 hint, u16 length, u16 fragment number, u8 auth, u8 serial, stub}
#include <array>

#include "base/generated/events/dcerpc.h"
#include "dpi/dcerpc/dcerpc_pdu.h"
#include "dpi/dcerpc/profinet_io.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace ids = event::dcerpc;

constexpr uint16_t kPorts[] = {135, 34964};
constexpr size_t kMaxOpen = 32;
constexpr uint8_t kLastTypeOfDatagrams = 10;
constexpr uint8_t kIsLast = 2;
constexpr uint8_t kIsFragment = 4;
constexpr uint32_t kMaxEvents = 20000;

struct Pdu {
  uint8_t type;
  uint8_t flags;
  DcerpcUuid activity;
  uint32_t sequence_number;
  uint16_t opnum;
  uint16_t stub_bytes;
  bool is_profinet_io;
  Bytes stub;

  bool is_request() const { return type == static_cast<uint8_t>(DcerpcType::kRequest); }
  bool is_response() const { return type == static_cast<uint8_t>(DcerpcType::kResponse); }
  bool is_last() const { return (flags & kIsFragment) == 0 || (flags & kIsLast) != 0; }
};

bool read_pdu(Bytes bytes, Pdu* pdu) {
  Reader start(bytes);
  const uint8_t version = start.u8();
  pdu->type = start.u8();
  pdu->flags = start.u8();
  const uint8_t more_flags = start.u8();
  const uint8_t drep = start.u8();
  const uint8_t floats = start.u8();
  const uint8_t drep_end = start.u8();
  start.skip(1 + 16);
  const Bytes interface = start.take(16);
  pdu->activity.is_little = (drep & 0x10) != 0;
  pdu->is_profinet_io = is_profinet_io(interface, pdu->activity.is_little);
  DcerpcReader r(start.rest(), pdu->activity.is_little);
  const Bytes activity = r.take(pdu->activity.bytes.size());
  r.skip(8);
  pdu->sequence_number = r.u32();
  pdu->opnum = r.u16();
  r.skip(4);
  pdu->stub_bytes = r.u16();
  r.skip(4);
  if (!r.ok() || version != 4 || pdu->type > kLastTypeOfDatagrams || (drep & 0xee) != 0 ||
      floats > 3 || drep_end != 0 || (more_flags & 0xfc) != 0 || r.remaining() < pdu->stub_bytes) {
    return false;
  }
  pdu->stub = r.take(pdu->stub_bytes);
  std::copy(activity.begin(), activity.end(), pdu->activity.bytes.begin());
  return true;
}

struct Call {
  DcerpcUuid activity;
  uint32_t sequence_number;
  uint32_t request_bytes;
  uint32_t response_bytes;
  uint16_t request_fragments;
  uint16_t response_fragments;
  uint16_t opnum;
  bool has_request;
  bool has_response;
  bool is_used;
  ProfinetIoCall profinet_io;
};

struct State {
  std::array<Call, kMaxOpen> calls;
  uint32_t n_events;
  uint16_t next_victim;
  bool is_sure;
  bool client_is_responder;
};
static_assert(sizeof(State) <= kMaxParserStateBytes);

void put_counts(uint16_t field, uint32_t fragments, uint32_t bytes, EventWriter* events) {
  static_assert(ids::res::kFragCnt == 1 && ids::res::kStubDataSize == 2);
  events->open(field);
  events->put(ids::res::kFragCnt, fragments);
  events->put(ids::res::kStubDataSize, bytes);
  events->close();
}

void put_profinet_io(const ProfinetIoCall& call, EventWriter* events) {
  if (!call.is_there) return;
  const Service service = profinet_io_service(call.opnum);
  events->put_text(ids::kOperation, name_of(service.operation));
  events->open(ids::kProfinetIo);
  put_name(ids::profinet_io::kCall, service.name, events);
  if (call.has_record) {
    events->put(ids::profinet_io::kSlot, call.slot);
    events->put(ids::profinet_io::kSubslot, call.subslot);
    events->put(ids::profinet_io::kIndex, call.index);
  }
  events->close();
}

void write(State* state, Call* call, EventWriter* events) {
  call->is_used = false;
  if (state->n_events >= kMaxEvents) return;
  ++state->n_events;
  events->begin(event::kDcerpc, state->client_is_responder ? Side::kResponder : Side::kOriginator);
  if (call->has_request) {
    events->put_text(ids::kRequest, "REQUEST");
    events->open(ids::kReq);
    events->put(ids::req::kOpnum, call->opnum);
    events->put(ids::req::kFragCnt, call->request_fragments);
    events->put(ids::req::kStubDataSize, call->request_bytes);
    events->close();
  } else {
    events->put_text(ids::kRequest, "REQUEST_LOST");
  }
  if (call->has_response) {
    events->put_text(ids::kResponse, "RESPONSE");
    put_counts(ids::kRes, call->response_fragments, call->response_bytes, events);
  } else {
    events->put_text(ids::kResponse, "UNREPLIED");
  }
  events->put_text(ids::kActivityuuid, call->activity.text().view());
  events->put(ids::kSeqnum, call->sequence_number);
  events->put_text(ids::kRpcVersion, "4.0");
  put_profinet_io(call->profinet_io, events);
  events->end();
}

Call* call_of(State* state, const Pdu& pdu, EventWriter* events) {
  Call* room = nullptr;
  for (Call& call : state->calls) {
    if (!call.is_used) {
      room = &call;
    } else if (call.sequence_number == pdu.sequence_number &&
               call.activity.bytes == pdu.activity.bytes) {
      return &call;
    }
  }
  if (room == nullptr) {
    room = &state->calls[state->next_victim++ % kMaxOpen];
    write(state, room, events);
  }
  *room = {};
  room->activity = pdu.activity;
  room->sequence_number = pdu.sequence_number;
  room->is_used = true;
  return room;
}

Likelihood probe(const Segment& first) {
  Pdu pdu;
  return read_pdu(first.data, &pdu) ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state_bytes, const Segment& segment, Context* context) {
  auto* state = static_cast<State*>(state_bytes);
  Pdu pdu;
  if (!read_pdu(segment.data, &pdu)) return state->is_sure ? Answer::kAccept : Answer::kReject;
  if (!state->is_sure) state->client_is_responder = pdu.is_request() != segment.from_originator;
  state->is_sure = true;
  if (!pdu.is_request() && !pdu.is_response()) return Answer::kAccept;
  Call* call = call_of(state, pdu, context->events);
  if (pdu.is_request()) {
    call->opnum = pdu.opnum;
    if (pdu.is_profinet_io && call->request_fragments == 0) {
      call->profinet_io = read_profinet_io(pdu.opnum, pdu.stub);
    }
    ++call->request_fragments;
    call->request_bytes += pdu.stub_bytes;
    call->has_request = call->has_request || pdu.is_last();
  } else {
    ++call->response_fragments;
    call->response_bytes += pdu.stub_bytes;
    call->has_response = pdu.is_last();
    if (call->has_response) write(state, call, context->events);
  }
  return Answer::kAccept;
}

void on_end(void* state_bytes, Context* context) {
  auto* state = static_cast<State*>(state_bytes);
  for (Call& call : state->calls) {
    if (call.is_used) write(state, &call, context->events);
  }
}

}  // namespace

extern const Parser kDcerpcUdp;

const Parser kDcerpcUdp{
    .app = AppId::kDcerpc,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .on_end = on_end,
    .first_bytes = "\x04",
    .ports = kPorts,
};

}  // namespace thymus::dpi
