// Ethernet in IP (RFC 3378).
//
//   version 3 (4 bits)  zero (12 bits)  the frame ...
#include "decode/carried.h"
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {

void decode_etherip(Walk& walk, Layer layer) {
  constexpr uint16_t kVersion3 = 0x3000;
  Header<2> header;
  if (!header.read(layer.reader) || header.be16<0>() != kVersion3) {
    walk.view.add_anomaly(Anomaly::kEtherIpHeader);
    return;
  }
  decode_carried(walk, layer,
                 {.type = Encap::kOther, .ethertype = ethertype::kTransparentBridging});
}

}  // namespace thymus::decode
