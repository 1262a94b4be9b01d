#include "base/bytes.h"

#include <vector>

#include <doctest/doctest.h>

namespace thymus {
namespace {

const std::vector<uint8_t> kBytes = {1, 2, 3, 4, 5, 6, 7, 8, 9};

}  // namespace

TEST_CASE("Reader: reads integers in both byte orders") {
  Reader r(kBytes);
  CHECK(r.u8() == 0x01);
  CHECK(r.be16() == 0x0203);
  CHECK(r.le16() == 0x0504);
  CHECK(r.be32() == 0x06070809);
  CHECK(r.ok());
  CHECK(r.empty());

  Reader wide(kBytes);
  CHECK(wide.be64() == 0x0102030405060708);
  wide.seek(1);
  CHECK(wide.le64() == 0x0908070605040302);
  wide.seek(0);
  CHECK(wide.be24() == 0x010203);
  CHECK(wide.le32() == 0x07060504);
}

TEST_CASE("Reader: a read past the end fails for good and gives zero") {
  Reader r(kBytes);
  r.skip(7);
  CHECK(r.be32() == 0);
  CHECK_FALSE(r.ok());
  CHECK(r.empty());
  CHECK(r.u8() == 0);
  CHECK(r.take(0).empty());
  CHECK_FALSE(r.ok());
}

TEST_CASE("Reader: every width fails one byte short and not before") {
  struct Case {
    size_t width;
    void (*read)(Reader*);
  };
  const Case cases[] = {
      {1, [](Reader* r) { r->u8(); }},   {2, [](Reader* r) { r->be16(); }},
      {2, [](Reader* r) { r->le16(); }}, {3, [](Reader* r) { r->be24(); }},
      {4, [](Reader* r) { r->be32(); }}, {4, [](Reader* r) { r->le32(); }},
      {8, [](Reader* r) { r->be64(); }}, {8, [](Reader* r) { r->le64(); }},
  };
  for (const Case& c : cases) {
    CAPTURE(c.width);
    // In an allocation of its own size, so that a sanitizer sees one byte too many.
    const std::vector<uint8_t> enough(c.width);
    const std::vector<uint8_t> short_by_one(c.width - 1);
    Reader good(enough);
    c.read(&good);
    CHECK(good.ok());
    CHECK(good.offset() == c.width);
    Reader bad(short_by_one);
    c.read(&bad);
    CHECK_FALSE(bad.ok());
  }
}

TEST_CASE("Reader: takes all or nothing, or up to what is there") {
  Reader r(kBytes);
  CHECK(r.take(4).size() == 4);
  CHECK(r.take_up_to(99).size() == 5);
  CHECK(r.ok());
  CHECK(r.take_up_to(1).empty());
  CHECK(r.ok());
  CHECK(r.take(1).empty());
  CHECK_FALSE(r.ok());
}

TEST_CASE("Reader: a huge length does not wrap") {
  Reader r(kBytes);
  r.skip(1);
  CHECK_FALSE(r.skip(SIZE_MAX));
  CHECK_FALSE(r.ok());
  Reader seeker(kBytes);
  CHECK_FALSE(seeker.seek(SIZE_MAX));
}

TEST_CASE("Reader: seeks inside the span, its end included") {
  Reader r(kBytes);
  CHECK(r.seek(9));
  CHECK(r.empty());
  CHECK(r.seek(2));
  CHECK(r.u8() == 3);
  CHECK_FALSE(r.seek(10));
}

TEST_CASE("Reader: peeks without moving or failing") {
  Reader r(kBytes);
  CHECK(r.peek_u8() == 1);
  CHECK(r.peek_u8(8) == 9);
  CHECK(r.peek_u8(9) == 0);
  CHECK(r.peek_be16(7) == 0x0809);
  CHECK(r.peek_be16(8) == 0);
  CHECK(r.peek_be16(SIZE_MAX) == 0);
  CHECK(r.offset() == 0);
  CHECK(r.ok());
}

TEST_CASE("Reader: a part ends where it should and the whole goes on behind it") {
  Reader r(kBytes);
  r.skip(1);
  Reader part = r.sub(3);
  CHECK(part.remaining() == 3);
  CHECK(part.be32() == 0);
  CHECK_FALSE(part.ok());
  CHECK(r.ok());
  CHECK(r.u8() == 5);
}

TEST_CASE("Reader: an empty span reads nothing") {
  Reader r;
  CHECK(r.empty());
  CHECK(r.take(0).empty());
  CHECK(r.ok());
  CHECK(r.u8() == 0);
  CHECK_FALSE(r.ok());
}

}  // namespace thymus
