// Modbus over TCP and UDP (Modbus Messaging on TCP/IP V1.0b): a header of 7 bytes, whose length
// field says how many bytes follow it, then function and data (modbus_message.h). A client may send
// requests ahead; a response belongs to the request with its transaction identifier and unit.
#include "base/generated/events/modbus.h"

#include "dpi/industrial/framed_flow.h"
#include "dpi/industrial/modbus_message.h"
#include "dpi/industrial/waiting_frames.h"

namespace thymus::dpi {
namespace {

namespace ids = event::modbus;

constexpr uint16_t kPorts[] = {502};
constexpr size_t kPrefixBytes = 6;
constexpr size_t kMinLength = 2;  // unit and function
// The specification allows 254; controllers that are programmed through Modbus take more.
constexpr size_t kMaxLength = 254, kMaxLongLength = 2048;
constexpr size_t kMaxKept = kPrefixBytes + kMaxLongLength;
static_assert(kMaxKept <= WaitingFrames::kMaxFrameBytes);

struct State : FramedFlow {
  WaitingFrames waiting;
  uint64_t n_transactions;
  bool knows_client;
  bool client_is_originator;
};

size_t measure(Bytes bytes) {
  const Reader r(bytes);
  if (r.remaining() >= 4 && r.peek_be16(2) != 0) return FramedStream::kNoFrame;
  if (r.remaining() < kPrefixBytes) return 0;
  const size_t length = r.peek_be16(4);
  const bool is_length = length >= kMinLength && length <= kMaxLongLength;
  return is_length ? kPrefixBytes + length : FramedStream::kNoFrame;
}

// Clients and servers say different things only sometimes, but the port tells.
void learn_client(Bytes frame, const Segment& segment, State* state) {
  if (state->knows_client) return;
  state->knows_client = true;
  bool is_request = true;
  if (segment.dst_port != kPorts[0]) {
    is_request = segment.src_port != kPorts[0] && fits_modbus_function(read_modbus(frame, true));
  }
  state->client_is_originator = is_request == segment.from_originator;
}

void complain_of(const ModbusMessage& m, State* state, Context* context) {
  if ((m.errors & modbus_error::kFunctionCode) != 0) {
    state->quota.complain(anomaly_code::kModbusInvalidFunctionCode, context);
  }
  if ((m.errors & modbus_error::kDataLength) != 0) {
    state->quota.complain(anomaly_code::kModbusInvalidLength, context);
  }
  if ((m.errors & modbus_error::kDataValue) != 0) {
    state->quota.complain(anomaly_code::kModbusInvalidValue, context);
  }
  if ((m.errors & modbus_error::kExceptionCode) != 0) {
    state->quota.complain(anomaly_code::kModbusInvalidExceptionCode, context);
  }
}

// Either side may be missing.
void write_transaction(const ModbusMessage* request, const ModbusMessage* response, State* state,
                       Context* context) {
  const Operation operation = modbus_operation(request != nullptr ? *request : *response);
  ++state->n_transactions;
  if (!state->quota.allows(operation, context)) return;
  EventWriter* events = context->events;
  events->begin(event::kModbus, state->client_is_originator ? Side::kOriginator : Side::kResponder);
  events->put_text(ids::kOperation, name_of(operation));
  events->put(ids::kId, state->n_transactions);
  if (request != nullptr) {
    events->open(ids::kRequest);
    put_modbus(*request, events);
    events->close();
  }
  if (response != nullptr) {
    events->open(ids::kResponse);
    put_modbus(*response, events);
    events->close();
  }
  events->end();
}

void give_up_oldest(State* state, Context* context) {
  state->waiting.take_oldest(context, [&](Bytes frame) {
    const ModbusMessage request = read_modbus(frame, true);
    write_transaction(&request, nullptr, state, context);
  });
}

void on_request(Bytes frame, State* state, Context* context) {
  const ModbusMessage request = read_modbus(frame, true);
  complain_of(request, state, context);
  if (state->waiting.full()) {
    state->quota.complain(anomaly_code::kModbusFlooded, context);
    give_up_oldest(state, context);
  }
  if (!state->waiting.add(frame, context)) write_transaction(&request, nullptr, state, context);
}

void write_answered(const ModbusMessage& request, ModbusMessage response, State* state,
                    Context* context) {
  const uint8_t mismatch = compare_modbus(response, request);
  complain_of(response, state, context);
  if (mismatch != 0) state->quota.complain(anomaly_code::kModbusValueMismatch, context);
  response.errors = static_cast<uint8_t>(response.errors | mismatch);
  write_transaction(&request, &response, state, context);
}

void on_response(Bytes frame, State* state, Context* context) {
  const ModbusMessage response = read_modbus(frame, false);
  const bool is_answer = state->waiting.take_match(
      context, [&](Bytes waiting) { return answers_modbus(response, read_modbus(waiting, true)); },
      [&](Bytes waiting) { write_answered(read_modbus(waiting, true), response, state, context); });
  if (is_answer) return;
  complain_of(response, state, context);
  write_transaction(nullptr, &response, state, context);
  state->quota.complain(anomaly_code::kModbusUnsolicitedResponse, context);
}

void on_frame(Bytes frame, const Segment& segment, State* state, Context* context) {
  learn_client(frame, segment, state);
  if (frame.size() > kPrefixBytes + kMaxLength && frame[kModbusHeaderBytes] <= 0x2b) {
    state->quota.complain(anomaly_code::kModbusInvalidLength, context);
  }
  if (segment.from_originator == state->client_is_originator) {
    on_request(frame, state, context);
  } else {
    on_response(frame, state, context);
  }
}

// The first messages of a direction must all have the form of their functions, or come from a
// Modbus port.
Likelihood probe(const Segment& first) {
  Reader r(first.data);
  const bool is_on_port = first.has_port(kPorts[0]);
  int n_messages = 0;
  while (!r.empty()) {
    const size_t length = measure(r.rest());
    if (length == FramedStream::kNoFrame) return Likelihood::kNo;
    if (length == 0 || length > r.remaining()) break;
    const Bytes frame = r.take(length);
    const bool fits = fits_modbus_function(read_modbus(frame, true)) ||
                      fits_modbus_function(read_modbus(frame, false));
    if (!fits && !is_on_port) return Likelihood::kNo;
    ++n_messages;
  }
  if (is_on_port) return n_messages > 0 ? Likelihood::kLikely : Likelihood::kMaybe;
  return n_messages > 0 && r.empty() ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* modbus = static_cast<State*>(state);
  constexpr FrameRules kRules{measure, kMaxKept, anomaly_code::kModbusInvalidProtocolId};
  return show_frames(kRules, segment, modbus, context,
                     [&](Bytes frame, size_t) { on_frame(frame, segment, modbus, context); });
}

void on_end(void* state, Context* context) {
  auto* modbus = static_cast<State*>(state);
  while (!modbus->waiting.empty()) give_up_oldest(modbus, context);
}

}  // namespace

extern const Parser kModbus;

const Parser kModbus{
    .app = AppId::kModbus,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .on_gap = lose_frames<State>,
    .on_end = on_end,
    .ports = kPorts,
};

}  // namespace thymus::dpi
