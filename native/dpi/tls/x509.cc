#include "dpi/tls/x509.h"

#include <algorithm>
#include <charconv>

#include "base/digest.h"

namespace thymus::dpi::tls {
namespace {

namespace tag {
constexpr uint8_t kBoolean = 0x01;
constexpr uint8_t kInteger = 0x02;
constexpr uint8_t kOctets = 0x04;
constexpr uint8_t kOid = 0x06;
constexpr uint8_t kBmpString = 0x1e;
constexpr uint8_t kUtcTime = 0x17;
constexpr uint8_t kGeneralizedTime = 0x18;
constexpr uint8_t kSequence = 0x30;
constexpr uint8_t kSet = 0x31;
constexpr uint8_t kVersion = 0xa0;
constexpr uint8_t kExtensions = 0xa3;
// Of GeneralName.
constexpr uint8_t kDnsName = 0x82;
constexpr uint8_t kIpAddress = 0x87;
}  // namespace tag

// Of a Name; more are cut away.
constexpr int kMaxAttributes = 64;
constexpr int kMaxExtensions = 64;

struct Element {
  uint8_t tag = 0;
  Bytes content;
};

// The element at the cursor, of definite length. Fails the reader when it is cut.
Element next_element(Reader* r) {
  Element e;
  e.tag = r->u8();
  size_t length = r->u8();
  if (length >= 0x80) {
    const size_t n = length & 0x7f;
    if (n == 0 || n > 4) r->fail();
    length = 0;
    for (size_t i = 0; i < n; ++i) length = length << 8 | r->u8();
  }
  e.content = r->take(length);
  return e;
}

// The content of the element at the cursor, which must have this tag.
Bytes expect(uint8_t wanted, Reader* r) {
  const Element e = next_element(r);
  if (r->ok() && e.tag != wanted) r->fail();
  return r->ok() ? e.content : Bytes{};
}

struct AttributeName {
  std::string_view oid;  // its DER content
  std::string_view text;
};

using namespace std::string_view_literals;

constexpr AttributeName kAttributeNames[] = {
    {"\x55\x04\x03"sv, "CN"},
    {"\x55\x04\x04"sv, "SN"},
    {"\x55\x04\x05"sv, "serialNumber"},
    {"\x55\x04\x06"sv, "C"},
    {"\x55\x04\x07"sv, "L"},
    {"\x55\x04\x08"sv, "ST"},
    {"\x55\x04\x09"sv, "street"},
    {"\x55\x04\x0a"sv, "O"},
    {"\x55\x04\x0b"sv, "OU"},
    {"\x55\x04\x0c"sv, "title"},
    {"\x55\x04\x0d"sv, "description"},
    {"\x55\x04\x0f"sv, "businessCategory"},
    {"\x55\x04\x11"sv, "postalCode"},
    {"\x55\x04\x29"sv, "name"},
    {"\x55\x04\x2a"sv, "GN"},
    {"\x55\x04\x2b"sv, "initials"},
    {"\x55\x04\x2e"sv, "dnQualifier"},
    {"\x55\x04\x61"sv, "organizationIdentifier"},
    {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01"sv, "UID"},
    {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19"sv, "DC"},
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"sv, "Email"},
    {"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x01"sv, "jurisdictionL"},
    {"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x02"sv, "jurisdictionST"},
    {"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x03"sv, "jurisdictionC"},
};

class BoundedText {
 public:
  explicit BoundedText(std::span<char> room) : room_(room) {}
  void put(char c) {
    if (size_ < room_.size()) room_[size_++] = c;
  }
  void put(std::string_view text) {
    for (const char c : text) put(c);
  }
  void put_number(uint32_t n) {
    char digits[10];
    const auto end = std::to_chars(digits, digits + sizeof digits, n).ptr;
    put(std::string_view(digits, static_cast<size_t>(end - digits)));
  }
  // A code point of the basic plane as UTF-8.
  void put_utf8(uint16_t c) {
    if (c < 0x80) {
      put(static_cast<char>(c));
    } else if (c < 0x800) {
      put(static_cast<char>(0xc0 | c >> 6));
      put(static_cast<char>(0x80 | (c & 0x3f)));
    } else {
      put(static_cast<char>(0xe0 | c >> 12));
      put(static_cast<char>(0x80 | (c >> 6 & 0x3f)));
      put(static_cast<char>(0x80 | (c & 0x3f)));
    }
  }
  std::string_view view() const { return {room_.data(), size_}; }

 private:
  std::span<char> room_;
  size_t size_ = 0;
};

void put_dotted(Bytes oid, BoundedText* out) {
  uint32_t part = 0;
  bool first = true;
  for (const uint8_t byte : oid) {
    part = part << 7 | (byte & 0x7f);
    if ((byte & 0x80) != 0) continue;
    if (first) {
      const uint32_t root = std::min(part / 40, uint32_t{2});
      out->put_number(root);
      out->put('.');
      out->put_number(part - 40 * root);
    } else {
      out->put('.');
      out->put_number(part);
    }
    first = false;
    part = 0;
  }
}

void put_attribute(Bytes attribute, BoundedText* out) {
  Reader r(attribute);
  const Bytes oid = expect(tag::kOid, &r);
  const Element value = next_element(&r);
  if (!r.ok()) return;
  const auto* known = std::ranges::find(kAttributeNames, as_text(oid),
                                        [](const AttributeName& n) { return n.oid; });
  if (known != std::end(kAttributeNames)) {
    out->put(known->text);
  } else {
    put_dotted(oid, out);
  }
  out->put('=');
  if (value.tag == tag::kBmpString) {
    Reader characters(value.content);
    while (characters.remaining() >= 2) out->put_utf8(characters.be16());
  } else {
    out->put(as_text(value.content));
  }
}

void read_time(Reader* r, Bytes* time, bool* has_century) {
  const Element e = next_element(r);
  if (e.tag != tag::kUtcTime && e.tag != tag::kGeneralizedTime) r->fail();
  if (!r->ok()) return;
  *time = e.content;
  *has_century = e.tag == tag::kGeneralizedTime;
}

void read_extensions(Bytes extensions, Certificate* out) {
  constexpr std::string_view kSubjectAltName = "\x55\x1d\x11"sv;
  constexpr std::string_view kNameConstraints = "\x55\x1d\x1e"sv;
  Reader outer(extensions);
  Reader list(expect(tag::kSequence, &outer));
  for (int n = 0; n < kMaxExtensions && !list.empty(); ++n) {
    Reader extension(expect(tag::kSequence, &list));
    const Bytes oid = expect(tag::kOid, &extension);
    Element value = next_element(&extension);
    if (value.tag == tag::kBoolean) value = next_element(&extension);
    if (!extension.ok() || value.tag != tag::kOctets) continue;
    Reader content(value.content);
    if (as_text(oid) == kSubjectAltName) {
      out->alternative_names = expect(tag::kSequence, &content);
    } else if (as_text(oid) == kNameConstraints) {
      out->name_constraints = expect(tag::kSequence, &content);
    }
  }
}

void write_alternative_names(Bytes names, uint16_t field, EventWriter* events) {
  Reader r(names);
  for (int n = 0; !r.empty(); ++n) {
    const Element e = next_element(&r);
    if (!r.ok()) return;
    if (n == kMaxAlternativeNames) return events->count_truncation();
    if (e.tag == tag::kDnsName) {
      events->put_bytes(field, e.content);
    } else if (e.tag == tag::kIpAddress && e.content.size() == 4) {
      char room[16];
      BoundedText text(room);
      for (size_t i = 0; i < 4; ++i) {
        if (i > 0) text.put('.');
        text.put_number(e.content[i]);
      }
      events->put_text(field, text.view());
    }
  }
}

// Pairs of hex digits joined by colons; of at most 64 bytes.
void put_colons(Bytes bytes, const char* digits, uint16_t field, EventWriter* events) {
  char room[64 * 3];
  BoundedText text(room);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i > 0) text.put(':');
    text.put(digits[bytes[i] >> 4]);
    text.put(digits[bytes[i] & 0xf]);
  }
  events->put_text(field, text.view());
}

void write_name(Bytes name, uint16_t field, EventWriter* events) {
  char room[2048];
  const std::string_view text = name_text(name, room);
  if (!text.empty()) events->put_text(field, text);
}

void write_time(Bytes time, bool has_century, uint16_t field, EventWriter* events) {
  std::array<char, 19> room;
  const std::string_view text = time_text(time, has_century, &room);
  if (!text.empty()) events->put_text(field, text);
}

}  // namespace

// RFC 5280, 4.1: Certificate, TBSCertificate.
bool read_certificate(Bytes der, Certificate* out) {
  out->der = der;
  Reader outer(der);
  Reader signed_part(expect(tag::kSequence, &outer));
  Reader r(expect(tag::kSequence, &signed_part));
  if (r.peek_u8() == tag::kVersion) next_element(&r);
  out->serial = expect(tag::kInteger, &r);
  expect(tag::kSequence, &r);  // signature algorithm
  out->issuer = expect(tag::kSequence, &r);
  Reader validity(expect(tag::kSequence, &r));
  read_time(&validity, &out->not_before, &out->not_before_has_century);
  read_time(&validity, &out->not_after, &out->not_after_has_century);
  out->subject = expect(tag::kSequence, &r);
  expect(tag::kSequence, &r);  // public key
  if (!r.ok() || out->serial.empty()) return false;
  for (int n = 0; n < 3 && !r.empty(); ++n) {
    const Element e = next_element(&r);
    if (r.ok() && e.tag == tag::kExtensions) read_extensions(e.content, out);
  }
  return true;
}

void write_certificate(const Certificate& certificate, const CertificateFields& fields,
                       EventWriter* events) {
  write_name(certificate.subject, fields.subject, events);
  write_name(certificate.issuer, fields.issuer, events);
  if (fields.alternative_names != 0) {
    write_alternative_names(certificate.alternative_names, fields.alternative_names, events);
  }
  if (!certificate.serial.empty()) {
    put_colons(certificate.serial, "0123456789ABCDEF", fields.serial, events);
  }
  put_colons(Sha1::of(certificate.der), "0123456789abcdef", fields.fingerprint, events);
  write_time(certificate.not_before, certificate.not_before_has_century, fields.not_before, events);
  write_time(certificate.not_after, certificate.not_after_has_century, fields.not_after, events);
}

std::string_view name_text(Bytes name, std::span<char> room) {
  BoundedText out(room);
  Reader sets(name);
  int n = 0;
  for (bool first_set = true; !sets.empty() && n < kMaxAttributes; first_set = false) {
    Reader attributes(expect(tag::kSet, &sets));
    if (!first_set && !attributes.empty()) out.put(", ");
    for (bool first = true; !attributes.empty() && n < kMaxAttributes; first = false, ++n) {
      const Bytes attribute = expect(tag::kSequence, &attributes);
      if (!first) out.put(" + ");
      put_attribute(attribute, &out);
    }
  }
  return out.view();
}

std::string_view time_text(Bytes time, bool has_century, std::array<char, 19>* room) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  std::array<char, 14> digits;
  digits.fill('0');
  const size_t century = has_century ? 0 : 2;
  size_t n = century;
  Reader r(time);
  while (n < digits.size() && r.peek_u8() >= '0' && r.peek_u8() <= '9') {
    digits[n++] = static_cast<char>(r.u8());
  }
  // Seconds may be missing.
  if (n < 12 || n == 13 || r.peek_u8() != 'Z') return {};
  if (!has_century) {
    const bool is_last_century = digits[2] >= '5';
    digits[0] = is_last_century ? '1' : '2';
    digits[1] = is_last_century ? '9' : '0';
  }
  size_t next = 0;
  for (size_t i = 0; i < kForm.size(); ++i) {
    (*room)[i] = kForm[i] == '0' ? digits[next++] : kForm[i];
  }
  return {room->data(), room->size()};
}

}  // namespace thymus::dpi::tls
