// X.509 certificates in DER (RFC 5280), as far as they are shown: names, serial number, validity,
// alternative names. No signature is checked.
#pragma once

#include <array>
#include <string_view>

#include "base/bytes.h"
#include "base/event_writer.h"

namespace thymus::dpi::tls {

// Views into the certificate, which must outlive them.
struct Certificate {
  Bytes der;
  Bytes serial;
  Bytes issuer;   // content of a Name
  Bytes subject;  // likewise
  Bytes not_before;
  Bytes not_after;
  bool not_before_has_century = false;  // GeneralizedTime
  bool not_after_has_century = false;
  Bytes alternative_names;  // content of GeneralNames
  Bytes name_constraints;   // content of NameConstraints
};

// False when it is no certificate; what was read before is kept.
bool read_certificate(Bytes der, Certificate* out);

// Where an event has the parts of a certificate. A zero: not at all.
struct CertificateFields {
  uint16_t subject, issuer, alternative_names, serial, fingerprint, not_before, not_after;
};

// `alternative_names` beyond this are counted as left out.
inline constexpr int kMaxAlternativeNames = 256;

void write_certificate(const Certificate& certificate, const CertificateFields& fields,
                       EventWriter* events);

// A Name as "C=US, O=Example, CN=www.example.org". What exceeds `room` is cut.
std::string_view name_text(Bytes name, std::span<char> room);

// "2026-02-28T23:59:59" of UTCTime or GeneralizedTime in UTC; empty when it is no such time.
std::string_view time_text(Bytes time, bool has_century, std::array<char, 19>* room);

}  // namespace thymus::dpi::tls
