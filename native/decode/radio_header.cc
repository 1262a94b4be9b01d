// What a wireless card says of a frame, before the 802.11 header.
//
//   radiotap   version 0 (1)  padding (1)  length (2, little-endian)  fields present (4) ...
//   Prism      message code (4)  message length (4)  device name (16) ...: 144 bytes
//   AVS        version (4, big-endian)  length (4, big-endian) ...
#include "decode/layers.h"

namespace thymus::decode {

bool decode_radiotap(Walk& walk, Layer layer) {
  constexpr size_t kVersion = 0, kLength = 2, kHeaderBytes = 8;
  Header<kHeaderBytes> header;
  if (!header.read(layer.reader) || header.u8<kVersion>() != 0) {
    return walk.broken(Anomaly::kRadioPktTooSmall);
  }
  const size_t length = header.le16<kLength>();
  if (length < kHeaderBytes || !layer.reader.skip(length - kHeaderBytes)) {
    return walk.broken(Anomaly::kRadioPktTooSmall);
  }
  return decode_ieee80211(walk, layer);
}

bool decode_avs(Walk& walk, Layer layer) {
  constexpr size_t kLength = 4, kHeaderBytes = 8;
  Header<kHeaderBytes> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kRadioPktTooSmall);
  const size_t length = header.be32<kLength>();
  if (length < kHeaderBytes || !layer.reader.skip(length - kHeaderBytes)) {
    return walk.broken(Anomaly::kRadioPktTooSmall);
  }
  return decode_ieee80211(walk, layer);
}

// Some drivers put an AVS header where a Prism header is announced.
bool decode_prism(Walk& walk, Layer layer) {
  constexpr uint32_t kAvsMagic = 0x80211000;
  constexpr size_t kPrismBytes = 144;
  Reader ahead = layer.reader;
  if ((ahead.be32() & 0xfffff000) == kAvsMagic) return decode_avs(walk, layer);
  if (!layer.reader.skip(kPrismBytes)) return walk.broken(Anomaly::kRadioPktTooSmall);
  return decode_ieee80211(walk, layer);
}

}  // namespace thymus::decode
