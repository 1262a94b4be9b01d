// One control packet of MQTT 3.1, 3.1.1 and 5.0 (OASIS standards, sections 2 and 3):
//
//   byte 0   type (4 bits), flags (4 bits: dup, qos in 2 bits, retain)
//   1 to 4   remaining length, 7 bits a byte, least first; bit 7: more follow
//   the rest variable header, properties (5.0) and payload, by type
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/event_writer.h"

namespace thymus::dpi {

enum class MqttType : uint8_t {
  kUnassigned,
  kConnect,
  kConnack,
  kPublish,
  kPuback,
  kPubrec,
  kPubrel,
  kPubcomp,
  kSubscribe,
  kSuback,
  kUnsubscribe,
  kUnsuback,
  kPingreq,
  kPingresp,
  kDisconnect,
  kAuth,
};

struct MqttMessage {
  uint8_t lead;       // byte 0
  size_t body_bytes;  // on the wire, of which `body` holds the start
  Bytes body;

  MqttType type() const { return static_cast<MqttType>(lead >> 4); }
  uint8_t qos() const { return lead >> 1 & 3; }
};

// The fixed header. False when it is not whole (`*is_broken` false) or no such header.
bool read_mqtt_header(Reader* r, MqttMessage* out, bool* is_broken);

// The number that ties an answer to its request, or -1. Of CONNECT: the protocol version.
int mqtt_message_id(const MqttMessage& message);
uint8_t mqtt_version(const MqttMessage& connect);

// Adds the object of the message to the event under way. False when the message breaks its format;
// then nothing is added.
bool write_mqtt_message(const MqttMessage& message, uint8_t version, EventWriter* events);

}  // namespace thymus::dpi
