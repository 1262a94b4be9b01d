// MQTT over TCP. Messages that belong together are one event: a request and its acknowledgements,
// tied by their message number. Messages that wait for the rest of their exchange lie in a buffer,
// in the order of arrival, with one record in the state for each.
#include "base/generated/events/mqtt.h"

#include <algorithm>

#include "base/generated/anomaly_codes.h"
#include "dpi/lines.h"
#include "dpi/mqtt/mqtt_message.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

constexpr uint16_t kPorts[] = {1883};
constexpr size_t kMaxMessageBytes = 16 * 1024;  // of a message's start that is read
constexpr size_t kMaxKeptBytes = 2 * 1024;      // of a message's start that waits
constexpr size_t kMaxRecords = 256;
constexpr uint32_t kMaxEvents = 20'000;
constexpr int kWaiting = 2;  // the buffer of messages that wait

// One message that waits. The first one of an exchange opens it.
struct Record {
  uint16_t exchange;
  uint16_t id;  // message number; 0 of CONNECT
  uint16_t kept_bytes;
  MqttType type;
  uint8_t is_opener : 1;
  uint8_t is_over : 1;
  uint8_t from_originator : 1;
};
// What precedes a message in the buffer.
struct KeptHeader {
  uint32_t body_bytes;
  uint8_t lead;
  uint8_t unused[3];
};

struct State {
  uint32_t skip_bytes[2];  // of a message that was read already
  bool is_lost[2];         // after a hole
  uint8_t version;
  bool is_connected;
  bool has_spoken;  // a message was understood
  uint16_t next_exchange;
  uint16_t n_records;
  uint32_t n_events;
  Record records[kMaxRecords];
};
static_assert(sizeof(State) <= kMaxParserStateBytes);

struct Flow {
  State* state;
  Context* context;
  bool from_originator;

  EventWriter* events() const { return context->events; }
  bool may_write() const { return state->n_events < kMaxEvents; }
};

void complain(uint16_t code, const Flow& flow) {
  if (!flow.may_write()) return;
  ++flow.state->n_events;
  write_anomaly(code, flow.events());
}

// ---- Exchanges

// Calls `visit(record, message)` for the messages that wait.
template <typename Visit>
void each_waiting(const Flow& flow, Visit&& visit) {
  Reader r(flow.context->buffers->view(kWaiting));
  for (size_t i = 0; i < flow.state->n_records; ++i) {
    const Record& record = flow.state->records[i];
    Reader kept = r.sub(record.kept_bytes);
    const size_t body_bytes = kept.le32();
    const uint8_t lead = kept.u8();
    kept.skip(3);
    visit(record, MqttMessage{lead, body_bytes, kept.rest()});
  }
}

// Forgets records of exchanges that are over, from the oldest on.
void forget_finished(const Flow& flow) {
  State& state = *flow.state;
  size_t n = 0;
  size_t n_bytes = 0;
  while (n < state.n_records && state.records[n].is_over) n_bytes += state.records[n++].kept_bytes;
  if (n == 0) return;
  std::copy(state.records + n, state.records + state.n_records, state.records);
  state.n_records = static_cast<uint16_t>(state.n_records - n);
  flow.context->buffers->consume(kWaiting, n_bytes);
}

// Writes the exchange with its last message, which may be missing.
void finish(const Flow& flow, const Record& opener, const MqttMessage* last) {
  State& state = *flow.state;
  const uint16_t exchange = opener.exchange;
  if (flow.may_write()) {
    flow.events()->begin(event::kMqtt,
                         opener.from_originator ? Side::kOriginator : Side::kResponder);
    each_waiting(flow, [&](const Record& record, const MqttMessage& message) {
      if (record.exchange == exchange && !record.is_over) {
        write_mqtt_message(message, state.version, flow.events());
      }
    });
    if (last != nullptr) write_mqtt_message(*last, state.version, flow.events());
    flow.events()->end();
    ++state.n_events;
  }
  for (size_t i = 0; i < state.n_records; ++i) {
    if (state.records[i].exchange == exchange) state.records[i].is_over = 1;
  }
  forget_finished(flow);
}

bool keep(const Flow& flow, const MqttMessage& message, Record record) {
  State& state = *flow.state;
  Buffers* buffers = flow.context->buffers;
  const Bytes body = Reader(message.body).take_up_to(kMaxKeptBytes);
  const size_t size = sizeof(KeptHeader) + body.size();
  while (state.n_records > 0 && (state.n_records == kMaxRecords ||
                                 buffers->view(kWaiting).size() + size > kMaxBufferBytes)) {
    complain(anomaly_code::kMqttTooManyTransactions, flow);
    finish(flow, state.records[0], nullptr);
  }
  const KeptHeader header{static_cast<uint32_t>(message.body_bytes), message.lead, {}};
  uint8_t bytes[sizeof(KeptHeader) + kMaxKeptBytes];
  std::memcpy(bytes, &header, sizeof header);
  std::copy(body.begin(), body.end(), bytes + sizeof header);
  if (!buffers->append(kWaiting, {bytes, size})) return false;
  record.type = message.type();
  record.kept_bytes = static_cast<uint16_t>(size);
  record.from_originator = flow.from_originator ? 1 : 0;
  state.records[state.n_records++] = record;
  return true;
}

