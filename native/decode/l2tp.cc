// L2TP version 2 (RFC 2661) and version 3 (RFC 3931).
//
//   version 2  flags and version (2)  [length (2)]  tunnel (2)  session (2)  [Ns (2)  Nr (2)]
//              [offset size (2)  padding]  PPP
//   version 3  over UDP: flags and version (2)  0 (2)  session (4)  [cookie (4 or 8)]  frame
//              over IP:                                session (4)  [cookie (4 or 8)]  frame
//   flags: T (control message), L (has length), S (has Ns and Nr), O (has offset)
#include "decode/carried.h"
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {
namespace {

constexpr uint16_t kControl = 0x8000, kHasLength = 0x4000, kHasSequence = 0x0800,
                   kHasOffset = 0x0200, kVersion = 0x000f;

bool decode_version2(Walk& walk, Layer layer, uint16_t flags) {
  Reader& reader = layer.reader;
  if (flags & kHasLength) reader.skip(2);
  const uint32_t tunnel = reader.be16(), session = reader.be16();
  if (flags & kHasSequence) reader.skip(4);
  if (flags & kHasOffset) reader.skip(reader.be16());
  if (!reader.ok()) return false;
  return decode_carried(walk, layer,
                        {.type = Encap::kL2tp,
                         .ethertype = ethertype::kPpp,
                         .id = tunnel << 16 | session,
                         .certainty = Certainty::kGuessed});
}

// Neither the cookie nor the sublayer (4) is announced in the packet, so each length is tried.
bool decode_version3(Walk& walk, Layer layer, uint32_t session) {
  constexpr int kTries = 4;
  constexpr size_t kStep = 4;
  if (session == 0) return false;  // control message
  for (int i = 0; i < kTries; ++i) {
    if (decode_carried(walk, layer,
                       {.type = Encap::kL2tp,
                        .ethertype = ethertype::kTransparentBridging,
                        .id = session,
                        .certainty = Certainty::kGuessed})) {
      return true;
    }
    if (!layer.reader.skip(kStep)) return false;
  }
  return false;
}

}  // namespace

bool decode_l2tp(Walk& walk, Layer layer) {
  const uint16_t flags = layer.reader.be16();
  if (!layer.reader.ok() || (flags & kControl)) return false;
  switch (flags & kVersion) {
    case 2:
      return decode_version2(walk, layer, flags);
    case 3: {
      layer.reader.skip(2);
      const uint32_t session = layer.reader.be32();
      return layer.reader.ok() && decode_version3(walk, layer, session);
    }
    default:
      return false;
  }
}

void decode_l2tpv3_ip(Walk& walk, Layer layer) {
  const uint32_t session = layer.reader.be32();
  if (layer.reader.ok()) decode_version3(walk, layer, session);
}

}  // namespace thymus::decode
