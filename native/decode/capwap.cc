// CAPWAP data: frames between access points and their controller (RFC 5415, section 4.3).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-------+-------+---------+---------+---------+-+-+-+-+-+-+-----+
//   |   0   | type  |  HLEN   |   RID   |  WBID   |T|F|L|W|M|K|flags|  HLEN: in words, of all
//   +-------+-------+---------+---------+---------+-+-+-+-+-+-+-----+
//   T: 802.11 instead of 802.3    F: fragment    K: keep-alive
#include "decode/carried.h"
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {

bool decode_capwap(Walk& walk, Layer layer) {
  constexpr uint32_t kPlainPreamble = 0x00, kNative = 0x100, kFragment = 0x80, kKeepAlive = 0x08;
  constexpr size_t kWordBytes = 4, kFixedBytes = 8;
  const uint32_t word = layer.reader.be32();
  const size_t header_bytes = (word >> 19 & 0x1f) * kWordBytes;
  if (!layer.reader.ok() || word >> 24 != kPlainPreamble) return false;
  if (word & (kFragment | kKeepAlive)) return false;
  if (header_bytes < kFixedBytes || !layer.reader.skip(header_bytes - kWordBytes)) return false;
  const bool is_wireless = word & kNative;
  return decode_carried(
      walk, layer,
      {.type = Encap::kCapwap,
       .ethertype = is_wireless ? ethertype::kAnyWlan : ethertype::kTransparentBridging,
       .certainty = Certainty::kGuessed});
}

}  // namespace thymus::decode
