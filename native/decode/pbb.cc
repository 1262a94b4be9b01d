// Provider backbone bridging (IEEE 802.1ah, the I-TAG).
//
//   +--------------------+-----------------------+--------------------------
//   | priority, bits (1) | service id I-SID (3)  | the customer's frame ...
//   +--------------------+-----------------------+--------------------------
#include "decode/carried.h"
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {

bool decode_pbb(Walk& walk, Layer layer) {
  constexpr size_t kServiceId = 1;
  Header<4> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kPbbHeaderTooSmall);
  return decode_carried(walk, layer,
                        {.type = Encap::kOther,
                         .ethertype = ethertype::kTransparentBridging,
                         .id = header.be24<kServiceId>()});
}

}  // namespace thymus::decode
