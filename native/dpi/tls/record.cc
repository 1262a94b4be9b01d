#include "dpi/tls/record.h"

namespace thymus::dpi::tls {

RecordHeader read_header(Bytes bytes) {
  Reader r(bytes);
  RecordHeader header{};
  header.type = r.u8();
  header.version = r.be16();
  header.length = r.be16();
  return header;
}

bool read_sslv2(Bytes bytes, uint8_t* type, size_t* length) {
  Reader r(bytes);
  const uint16_t head = r.be16();
  *type = r.u8();
  *length = head & 0x7fff;
  return r.ok() && (head & 0x8000) != 0 && *length >= 3;
}

bool is_sslv2_client_hello(Bytes bytes) {
  Reader r(bytes);
  const size_t length = r.be16() & 0x7fff;
  const uint8_t type = r.u8();
  const uint16_t version = r.be16();
  const size_t cipher_bytes = r.be16();
  const size_t session_bytes = r.be16();
  const size_t challenge_bytes = r.be16();
  return r.ok() && (bytes.front() & 0x80) != 0 && type == sslv2_type::kClientHello &&
         (version == kSsl2 || (version >= 0x0300 && version <= 0x0303)) && cipher_bytes >= 3 &&
         cipher_bytes % 3 == 0 && (session_bytes == 0 || session_bytes == 16) &&
         challenge_bytes >= 16 && challenge_bytes <= 32 &&
         length == 9 + cipher_bytes + session_bytes + challenge_bytes;
}

}  // namespace thymus::dpi::tls
