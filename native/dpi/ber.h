// ASN.1 in the Basic Encoding Rules (X.690) with definite lengths, as Kerberos, LDAP and SNMP use
// it: identifier, length, content.
//
// A tag is compared as its identifier octets: 0x30 is a SEQUENCE, 0xa0 the constructed context tag
// 0, 0x7f65 the constructed application tag 101. Nothing recurses here: whoever opens an element
// makes a new reader over its content.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace thymus::dpi {

namespace ber {

inline constexpr uint32_t kBoolean = 0x01;
inline constexpr uint32_t kInteger = 0x02;
inline constexpr uint32_t kOctetString = 0x04;
inline constexpr uint32_t kNull = 0x05;
inline constexpr uint32_t kOid = 0x06;
inline constexpr uint32_t kEnumerated = 0x0a;
inline constexpr uint32_t kSequence = 0x30;
inline constexpr uint32_t kSet = 0x31;
constexpr uint32_t context(uint32_t n) { return 0x80 | n; }
constexpr uint32_t context_constructed(uint32_t n) { return 0xa0 | n; }
constexpr uint32_t application(uint32_t n) { return 0x40 | n; }
constexpr uint32_t application_constructed(uint32_t n) { return 0x60 | n; }

// What stands before the content of an element.
struct Header {
  uint32_t tag = 0;
  size_t header_bytes = 0;
  uint64_t content_bytes = 0;

  uint64_t element_bytes() const { return header_bytes + content_bytes; }
};

enum class Form : uint8_t { kWhole, kCut, kBroken };

// Reads the header of the element at the start of `bytes`. kCut: the header goes on behind them;
// whether the content is there is not looked at. kBroken: no definite length in four octets.
Form read_header(Bytes bytes, Header* header);

// Two's complement. Octets before the last eight are lost.
int64_t to_integer(Bytes content);

}  // namespace ber

struct BerElement {
  uint32_t tag = 0;
  Bytes content;
};

// The elements inside of one, in order.
class BerReader {
 public:
  BerReader() = default;
  explicit BerReader(Bytes content) : reader_(content) {}

  // Moves past the next element. False at the end, and where what follows is no whole element;
  // then the reader stays at the end and `ok()` tells which.
  bool next(BerElement* element);
  // The content of the next element if it has this tag; else nothing moves.
  bool take(uint32_t tag, Bytes* content);
  // The same, opened.
  bool enter(uint32_t tag, BerReader* inner);
  // The next element as a number; false when it has another tag.
  bool integer(uint32_t tag, int64_t* value);

  bool ok() const { return reader_.ok(); }
  bool empty() const { return reader_.empty(); }
  Bytes rest() const { return reader_.rest(); }

 private:
  Reader reader_;
};

}  // namespace thymus::dpi
