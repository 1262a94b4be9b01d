// ATM as Sun's driver captures it (LINKTYPE_SUNATM).
//
//   direction (1 bit) 0 (3) kind (4)  virtual path (1)  virtual channel (2)
//   kind 1: LAN emulation, id (2) and an Ethernet frame    kind 2: LLC
#include "decode/layers.h"

namespace thymus::decode {

bool decode_sun_atm(Walk& walk, Layer layer) {
  constexpr uint8_t kKindMask = 0x0f, kLanEmulation = 1, kLlc = 2;
  constexpr size_t kFlags = 0, kLanIdBytes = 2;
  Header<4> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kLinkHeaderTooSmall);
  switch (header.u8<kFlags>() & kKindMask) {
    case kLanEmulation:
      if (!layer.reader.skip(kLanIdBytes)) return walk.broken(Anomaly::kLinkHeaderTooSmall);
      return decode_ethernet(walk, layer);
    case kLlc:
      return decode_llc(walk, layer);
    default:
      return false;
  }
}

}  // namespace thymus::decode
