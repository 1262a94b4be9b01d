// What the signalling of mobile networks says of a subscriber, in the codings that its protocols
// share.
#pragma once

#include "base/address.h"
#include "base/text_builder.h"
#include "dpi/identity.h"

namespace thymus::dpi {

using Digits = TextBuilder<24>;

// Digits in half octets, low half first, ended by 0xf (3GPP TS 29.002, 17.7.8). Empty where a half
// octet is none.
Digits tbcd(Bytes bytes);
// A network (TS 24.008, 10.5.1.3): country code and network code as one text, "00101".
// REQUIRES: 3 bytes, else empty.
Digits plmn_text(Bytes bytes);

// Labels, each after its length, as one dotted name (TS 23.003, 9.1). Empty where one is no label.
using AccessPoint = TextBuilder<100>;
AccessPoint access_point(Bytes labels);

// An address of 4 or 16 bytes; false for another size.
bool read_address(Bytes bytes, IpAddress* out);

// Where a cell is: tracking or location area and the cell's number in its network.
struct Location {
  Digits plmn;
  uint32_t area = 0;
  uint64_t cell = 0;
  bool has_cell = false;
};

// A network slice (TS 23.003, 28.4.2); `has_sd` says whether it has a differentiator.
struct Slice {
  uint8_t sst = 0;
  uint32_t sd = 0;
  bool has_sd = false;
};
// "1" or "1-0000ff": type, and differentiator as six hexadecimal digits.
TextBuilder<16> slice_text(const Slice& slice);

// One end of a GTP-U tunnel.
struct TunnelEnd {
  uint32_t teid = 0;
  IpAddress address;
};

}  // namespace thymus::dpi
