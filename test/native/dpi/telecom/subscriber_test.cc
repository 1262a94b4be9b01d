#include "dpi/telecom/subscriber.h"

#include <doctest/doctest.h>

#include "dpi/telecom/telecom_message.h"
#include "support/packet_builder.h"

using namespace thymus;
using namespace thymus::test;
using dpi::Digits;

namespace {

Digits digits_of(std::initializer_list<uint8_t> bytes) {
  const Message copy(bytes);
  return dpi::tbcd(Bytes(copy));
}

}  // namespace

TEST_CASE("subscriber: digits, networks and names of access points") {
  CHECK(digits_of({0x21, 0x43, 0xf5}).view() == "12345");
  CHECK(digits_of({0x21, 0xba}).empty());
  const Message two_digits = {0x00, 0xf1, 0x10}, three_digits = {0x13, 0x00, 0x62};
  CHECK(dpi::plmn_text(Bytes(two_digits)).view() == "00101");
  CHECK(dpi::plmn_text(Bytes(three_digits)).view() == "310260");
  const Message labels = Packet().u8(3).text("ims").u8(6).text("mnc001").bytes();
  CHECK(dpi::access_point(Bytes(labels)).view() == "ims.mnc001");
  const Message wrong = Packet().u8(9).text("ims").bytes();
  CHECK(dpi::access_point(Bytes(wrong)).empty());
  CHECK(dpi::slice_text({.sst = 1, .sd = 9, .has_sd = true}).view() == "1-000009");
}
