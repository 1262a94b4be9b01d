// Aligned packed encoding rules (ITU-T X.691) as S1AP and NGAP use them: bit fields, and octets
// that begin at the next octet. A read past the end sets the sticky failed flag and returns zero.
#pragma once

#include "base/bytes.h"

namespace thymus::dpi {

class PerReader {
 public:
  explicit PerReader(Bytes bytes) : bytes_(bytes) {}

  bool ok() const { return !failed_; }

  // The next `n` bits as a number. REQUIRES: n <= 32.
  uint32_t bits(unsigned n) {
    uint32_t value = 0;
    for (; n > 0 && has_bit(); --n, ++bit_) {
      value = value << 1 | (bytes_[bit_ / 8] >> (7 - bit_ % 8) & 1u);
    }
    return failed_ ? 0 : value;
  }
  bool bit() { return bits(1) != 0; }

  // Octets from the next whole octet on.
  Bytes octets(size_t n) {
    const size_t at = (bit_ + 7) / 8;
    if (failed_ || at > bytes_.size() || n > bytes_.size() - at) {
      failed_ = true;
      return {};
    }
    bit_ = (at + n) * 8;
    return bytes_.subspan(at, n);
  }
  uint8_t octet() { return Reader(octets(1)).u8(); }
  uint16_t octet_pair() { return Reader(octets(2)).be16(); }

  // A length without a bound below 16,384; longer ones are cut into fragments and fail.
  size_t length() {
    const uint8_t lead = octet();
    if ((lead & 0x80) == 0) return lead;
    if (lead & 0x40) failed_ = true;
    return size_t{lead & 0x3fu} << 8 | octet();
  }
  // An octet string without a bound, or an open type.
  Bytes sized_octets() { return octets(length()); }

  // A whole number whose range needs more than two octets: the count of its octets, of at most
  // `most`, comes first.
  uint64_t wide_number(unsigned most) {
    unsigned width = 1;
    while ((1u << width) < most) ++width;
    const size_t n = bits(width) + size_t{1};
    uint64_t value = 0;
    if (n > 8) failed_ = true;
    for (const uint8_t octet : octets(failed_ ? 0 : n)) value = value << 8 | octet;
    return value;
  }

  // A list of protocol extensions: {id (2), criticality, open type}.
  void skip_extensions() {
    const size_t n = octet_pair() + size_t{1};
    for (size_t i = 0; i < n && ok(); ++i) {
      octets(2);
      bits(2);
      sized_octets();
    }
  }

 private:
  bool has_bit() {
    if (bit_ < bytes_.size() * 8) return true;
    failed_ = true;
    return false;
  }

  Bytes bytes_;
  size_t bit_ = 0;
  bool failed_ = false;
};

}  // namespace thymus::dpi
