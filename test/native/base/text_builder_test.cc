#include "base/text_builder.h"

#include <doctest/doctest.h>

namespace thymus {

TEST_CASE("text_builder: joins text and numbers") {
  TextBuilder<64> text("a");
  text.add('/').add_number(10).add(" 0x").add_number(255, 16).add_hex_number(0xab, 4);
  CHECK(text.view() == "a/10 0xff00ab");
  CHECK_FALSE(text.cut());
}

TEST_CASE("text_builder: leaves out what does not fit") {
  TextBuilder<3> text;
  text.add("abcd");
  CHECK(text.view() == "abc");
  CHECK(text.cut());
}

TEST_CASE("text_builder: turns UTF-16 into UTF-8 without splitting characters") {
  const uint8_t utf16[] = {'a', 0, 0xe4, 0, 0xac, 0x20, 0x3d, 0xd8, 0x00, 0xde, 0x3d, 0xd8, 'z', 0};
  CHECK(TextBuilder<64>().add_utf16le(utf16).view() == "a\u00e4\u20ac\U0001F600\ufffdz");
  TextBuilder<4> small;
  small.add_utf16le(utf16);
  CHECK(small.view() == "a\u00e4");
  CHECK(small.cut());
}

}  // namespace thymus
