// A protocol header of fixed size, read in place.
#pragma once

#include "base/bytes.h"

namespace thymus::decode {

// The header exists only when all its N bytes are there, and every access is checked against N when
// it is compiled: no accessor can fail. Borrows the frame.
template <size_t N>
class Header {
 public:
  // Takes the next N bytes. False when fewer are there; then nothing may be read.
  [[nodiscard]] bool read(Reader& reader) {
    bytes_ = reader.take(N).data();
    return reader.ok();
  }

  template <size_t kAt>
  uint8_t u8() const {
    return *at<kAt, 1>();
  }
  template <size_t kAt>
  uint16_t be16() const {
    return load_be16(at<kAt, 2>());
  }
  template <size_t kAt>
  uint16_t le16() const {
    return load_le16(at<kAt, 2>());
  }
  template <size_t kAt>
  uint32_t be24() const {
    return load_be32(at<kAt - 1, 4>()) & 0xffffff;
  }
  template <size_t kAt>
  uint32_t be32() const {
    return load_be32(at<kAt, 4>());
  }
  template <size_t kAt>
  uint32_t le32() const {
    return load_le32(at<kAt, 4>());
  }
  // `kLength` readable bytes.
  template <size_t kAt, size_t kLength>
  const uint8_t* at() const {
    static_assert(kAt + kLength <= N);
    return bytes_ + kAt;
  }

 private:
  const uint8_t* bytes_ = nullptr;
};

}  // namespace thymus::decode