void write_alone(const Flow& flow, const MqttMessage& message) {
  if (!flow.may_write()) return;
  flow.events()->begin(event::kMqtt);
  if (!write_mqtt_message(message, flow.state->version, flow.events())) {
    return complain(anomaly_code::kMqttMalformedTraffic, flow);
  }
  flow.events()->end();
  ++flow.state->n_events;
}

// The oldest open exchange that began with `type` and number `id` on the given side, or null.
const Record* find(const Flow& flow, MqttType type, int id, bool from_originator) {
  for (size_t i = 0; i < flow.state->n_records; ++i) {
    const Record& record = flow.state->records[i];
    if (record.is_opener && !record.is_over && record.type == type && record.id == id &&
        (record.from_originator != 0) == from_originator) {
      return &record;
    }
  }
  return nullptr;
}

void open(const Flow& flow, const MqttMessage& message, int id) {
  Record record{};
  record.exchange = flow.state->next_exchange++;
  record.id = static_cast<uint16_t>(id);
  record.is_opener = 1;
  if (!keep(flow, message, record)) write_alone(flow, message);
}

void require_connection(const Flow& flow) {
  if (!flow.state->is_connected) complain(anomaly_code::kMqttUnintroducedMessage, flow);
}

// PUBLISH, SUBSCRIBE, UNSUBSCRIBE.
void on_request(const Flow& flow, const MqttMessage& message) {
  require_connection(flow);
  const int id = mqtt_message_id(message);
  if (message.qos() == 0) return write_alone(flow, message);
  if (message.qos() == 3) complain(anomaly_code::kMqttInvalidQosLevel, flow);
  if (id < 0) complain(anomaly_code::kMqttMissingMsgId, flow);
  open(flow, message, std::max(id, 0));
}

// A later message of an exchange that began with `type`; `is_last`: it completes it.
void on_answer(const Flow& flow, const MqttMessage& message, MqttType type, uint16_t missing,
               bool is_last) {
  const int id = type == MqttType::kConnect ? 0 : mqtt_message_id(message);
  const bool by_opener = message.type() == MqttType::kPubrel;
  const Record* opener = find(flow, type, id, flow.from_originator == by_opener);
  if (opener == nullptr) {
    complain(missing, flow);
    if (type != MqttType::kConnect) require_connection(flow);
    write_alone(flow, message);
  } else if (is_last) {
    finish(flow, *opener, &message);
  } else {
    Record record{};
    record.exchange = opener->exchange;
    keep(flow, message, record);
  }
}

void on_message(const Flow& flow, const MqttMessage& message) {
  State& state = *flow.state;
  switch (message.type()) {
    case MqttType::kUnassigned:
      return complain(anomaly_code::kMqttUnassignedMsgType, flow);
    case MqttType::kConnect:
      state.version = mqtt_version(message);
      if (state.is_connected) complain(anomaly_code::kMqttDoubleConnect, flow);
      return open(flow, message, 0);
    case MqttType::kConnack:
      on_answer(flow, message, MqttType::kConnect, anomaly_code::kMqttMissingConnect, true);
      state.is_connected = true;
      return;
    case MqttType::kPublish:
    case MqttType::kSubscribe:
    case MqttType::kUnsubscribe:
      return on_request(flow, message);
    case MqttType::kPubrec:
    case MqttType::kPubrel:
      return on_answer(flow, message, MqttType::kPublish, anomaly_code::kMqttMissingPublish, false);
    case MqttType::kPuback:
    case MqttType::kPubcomp:
      return on_answer(flow, message, MqttType::kPublish, anomaly_code::kMqttMissingPublish, true);
    case MqttType::kSuback:
      return on_answer(flow, message, MqttType::kSubscribe, anomaly_code::kMqttMissingSubscribe,
                       true);
    case MqttType::kUnsuback:
      return on_answer(flow, message, MqttType::kUnsubscribe, anomaly_code::kMqttMissingUnsubscribe,
                       true);
    case MqttType::kPingreq:
    case MqttType::kPingresp:
    case MqttType::kDisconnect:
    case MqttType::kAuth:
      require_connection(flow);
      return write_alone(flow, message);
  }
}

// ---- The stream

