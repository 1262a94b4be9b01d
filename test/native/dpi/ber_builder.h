// Builds ASN.1 elements in DER for expectations.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace thymus::test {

using BerBytes = std::vector<uint8_t>;

// One element: tag, shortest length, content.
inline BerBytes tlv(uint32_t tag, const BerBytes& content) {
  BerBytes out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    if (tag >> shift != 0) out.push_back(static_cast<uint8_t>(tag >> shift));
  }
  const size_t n = content.size();
  if (n > 255) {
    out.insert(out.end(), {0x82, static_cast<uint8_t>(n >> 8)});
  } else if (n > 127) {
    out.push_back(0x81);
  }
  out.push_back(static_cast<uint8_t>(n));
  out.insert(out.end(), content.begin(), content.end());
  return out;
}
inline BerBytes tlv(uint32_t tag, std::string_view text) {
  return tlv(tag, BerBytes(text.begin(), text.end()));
}
// A number in one octet.
inline BerBytes integer(uint8_t value, uint32_t tag = 0x02) { return tlv(tag, BerBytes{value}); }

inline BerBytes join(const std::vector<BerBytes>& parts) {
  BerBytes out;
  for (const BerBytes& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}
// A constructed element of these.
inline BerBytes group(uint32_t tag, const std::vector<BerBytes>& parts) {
  return tlv(tag, join(parts));
}
inline BerBytes sequence(const std::vector<BerBytes>& parts) { return group(0x30, parts); }

}  // namespace thymus::test
