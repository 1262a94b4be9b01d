// Records of TLS and messages of SSL 2.0: what stands before their content.
//
//   TLS:      type (8) | version (16) | length (16) | fragment
//   SSL 2.0:  length (15, after a 1) | type (8) | body
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "dpi/tls/versions.h"

namespace thymus::dpi::tls {

constexpr size_t kRecordHeaderBytes = 5;
// 2^14 and what encryption and compression may add (RFC 5246, 6.2.3).
constexpr size_t kMaxRecordBytes = 16384 + 2048;

namespace record_type {
constexpr uint8_t kChangeCipherSpec = 20;
constexpr uint8_t kAlert = 21;
constexpr uint8_t kHandshake = 22;
constexpr uint8_t kApplicationData = 23;
constexpr uint8_t kHeartbeat = 24;
}  // namespace record_type

namespace sslv2_type {
constexpr uint8_t kError = 0;
constexpr uint8_t kClientHello = 1;
constexpr uint8_t kServerHello = 4;
}  // namespace sslv2_type

struct RecordHeader {
  uint8_t type;
  uint16_t version;
  uint16_t length;

  bool has_known_type() const {
    return type >= record_type::kChangeCipherSpec && type <= record_type::kHeartbeat;
  }
  bool has_known_version() const {
    return (version >= 0x0300 && version <= kTls13) || is_draft(version);
  }
  bool is_sound() const {
    return has_known_type() && has_known_version() && length <= kMaxRecordBytes;
  }
};

RecordHeader read_header(Bytes bytes);

// False when it is none.
bool read_sslv2(Bytes bytes, uint8_t* type, size_t* length);

// The lengths of a CLIENT-HELLO must add up: 16 bits that start with a 1 are not much of a sign.
bool is_sslv2_client_hello(Bytes bytes);

}  // namespace thymus::dpi::tls
