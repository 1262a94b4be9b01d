// The two hellos of TLS (RFC 8446, 4.1; RFC 5246, 7.4.1), also as DTLS (RFC 6347) and QUIC
// (RFC 9001) carry them: views into a message that must outlive them.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace thymus::dpi::tls {

namespace handshake_type {
inline constexpr uint8_t kClientHello = 1;
inline constexpr uint8_t kServerHello = 2;
inline constexpr uint8_t kCertificate = 11;
inline constexpr uint8_t kCertificateRequest = 13;
inline constexpr uint8_t kServerHelloDone = 14;
inline constexpr uint8_t kClientKeyExchange = 16;
}  // namespace handshake_type

namespace extension_type {
inline constexpr uint16_t kServerName = 0;
inline constexpr uint16_t kSupportedGroups = 10;
inline constexpr uint16_t kEcPointFormats = 11;
inline constexpr uint16_t kSignatureAlgorithms = 13;
inline constexpr uint16_t kAlpn = 16;
inline constexpr uint16_t kSessionTicket = 35;
inline constexpr uint16_t kPreSharedKey = 41;
inline constexpr uint16_t kSupportedVersions = 43;
inline constexpr uint16_t kEncryptedClientHello = 0xfe0d;
}  // namespace extension_type

// Values that clients insert so that servers stay tolerant (RFC 8701).
inline bool is_grease(uint16_t code) {
  return (code & 0x0f0f) == 0x0a0a && code >> 8 == (code & 0xff);
}

// Calls `use(uint16_t)` for each code of two bytes, without GREASE.
template <typename Use>
void each_code(Bytes codes, Use&& use) {
  Reader r(codes);
  while (r.remaining() >= 2) {
    const uint16_t code = r.be16();
    if (!is_grease(code)) use(code);
  }
}

// Calls `use(type, body)` for each whole extension. False when the block ends within one.
template <typename Use>
bool each_extension(Bytes extensions, Use&& use) {
  Reader r(extensions);
  while (!r.empty()) {
    const uint16_t type = r.be16();
    const Bytes body = r.take(r.be16());
    if (!r.ok()) return false;
    use(type, body);
  }
  return true;
}

// Calls `use(name)` for each protocol name of an ALPN extension (RFC 7301), for at most 64.
template <typename Use>
void each_alpn(Bytes alpn_list, Use&& use) {
  Reader r(alpn_list);
  for (int n = 0; n < 64 && !r.empty(); ++n) {
    const Bytes name = r.take(r.u8());
    if (r.ok()) use(name);
  }
}

struct ClientHello {
  uint16_t version = 0;  // legacy_version
  Bytes session_id;
  Bytes cipher_suites;
  Bytes extensions;
  // Out of the extensions; empty where there is none.
  Bytes server_name;
  Bytes supported_groups;
  Bytes point_formats;
  Bytes signature_algorithms;
  Bytes alpn_list;
  Bytes supported_versions;
  bool has_server_name = false;  // the extension, whatever is in it
  bool has_alpn = false;
  bool has_session_ticket = false;
  bool has_encrypted_hello = false;
  bool has_several_server_names = false;
  bool has_bad_server_name_type = false;
  bool has_bad_server_name_length = false;
  bool has_bad_extensions = false;  // the block is cut; what was read of it is kept
};

// The body of a handshake message of that type. False when it is cut before the extensions.
bool read_client_hello(Bytes body, bool is_datagram, ClientHello* hello);

struct ServerHello {
  uint16_t version = 0;   // legacy_version
  uint16_t selected = 0;  // what is spoken: supported_versions, else legacy_version
  uint16_t cipher_suite = 0;
  Bytes session_id;
  Bytes extensions;
  Bytes alpn;
  bool has_pre_shared_key = false;
  bool is_retry_request = false;  // HelloRetryRequest
};

bool read_server_hello(Bytes body, ServerHello* hello);

}  // namespace thymus::dpi::tls
