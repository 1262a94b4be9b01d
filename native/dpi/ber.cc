#include "dpi/ber.h"

namespace thymus::dpi {
namespace ber {
namespace {

constexpr uint8_t kHighTag = 0x1f;
constexpr uint8_t kMore = 0x80;
constexpr size_t kMaxTagBytes = 4;
constexpr size_t kMaxLengthBytes = 4;

Form header_form(const Reader& r) { return r.ok() ? Form::kWhole : Form::kCut; }

}  // namespace

Form read_header(Bytes bytes, Header* header) {
  Reader r(bytes);
  uint8_t octet = r.u8();
  header->tag = octet;
  if ((octet & kHighTag) == kHighTag) {
    do {
      if (r.offset() == kMaxTagBytes) return Form::kBroken;
      octet = r.u8();
      header->tag = header->tag << 8 | octet;
    } while ((octet & kMore) != 0);
  }
  const uint8_t length = r.u8();
  header->content_bytes = length;
  if ((length & kMore) != 0) {
    const size_t n = length & 0x7f;
    if (n == 0 || n > kMaxLengthBytes) return Form::kBroken;
    header->content_bytes = 0;
    for (const uint8_t byte : r.take(n)) {
      header->content_bytes = header->content_bytes << 8 | byte;
    }
  }
  header->header_bytes = r.offset();
  return header_form(r);
}

int64_t to_integer(Bytes content) {
  if (content.empty()) return 0;
  uint64_t value = (content[0] & 0x80) != 0 ? ~uint64_t{0} : 0;
  for (const uint8_t byte : content) value = value << 8 | byte;
  return static_cast<int64_t>(value);
}

}  // namespace ber

bool BerReader::next(BerElement* element) {
  if (reader_.empty()) return false;
  ber::Header header;
  if (ber::read_header(reader_.rest(), &header) != ber::Form::kWhole) return reader_.fail();
  reader_.skip(header.header_bytes);
  element->tag = header.tag;
  element->content = reader_.take(static_cast<size_t>(header.content_bytes));
  return reader_.ok();
}

bool BerReader::take(uint32_t tag, Bytes* content) {
  const Reader before = reader_;
  BerElement element;
  if (!next(&element) || element.tag != tag) {
    reader_ = before;
    return false;
  }
  *content = element.content;
  return true;
}

bool BerReader::enter(uint32_t tag, BerReader* inner) {
  Bytes content;
  if (!take(tag, &content)) return false;
  *inner = BerReader(content);
  return true;
}

bool BerReader::integer(uint32_t tag, int64_t* value) {
  Bytes content;
  if (!take(tag, &content)) return false;
  *value = ber::to_integer(content);
  return true;
}

}  // namespace thymus::dpi
