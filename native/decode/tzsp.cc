// TaZmen Sniffer Protocol: frames mirrored over UDP.
//
//   version 1 (1)  type (1)  encapsulated protocol (2)
//   tags: type (1)  [length (1)  value]; 0 is padding, 1 the end, both without length
#include "decode/carried.h"
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {
namespace {

bool skip_tags(Reader& reader) {
  constexpr uint8_t kPadding = 0, kEnd = 1;
  while (reader.ok()) {
    const uint8_t tag = reader.u8();
    if (tag == kEnd) return true;
    if (tag != kPadding) reader.skip(reader.u8());
  }
  return false;
}

}  // namespace

bool decode_tzsp(Walk& walk, Layer layer) {
  constexpr size_t kVersion = 0, kType = 1, kProtocol = 2;
  constexpr uint8_t kLastDataType = 1;
  constexpr uint16_t kEthernet = 1, kWlan = 18;
  Header<4> header;
  if (!header.read(layer.reader) || header.u8<kVersion>() != 1) return false;
  if (header.u8<kType>() > kLastDataType || !skip_tags(layer.reader)) return false;
  const uint16_t protocol = header.be16<kProtocol>();
  if (protocol != kEthernet && protocol != kWlan) return false;
  return decode_carried(
      walk, layer,
      {.type = Encap::kOther,
       .ethertype = protocol == kWlan ? ethertype::kAnyWlan : ethertype::kTransparentBridging,
       .certainty = Certainty::kGuessed});
}

}  // namespace thymus::decode
