#include "dpi/mqtt/mqtt_message.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/generated/events/mqtt.h"

namespace thymus::dpi {
namespace {

namespace ids = event::mqtt;
using ids::connack::kDup;
using ids::connack::kQos;
using ids::connack::kRetain;

constexpr uint8_t kVersion5 = 5;
constexpr size_t kMaxTextBytes = 1024;
constexpr int kMaxProperties = 64;
constexpr int kMaxTopics = 256;

// Fields that several kinds of messages have at the same place.
constexpr uint16_t kMessageId = ids::pubrec::kMessageId;
constexpr uint16_t kReasonCode = ids::pubrec::kReasonCode;
constexpr uint16_t kAckProperties = ids::pubrec::kProperties;
static_assert(ids::suback::kMessageId == kMessageId && ids::suback::kProperties == kAckProperties);
static_assert(ids::subscribe::kMessageId == kMessageId && ids::publish::kQos == kQos);
static_assert(ids::disconnect::kReasonCode == ids::auth::kReasonCode);

uint32_t variable_integer(Reader* r) {
  uint32_t value = 0;
  for (int shift = 0; shift < 28; shift += 7) {
    const uint8_t byte = r->u8();
    value |= static_cast<uint32_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  r->fail();
  return 0;
}

std::string_view text(Reader* r) { return as_text(r->take(r->be16())); }

// A text of any length, cut after kMaxTextBytes with a note on the rest.
void put_limited(uint16_t field, std::string_view value, size_t wire_bytes, EventWriter* events) {
  if (wire_bytes <= kMaxTextBytes) {
    events->put_text(field, value);
    return;
  }
  std::array<char, kMaxTextBytes + 64> room;
  const size_t kept = std::min(value.size(), kMaxTextBytes);
  std::copy_n(value.begin(), kept, room.begin());
  const int note = std::snprintf(room.data() + kept, room.size() - kept,
                                 "[truncated %zu additional bytes]", wire_bytes - kept);
  events->put_text(field, {room.data(), kept + static_cast<size_t>(note)});
}

// ---- Properties (5.0, section 2.2.2)

enum class Kind : uint8_t { kNone, kU8, kU16, kU32, kVariable, kText, kPair };

struct Property {
  uint8_t id;
  Kind kind;
  std::string_view name;
};

constexpr Property kProperties[] = {
    {1, Kind::kU8, "payload_format_indicator"},
    {2, Kind::kU32, "message_expiry_interval"},
    {3, Kind::kText, "content_type"},
    {8, Kind::kText, "response_topic"},
    {9, Kind::kText, "correlation_data"},
    {11, Kind::kVariable, "subscription_identifier"},
    {17, Kind::kU32, "session_expiry_interval"},
    {18, Kind::kText, "assigned_client_identifier"},
    {19, Kind::kU16, "server_keep_alive"},
    {21, Kind::kText, "authentication_method"},
    {22, Kind::kText, "authentication_data"},
    {23, Kind::kU8, "request_problem_information"},
    {24, Kind::kU32, "will_delay_interval"},
    {25, Kind::kU8, "request_response_information"},
    {26, Kind::kText, "response_information"},
    {28, Kind::kText, "server_reference"},
    {31, Kind::kText, "reason_string"},
    {33, Kind::kU16, "receive_maximum"},
    {34, Kind::kU16, "topic_alias_maximum"},
    {35, Kind::kU16, "topic_alias"},
    {36, Kind::kU8, "maximum_qos"},
    {37, Kind::kU8, "retain_available"},
    {38, Kind::kPair, ""},
    {39, Kind::kU32, "maximum_packet_size"},
    {40, Kind::kU8, "wildcard_subscription_available"},
    {41, Kind::kU8, "subscription_identifier_available"},
    {42, Kind::kU8, "shared_subscription_available"},
};

const Property* property(uint32_t id) {
  for (const Property& p : kProperties) {
    if (p.id == id) return &p;
  }
  return nullptr;
}

// Properties with their length in front; none before 5.0.
void put_properties(uint16_t field, uint8_t version, Reader* r, EventWriter* events) {
  namespace pair = ids::connect::properties;
  if (version < kVersion5) return;
  const uint32_t size = variable_integer(r);
  if (size > r->remaining()) r->fail();
  Reader list = r->sub(size);
  for (int n = 0; n < kMaxProperties && !list.empty(); ++n) {
    const Property* p = property(variable_integer(&list));
    if (p == nullptr) return;
    events->open(field);
    events->put_text(pair::kName, p->kind == Kind::kPair ? text(&list) : p->name);
    switch (p->kind) {
      case Kind::kU8:
        events->put(pair::kNumber, list.u8());
        break;
      case Kind::kU16:
        events->put(pair::kNumber, list.be16());
        break;
      case Kind::kU32:
        events->put(pair::kNumber, list.be32());
        break;
      case Kind::kVariable:
        events->put(pair::kNumber, variable_integer(&list));
        break;
      case Kind::kText:
      case Kind::kPair:
      case Kind::kNone: {
        const std::string_view value = text(&list);
        put_limited(pair::kText, value, value.size(), events);
        break;
      }
    }
    events->close();
  }
  if (!list.ok()) r->fail();
}

// ---- Messages

void put_connect(Reader* r, EventWriter* events) {
  namespace f = ids::connect;
  events->put_text(f::kProtocolString, text(r));
  const uint8_t version = r->u8();
  const uint8_t flags = r->u8();
  r->be16();  // keep alive
  events->put(f::kProtocolVersion, version);
  events->open(f::kFlags);
  events->put_bool(f::flags::kUsername, (flags & 0x80) != 0);
  events->put_bool(f::flags::kPassword, (flags & 0x40) != 0);
  events->put_bool(f::flags::kWillRetain, (flags & 0x20) != 0);
  events->put_bool(f::flags::kWill, (flags & 0x04) != 0);
  events->put_bool(f::flags::kCleanSession, (flags & 0x02) != 0);
  events->close();
  put_properties(f::kProperties, version, r, events);
  events->put_text(f::kClientId, text(r));
  if ((flags & 0x04) != 0) {
    events->open(f::kWill);
    put_properties(f::will::kProperties, version, r, events);
    events->put_text(f::will::kTopic, text(r));
    const std::string_view message = text(r);
    put_limited(f::will::kMessage, message, message.size(), events);
    events->close();
  }
  if ((flags & 0x80) != 0) events->put_text(f::kUsername, text(r));
  if ((flags & 0x40) != 0) events->put_text(f::kPassword, text(r));
}

void put_connack(uint8_t version, Reader* r, EventWriter* events) {
  namespace f = ids::connack;
  events->put_bool(f::kSessionPresent, (r->u8() & 1) != 0);
  events->put(f::kReturnCode, r->u8());
  if (!r->empty()) put_properties(f::kProperties, version, r, events);
}

void put_publish(const MqttMessage& message, uint8_t version, Reader* r, EventWriter* events) {
  namespace f = ids::publish;
  events->put_text(f::kTopic, text(r));
  if (message.qos() > 0) events->put(f::kMessageId, r->be16());
  put_properties(f::kProperties, version, r, events);
  const size_t wire_bytes = message.body_bytes - std::min(message.body_bytes, r->offset());
  put_limited(f::kMessage, as_text(r->take_up_to(r->remaining())), wire_bytes, events);
}

// PUBACK, PUBREC, PUBREL, PUBCOMP.
void put_ack(uint8_t version, Reader* r, EventWriter* events) {
  events->put(kMessageId, r->be16());
  if (version < kVersion5) return;
  events->put(kReasonCode, r->empty() ? 0 : r->u8());
  if (!r->empty()) put_properties(kAckProperties, version, r, events);
}

void put_subscribe(uint8_t version, Reader* r, EventWriter* events) {
  namespace f = ids::subscribe;
  events->put(f::kMessageId, r->be16());
  put_properties(f::kProperties, version, r, events);
  for (int n = 0; n < kMaxTopics && !r->empty(); ++n) {
    events->open(f::kTopics);
    events->put_text(f::topics::kTopic, text(r));
    events->put(f::topics::kQos, r->u8());
    events->close();
  }
}

void put_unsubscribe(uint8_t version, Reader* r, EventWriter* events) {
  namespace f = ids::unsubscribe;
  events->put(f::kMessageId, r->be16());
  put_properties(f::kProperties, version, r, events);
  for (int n = 0; n < kMaxTopics && !r->empty(); ++n) events->put_text(f::kTopics, text(r));
}

// SUBACK, and UNSUBACK of 5.0: one code for each topic.
void put_codes(uint16_t field, uint8_t version, Reader* r, EventWriter* events) {
  events->put(kMessageId, r->be16());
  put_properties(kAckProperties, version, r, events);
  for (int n = 0; n < kMaxTopics && !r->empty(); ++n) events->put(field, r->u8());
}

// DISCONNECT and AUTH.
void put_reason(uint8_t version, Reader* r, EventWriter* events) {
  namespace f = ids::disconnect;
  if (version < kVersion5) return;
  events->put(f::kReasonCode, r->empty() ? 0 : r->u8());
  if (!r->empty()) put_properties(f::kProperties, version, r, events);
}

uint16_t field_of(MqttType type) {
  constexpr uint16_t kFields[] = {0,
                                  ids::kConnect,
                                  ids::kConnack,
                                  ids::kPublish,
                                  ids::kPuback,
                                  ids::kPubrec,
                                  ids::kPubrel,
                                  ids::kPubcomp,
                                  ids::kSubscribe,
                                  ids::kSuback,
                                  ids::kUnsubscribe,
                                  ids::kUnsuback,
                                  ids::kPingreq,
                                  ids::kPingresp,
                                  ids::kDisconnect,
                                  ids::kAuth};
  return kFields[static_cast<size_t>(type)];
}

void put_body(const MqttMessage& message, uint8_t version, Reader* r, EventWriter* events) {
  switch (message.type()) {
    case MqttType::kConnect:
      return put_connect(r, events);
    case MqttType::kConnack:
      return put_connack(version, r, events);
    case MqttType::kPublish:
      return put_publish(message, version, r, events);
    case MqttType::kPuback:
    case MqttType::kPubrec:
    case MqttType::kPubrel:
    case MqttType::kPubcomp:
      return put_ack(version, r, events);
    case MqttType::kSubscribe:
      return put_subscribe(version, r, events);
    case MqttType::kSuback:
      return put_codes(ids::suback::kQosGranted, version, r, events);
    case MqttType::kUnsubscribe:
      return put_unsubscribe(version, r, events);
    case MqttType::kUnsuback:
      return put_codes(ids::unsuback::kReasonCodes, version, r, events);
    case MqttType::kDisconnect:
    case MqttType::kAuth:
      return put_reason(version, r, events);
    case MqttType::kPingreq:
    case MqttType::kPingresp:
    case MqttType::kUnassigned:
      return;
  }
}

}  // namespace

bool read_mqtt_header(Reader* r, MqttMessage* out, bool* is_broken) {
  out->lead = r->u8();
  size_t n_length_bytes = 0;
  while (n_length_bytes < 4 && (r->peek_u8(n_length_bytes) & 0x80) != 0) ++n_length_bytes;
  *is_broken = n_length_bytes == 4;
  if (*is_broken || r->remaining() <= n_length_bytes) return false;
  out->body_bytes = variable_integer(r);
  out->body = {};
  return r->ok();
}

int mqtt_message_id(const MqttMessage& message) {
  Reader r(message.body);
  if (message.type() == MqttType::kPublish) r.skip(r.be16());
  const uint16_t id = r.be16();
  return r.ok() ? id : -1;
}

uint8_t mqtt_version(const MqttMessage& connect) {
  Reader r(connect.body);
  r.skip(r.be16());
  return r.u8();
}

bool write_mqtt_message(const MqttMessage& message, uint8_t version, EventWriter* events) {
  const EventWriter::Mark before = events->mark();
  Reader r(message.body);
  events->open(field_of(message.type()));
  events->put(kQos, message.qos());
  events->put_bool(kRetain, (message.lead & 1) != 0);
  events->put_bool(kDup, (message.lead & 8) != 0);
  put_body(message, version, &r, events);
  events->close();
  // A message of which only the start was kept may end anywhere.
  if (r.ok() || message.body.size() < message.body_bytes) return true;
  events->rewind(before);
  return false;
}

}  // namespace thymus::dpi