// Whether a fixed header could stand here: flags that its type admits (2.1.3, 2.2.2).
bool is_plausible(const MqttMessage& m) {
  const uint8_t flags = m.lead & 0x0f;
  switch (m.type()) {
    case MqttType::kUnassigned:
      return false;
    case MqttType::kConnect:
      return flags == 0 && m.body_bytes >= 10;
    case MqttType::kPublish:
      return m.qos() < 3 && m.body_bytes >= 3;
    case MqttType::kPubrel:
    case MqttType::kSubscribe:
    case MqttType::kUnsubscribe:
      return (flags == 2 || flags == 10) && m.body_bytes >= 2;
    case MqttType::kPingreq:
    case MqttType::kPingresp:
      return flags == 0 && m.body_bytes == 0;
    case MqttType::kDisconnect:
    case MqttType::kAuth:
      return flags == 0;
    case MqttType::kConnack:
    case MqttType::kPuback:
    case MqttType::kPubrec:
    case MqttType::kPubcomp:
    case MqttType::kSuback:
    case MqttType::kUnsuback:
      return flags == 0 && m.body_bytes >= 2;
  }
  return false;
}

bool is_connect(const MqttMessage& message, Reader r) {
  if (message.type() != MqttType::kConnect) return false;
  const std::string_view name = as_text(r.take(r.be16()));
  return name == "MQTT" || name == "MQIsdp";
}

Likelihood probe(const Segment& first) {
  Reader r(first.data);
  MqttMessage message{};
  bool is_broken = false;
  if (!read_mqtt_header(&r, &message, &is_broken) || !is_plausible(message)) return Likelihood::kNo;
  if (is_connect(message, r)) return Likelihood::kLikely;
  const bool fills = message.body_bytes == r.remaining();
  if (first.has_port(kPorts[0])) return fills ? Likelihood::kLikely : Likelihood::kMaybe;
  const bool is_connack =
      message.lead == 0x20 && fills && r.u8() <= 1 && message.body_bytes == 2 && r.u8() <= 5;
  return is_connack ? Likelihood::kMaybe : Likelihood::kNo;
}

// One message at the start of `all`, or as much of it as is read; 0: not whole.
size_t take(const Flow& flow, Bytes all, bool* is_broken) {
  Reader r(all);
  MqttMessage message{};
  if (!read_mqtt_header(&r, &message, is_broken)) return 0;
  const size_t needed = std::min(message.body_bytes, kMaxMessageBytes);
  if (r.remaining() < needed) return 0;
  message.body = r.take(needed);
  const size_t present = r.take_up_to(message.body_bytes - needed).size();
  flow.state->skip_bytes[flow.from_originator ? 0 : 1] =
      static_cast<uint32_t>(message.body_bytes - needed - present);
  flow.state->has_spoken = true;
  on_message(flow, message);
  return r.offset();
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  const Flow flow{static_cast<State*>(state), context, segment.from_originator};
  const int dir = segment.from_originator ? 0 : 1;
  Bytes data = segment.data;
  uint32_t& skip_bytes = flow.state->skip_bytes[dir];
  const size_t skipped = std::min<size_t>(skip_bytes, data.size());
  skip_bytes -= static_cast<uint32_t>(skipped);
  data = data.subspan(skipped);
  if (flow.state->is_lost[dir]) {
    if (probe(segment) == Likelihood::kNo) return Answer::kAccept;
    flow.state->is_lost[dir] = false;
  }
  bool is_broken = false;
  const bool kept = take_stream(context, dir, data, [&](Bytes all, size_t) -> size_t {
    if (is_broken) return 0;
    if (skip_bytes > 0) {
      const size_t n = std::min<size_t>(skip_bytes, all.size());
      skip_bytes -= static_cast<uint32_t>(n);
      return n;
    }
    return take(flow, all, &is_broken);
  });
  if (is_broken || !kept) {
    if (flow.state->has_spoken) complain(anomaly_code::kMqttMalformedTraffic, flow);
    return Answer::kReject;
  }
  if (!flow.may_write()) return Answer::kDone;
  return flow.state->has_spoken ? Answer::kAccept : Answer::kNeedMore;
}

bool on_gap(void* state, bool from_originator, Context* context) {
  auto* mqtt = static_cast<State*>(state);
  const int dir = from_originator ? 0 : 1;
  context->buffers->clear(dir);
  mqtt->skip_bytes[dir] = 0;
  mqtt->is_lost[dir] = true;
  return true;
}

void on_end(void* state, Context* context) {
  const Flow flow{static_cast<State*>(state), context, true};
  while (flow.state->n_records > 0) finish(flow, flow.state->records[0], nullptr);
}

}  // namespace

extern const Parser kMqtt;

const Parser kMqtt{
    .app = AppId::kMqtt,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .on_end = on_end,
    .first_bytes = "\x10\x20",
    .ports = kPorts,
};

}  // namespace thymus::dpi
