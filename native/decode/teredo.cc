// Teredo: IPv6 over UDP through address translators (RFC 4380, section 5.1.1).
//
//   [00 01  id length (1)  value length (1)  id  value  nonce (8)  confirmation (1)]
//   [00 00  origin port (2)  origin address (4)]
//   IPv6 packet
#include "decode/carried.h"
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {
namespace {

constexpr uint16_t kOrigin = 0x0000, kAuthentication = 0x0001;

bool skip_authentication(Reader& reader) {
  constexpr size_t kNonceAndConfirmation = 9;
  reader.skip(2);
  const size_t id_bytes = reader.u8(), value_bytes = reader.u8();
  return reader.skip(id_bytes + value_bytes + kNonceAndConfirmation);
}

}  // namespace

bool decode_teredo(Walk& walk, Layer layer) {
  constexpr size_t kOriginBytes = 8;
  Reader& reader = layer.reader;
  if (reader.remaining() < kOriginBytes) return false;
  if (reader.peek_be16() == kAuthentication && !skip_authentication(reader)) return false;
  if (reader.remaining() >= 2 && reader.peek_be16() == kOrigin) reader.skip(kOriginBytes);
  if (!reader.ok() || reader.peek_u8() >> 4 != 6) return false;
  return decode_carried(
      walk, layer,
      {.type = Encap::kTeredo, .ethertype = ethertype::kIpv6, .certainty = Certainty::kGuessed});
}

}  // namespace thymus::decode
