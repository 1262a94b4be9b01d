#include "dpi/telecom/subscriber.h"

#include <algorithm>

namespace thymus::dpi {
namespace {

bool is_label_byte(uint8_t c) {
  const uint8_t lower = c | 0x20;
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

}  // namespace

Digits tbcd(Bytes bytes) {
  Digits out;
  for (size_t i = 0; i < bytes.size() * 2; ++i) {
    const int half = bytes[i / 2] >> 4 * (i % 2) & 0xf;
    if (half == 0xf) break;
    if (half > 9) return {};
    out.add(static_cast<char>('0' + half));
  }
  return out;
}

Digits plmn_text(Bytes bytes) {
  if (bytes.size() != 3) return {};
  const int halves[] = {bytes[0] & 0xf, bytes[0] >> 4, bytes[1] & 0xf,
                        bytes[2] & 0xf, bytes[2] >> 4, bytes[1] >> 4};
  Digits out;
  for (const int half : halves) {
    if (half == 0xf) break;
    if (half > 9) return {};
    out.add(static_cast<char>('0' + half));
  }
  return out;
}

AccessPoint access_point(Bytes labels) {
  AccessPoint out;
  Reader r(labels);
  while (!r.empty()) {
    const Bytes label = r.take(r.u8());
    if (label.empty() || !std::all_of(label.begin(), label.end(), is_label_byte)) return {};
    if (!out.empty()) out.add('.');
    out.add(as_text(label));
  }
  return out;
}

bool read_address(Bytes bytes, IpAddress* out) {
  if (bytes.size() == 4) {
    *out = IpAddress::v4(bytes.data());
  } else if (bytes.size() == 16) {
    *out = IpAddress::v6(bytes.data());
  } else {
    return false;
  }
  return true;
}

TextBuilder<16> slice_text(const Slice& slice) {
  TextBuilder<16> out;
  out.add_number(slice.sst);
  if (slice.has_sd) out.add('-').add_hex_number(slice.sd, 6);
  return out;
}

}  // namespace thymus::dpi
