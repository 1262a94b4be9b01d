// DCE/RPC over TCP: PDUs one after another (dcerpc_pdu.h). A call is written when its answer is
// whole, or when the flow ends.
#include <array>
#include <string_view>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/dcerpc.h"
#include "dpi/dcerpc/dcerpc_pdu.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace ids = event::dcerpc;

constexpr uint16_t kPorts[] = {135};
constexpr size_t kMaxOpen = 64;
constexpr uint32_t kMaxEvents = 20000;
constexpr size_t kRequestHeadBytes = 8;

struct Call {
  uint32_t call_id;
  uint32_t request_bytes;
  uint32_t response_bytes;
  uint16_t request_fragments;
  uint16_t response_fragments;
  uint16_t context;
  uint16_t opnum;
  uint8_t request_type;
  uint8_t response_type;
  uint8_t minor_version;
  bool has_request;
  bool has_response;
  bool is_used;
};

struct DcerpcState {
  std::array<Call, kMaxOpen> calls;
  DcerpcInterfaces interfaces;
  uint32_t n_events;
  uint16_t next_victim;
  bool is_sure;
  bool client_is_responder;
  bool is_lost[2];  // after a hole
};
static_assert(sizeof(DcerpcState) <= kMaxParserStateBytes);

uint8_t request_type_of(uint8_t response_type) {
  switch (static_cast<DcerpcType>(response_type)) {
    case DcerpcType::kBindAck:
      return static_cast<uint8_t>(DcerpcType::kBind);
    case DcerpcType::kAlterContextResp:
      return static_cast<uint8_t>(DcerpcType::kAlterContext);
    default:
      return static_cast<uint8_t>(DcerpcType::kRequest);
  }
}

class Calls {
 public:
  Calls(DcerpcState* state, EventWriter* events) : state_(*state), events_(*events) {}

  void on_pdu(const DcerpcHeader& header, Bytes body) {
    switch (static_cast<DcerpcType>(header.type)) {
      case DcerpcType::kBind:
      case DcerpcType::kAlterContext:
        return on_bind(header, body);
      case DcerpcType::kBindAck:
      case DcerpcType::kAlterContextResp:
        if (!state_.interfaces.on_ack(header, body)) malformed();
        return on_answer(header, 0);
      case DcerpcType::kRequest:
        return on_request(header, body);
      case DcerpcType::kResponse:
        return on_answer(header, static_cast<uint32_t>(body.size()));
      default:
        return;
    }
  }

  // Writes what waits for an answer that will not come any more.
  void flush() {
    for (Call& call : state_.calls) {
      if (call.is_used) write(&call);
    }
  }

 private:
  void malformed() { write_anomaly(anomaly_code::kDcerpcMalformedData, &events_); }

  // A call in this state, or null.
  Call* find(uint32_t call_id, uint8_t request_type, bool has_request) {
    for (Call& call : state_.calls) {
      if (call.is_used && call.call_id == call_id && call.request_type == request_type &&
          call.has_request == has_request) {
        return &call;
      }
    }
    return nullptr;
  }

  Call* begin(const DcerpcHeader& header, uint8_t request_type) {
    Call* room = nullptr;
    for (Call& call : state_.calls) {
      if (!call.is_used) room = &call;
    }
    if (room == nullptr) {
      room = &state_.calls[state_.next_victim++ % kMaxOpen];
      write_anomaly(anomaly_code::kDcerpcTooManyTransactions, &events_);
      write(room);
    }
    *room = {};
    room->call_id = header.call_id;
    room->request_type = request_type;
    room->minor_version = header.minor_version;
    room->is_used = true;
    return room;
  }

  void on_bind(const DcerpcHeader& header, Bytes body) {
    if (!state_.interfaces.on_bind(header, body)) malformed();
    Call* call = begin(header, header.type);
    call->has_request = true;
    call->request_fragments = 1;
  }

  void on_request(const DcerpcHeader& header, Bytes body) {
    DcerpcReader r(body, header.is_little);
    r.skip(4);
    const uint16_t context = r.u16(), opnum = r.u16();
    if (!r.ok()) return malformed();
    Call* call = find(header.call_id, header.type, false);
    if (call == nullptr) call = begin(header, header.type);
    call->context = context;
    call->opnum = opnum;
    ++call->request_fragments;
    call->request_bytes += static_cast<uint32_t>(body.size() - kRequestHeadBytes);
    call->has_request = header.is_last();
  }

  void on_answer(const DcerpcHeader& header, uint32_t bytes) {
    const uint8_t request_type = request_type_of(header.type);
    Call* call = find(header.call_id, request_type, true);
    if (call == nullptr) call = find(header.call_id, request_type, false);
    if (call == nullptr) call = begin(header, request_type);
    call->response_type = header.type;
    ++call->response_fragments;
    call->response_bytes += bytes;
    call->has_response = !header.is(DcerpcType::kResponse) || header.is_last();
    if (call->has_response) write(call);
  }

