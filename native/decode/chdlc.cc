// Cisco HDLC.
//
//   +-------------+-------------+----------+---------
//   | address (1) | control (1) | type (2) | ...
//   +-------------+-------------+----------+---------
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {

bool decode_chdlc(Walk& walk, Layer layer) {
  constexpr size_t kType = 2;
  constexpr uint16_t kOsi = 0xfefe;
  Header<4> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kChdlcPktTooSmall);
  const uint16_t type = header.be16<kType>();
  return type >= ethertype::kFirstType && type != kOsi && decode_ethertype(walk, layer, type);
}

}  // namespace thymus::decode
