// Builds TLS hellos, messages and records for tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace thymus::test::tls {

using Raw = std::vector<uint8_t>;

// The bytes behind their length in 8, 16 or 24 bits.
inline Raw with_length(const Raw& body, int length_bytes) {
  Raw out;
  for (int i = length_bytes - 1; i >= 0; --i) {
    out.push_back(static_cast<uint8_t>(body.size() >> (8 * i)));
  }
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

inline Raw operator+(Raw a, const Raw& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline Raw raw(std::string_view text) { return {text.begin(), text.end()}; }

inline Raw codes(const std::vector<unsigned>& values) {
  Raw out;
  for (const unsigned v : values) {
    out.push_back(static_cast<uint8_t>(v >> 8));
    out.push_back(static_cast<uint8_t>(v));
  }
  return out;
}

inline Raw extension(unsigned type, const Raw& body) {
  return codes({type}) + with_length(body, 2);
}

inline Raw server_name(std::string_view name) {
  return extension(0, with_length(Raw{0} + with_length(raw(name), 2), 2));
}

inline Raw alpn(const std::vector<std::string>& names) {
  Raw list;
  for (const auto& name : names) list = list + with_length(raw(name), 1);
  return extension(16, with_length(list, 2));
}

struct HelloParts {
  unsigned version = 0x0303;
  Raw session_id;
  std::vector<unsigned> ciphers = {0x1301, 0xc02f};
  Raw extensions;
  bool has_extensions = true;
  bool is_datagram = false;
};

inline Raw client_hello_body(const HelloParts& parts) {
  Raw body = codes({parts.version}) + Raw(32, 0x5a) + with_length(parts.session_id, 1);
  if (parts.is_datagram) body.push_back(0);
  body = body + with_length(codes(parts.ciphers), 2) + Raw{1, 0};
  return parts.has_extensions ? body + with_length(parts.extensions, 2) : body;
}

inline Raw server_hello_body(unsigned version, unsigned cipher, const Raw& extensions,
                             const Raw& session_id = {}) {
  return codes({version}) + Raw(32, 0xa5) + with_length(session_id, 1) + codes({cipher}) + Raw{0} +
         with_length(extensions, 2);
}

inline Raw message(unsigned type, const Raw& body) {
  return Raw{static_cast<uint8_t>(type)} + with_length(body, 3);
}

inline Raw record(unsigned type, const Raw& fragment, unsigned version = 0x0303) {
  return Raw{static_cast<uint8_t>(type)} + codes({version}) + with_length(fragment, 2);
}

// ---- DER

inline Raw der(unsigned tag, const Raw& content) {
  Raw out{static_cast<uint8_t>(tag)};
  if (content.size() < 128) return out + with_length(content, 1);
  out.push_back(0x82);
  return out + with_length(content, 2);
}

inline Raw name_attribute(const Raw& oid, std::string_view value, unsigned tag = 0x0c) {
  return der(0x31, der(0x30, der(0x06, oid) + der(tag, raw(value))));
}

struct CertificateParts {
  Raw serial = {0x01, 0xab};
  Raw issuer = name_attribute({0x55, 4, 6}, "AT") + name_attribute({0x55, 4, 3}, "Test CA");
  Raw subject = name_attribute({0x55, 4, 10}, "Example, Inc.") +
                name_attribute({0x55, 4, 3}, "www.example.org");
  Raw validity = der(0x17, raw("260102030405Z")) + der(0x18, raw("20510102030405Z"));
  std::vector<std::string> names = {"www.example.org", "example.org"};
  Raw other_names;  // GeneralNames
  Raw extensions;
};

inline Raw certificate_der(const CertificateParts& parts = {}) {
  Raw names;
  for (const auto& name : parts.names) names = names + der(0x82, raw(name));
  names = names + der(0x87, {10, 0, 0, 1}) + parts.other_names;
  const Raw alternative = der(0x30, der(0x06, {0x55, 0x1d, 0x11}) + der(0x04, der(0x30, names)));
  const Raw constraints =
      der(0x30, der(0x06, {0x55, 0x1d, 0x13}) + der(0x01, {0xff}) + der(0x04, der(0x30, {})));
  const Raw algorithm = der(0x30, der(0x06, {0x2a, 0x86, 0x48}));
  const Raw signed_part = der(0xa0, der(0x02, {2})) + der(0x02, parts.serial) + algorithm +
                          der(0x30, parts.issuer) + der(0x30, parts.validity) +
                          der(0x30, parts.subject) + der(0x30, algorithm + der(0x03, {0})) +
                          der(0xa3, der(0x30, constraints + alternative + parts.extensions));
  return der(0x30, der(0x30, signed_part) + algorithm + der(0x03, {0, 1, 2}));
}

inline Raw certificate_message(const std::vector<Raw>& chain) {
  Raw list;
  for (const Raw& certificate : chain) list = list + with_length(certificate, 3);
  return message(11, with_length(list, 3));
}

}  // namespace thymus::test::tls