  void write(Call* call) {
    call->is_used = false;
    if (state_.n_events >= kMaxEvents) return;
    ++state_.n_events;
    events_.begin(event::kDcerpc,
                  state_.client_is_responder ? Side::kResponder : Side::kOriginator);
    if (call->has_request) {
      put_request(*call);
    } else {
      events_.put_text(ids::kRequest, "REQUEST_LOST");
    }
    if (call->has_response) {
      events_.put_text(ids::kResponse, dcerpc_type_name(call->response_type));
      if (call->response_type == static_cast<uint8_t>(DcerpcType::kResponse)) {
        events_.open(ids::kRes);
        events_.put(ids::res::kFragCnt, call->response_fragments);
        events_.put(ids::res::kStubDataSize, call->response_bytes);
        events_.close();
      }
    } else {
      events_.put_text(ids::kResponse, "UNREPLIED");
    }
    events_.put(ids::kCallId, call->call_id);
    TextBuilder<8> version("5.");
    events_.put_text(ids::kRpcVersion, version.add_number(call->minor_version).view());
    events_.end();
  }

  void put_request(const Call& call) {
    events_.put_text(ids::kRequest, dcerpc_type_name(call.request_type));
    const bool is_call = call.request_type == static_cast<uint8_t>(DcerpcType::kRequest);
    const bool is_bind = call.request_type == static_cast<uint8_t>(DcerpcType::kBind);
    if (is_call) {
      events_.open(ids::kReq);
      events_.put(ids::req::kOpnum, call.opnum);
      events_.put(ids::req::kFragCnt, call.request_fragments);
      events_.put(ids::req::kStubDataSize, call.request_bytes);
      events_.close();
    }
    for (const DcerpcInterface& i : state_.interfaces.all()) {
      if ((is_call && i.context == call.context) || (is_bind && i.call_id == call.call_id)) {
        put_interface(i);
      }
    }
  }

  void put_interface(const DcerpcInterface& i) {
    events_.open(ids::kInterfaces);
    events_.put_text(ids::interfaces::kUuid, i.uuid.text().view());
    events_.put_text(ids::interfaces::kVersion, i.version_text().view());
    if (i.is_acked) events_.put(ids::interfaces::kAckResult, i.ack_result);
    events_.close();
  }

  DcerpcState& state_;
  EventWriter& events_;
};

Likelihood probe(const Segment& first) {
  DcerpcHeader header;
  if (!read_dcerpc_header(first.data, &header)) {
    const bool is_short = first.data.size() < DcerpcHeader::kBytes;
    return is_short && Reader(first.data).peek_u8() == 5 && first.has_port(kPorts[0])
               ? Likelihood::kMaybe
               : Likelihood::kNo;
  }
  return Likelihood::kLikely;
}

// After a hole: where the next PDU seems to begin; the end when none does.
size_t find_pdu(Bytes bytes) {
  DcerpcHeader header;
  for (size_t i = 0; i + DcerpcHeader::kBytes <= bytes.size(); ++i) {
    if (bytes[i] == 5 && read_dcerpc_header(bytes.subspan(i), &header)) return i;
  }
  return bytes.size();
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* dcerpc = static_cast<DcerpcState*>(state);
  Calls calls(dcerpc, context->events);
  const int side = segment.from_originator ? 0 : 1;
  Bytes data = segment.data;
  if (dcerpc->is_lost[side]) {
    data = data.subspan(find_pdu(data));
    if (data.empty()) return Answer::kAccept;
    dcerpc->is_lost[side] = false;
  }
  bool broken = false;
  const bool kept = take_messages(context, side, data, [&](Bytes bytes) -> size_t {
    DcerpcHeader header;
    if (bytes.size() < DcerpcHeader::kBytes) {
      broken = bytes[0] != 5;
      return broken ? bytes.size() : 0;
    }
    if (!read_dcerpc_header(bytes, &header)) {
      broken = true;
      return bytes.size();
    }
    if (bytes.size() < header.fragment_bytes) return 0;
    if (!dcerpc->is_sure) {
      dcerpc->client_is_responder = header.is_from_client() != segment.from_originator;
    }
    dcerpc->is_sure = true;
    calls.on_pdu(header, bytes.first(header.fragment_bytes).subspan(DcerpcHeader::kBytes));
    return header.fragment_bytes;
  });
  if (!broken && kept) return dcerpc->is_sure ? Answer::kAccept : Answer::kNeedMore;
  if (!dcerpc->is_sure) return Answer::kReject;
  calls.flush();
  write_anomaly(anomaly_code::kDcerpcMalformedData, context->events);
  return Answer::kDone;
}

bool on_gap(void* state, bool from_originator, Context* context) {
  const int side = from_originator ? 0 : 1;
  static_cast<DcerpcState*>(state)->is_lost[side] = true;
  context->buffers->clear(side);
  return true;
}

void on_end(void* state, Context* context) {
  Calls(static_cast<DcerpcState*>(state), context->events).flush();
}

}  // namespace

extern const Parser kDcerpcTcp;

const Parser kDcerpcTcp{
    .app = AppId::kDcerpc,
    .state_bytes = sizeof(DcerpcState),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .on_end = on_end,
    .first_bytes = "\x05",
    .ports = kPorts,
};

}  // namespace thymus::dpi
