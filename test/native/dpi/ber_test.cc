#include "dpi/ber.h"

#include <doctest/doctest.h>

#include "dpi/ber_builder.h"
#include "support/mangle.h"

namespace thymus::test {

using dpi::BerElement;
using dpi::BerReader;
using dpi::ber::Form;
using dpi::ber::Header;

TEST_CASE("ber: reads headers with short and long tags and lengths") {
  Header h;
  CHECK(dpi::ber::read_header(Bytes(BerBytes{0x30, 0x05}), &h) == Form::kWhole);
  CHECK(h.tag == 0x30);
  CHECK(h.element_bytes() == 7);
  CHECK(dpi::ber::read_header(Bytes(BerBytes{0x7f, 0x65, 0x82, 1, 0}), &h) == Form::kWhole);
  CHECK(h.tag == 0x7f65);
  CHECK(h.header_bytes == 5);
  CHECK(h.content_bytes == 256);
}

TEST_CASE("ber: tells a header that is cut from one that is broken") {
  Header h;
  CHECK(dpi::ber::read_header({}, &h) == Form::kCut);
  CHECK(dpi::ber::read_header(Bytes(BerBytes{0x30, 0x82, 1}), &h) == Form::kCut);
  CHECK(dpi::ber::read_header(Bytes(BerBytes{0x30, 0x80, 0, 0}), &h) == Form::kBroken);
  CHECK(dpi::ber::read_header(Bytes(BerBytes{0x30, 0x85, 0, 0, 0, 0, 1}), &h) == Form::kBroken);
  CHECK(dpi::ber::read_header(Bytes(BerBytes{0x1f, 0x81, 0x81, 0x81, 1}), &h) == Form::kBroken);
}

TEST_CASE("ber: moves past an element only when its tag is the one asked for") {
  const BerBytes bytes = join({integer(5), tlv(0x04, "text")});
  BerReader r{Bytes(bytes)};
  Bytes content;
  CHECK_FALSE(r.take(dpi::ber::kOctetString, &content));
  int64_t value = 0;
  CHECK(r.integer(dpi::ber::kInteger, &value));
  CHECK(value == 5);
  CHECK(r.take(dpi::ber::kOctetString, &content));
  CHECK(as_text(content) == "text");
  CHECK(r.ok());
  CHECK(r.empty());
}

TEST_CASE("ber: integers have a sign") {
  CHECK(dpi::ber::to_integer(Bytes(BerBytes{0xff})) == -1);
  CHECK(dpi::ber::to_integer(Bytes(BerBytes{0x00, 0xff})) == 255);
  CHECK(dpi::ber::to_integer({}) == 0);
}

TEST_CASE("ber: survives damage") {
  mangle(Bytes(sequence({integer(5), sequence({tlv(0x04, "abc"), tlv(0x7f65, "d")})})),
         [](Bytes bytes) {
           BerReader outer(bytes);
           BerElement element, inner;
           while (outer.next(&element)) {
             BerReader r(element.content);
             while (r.next(&inner)) CHECK(inner.content.size() <= bytes.size());
           }
         });
}

}  // namespace thymus::test
