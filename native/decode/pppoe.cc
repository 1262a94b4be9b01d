// PPP over Ethernet, session stage (RFC 2516).
//
//   +-------+-------+----------+----------------+-------------------------+
//   | ver 1 | typ 1 | code (1) | session id (2) | length of what follows  |
//   +-------+-------+----------+----------------+-------------------------+
#include "decode/carried.h"
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {

bool decode_pppoe(Walk& walk, Layer layer) {
  constexpr size_t kCode = 1, kSession = 2, kLength = 4;
  constexpr uint8_t kSessionData = 0;
  Header<6> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kPppoePktTooSmall);
  if (header.u8<kCode>() != kSessionData) return walk.broken(Anomaly::kPppoeWrongCode);
  layer.limit(std::min<uint32_t>(header.be16<kLength>(), layer.wire_bytes()));
  return decode_carried(
      walk, layer,
      {.type = Encap::kPppoe, .ethertype = ethertype::kPpp, .id = header.be16<kSession>()});
}

}  // namespace thymus::decode
