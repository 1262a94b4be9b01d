// Logical link control (IEEE 802.2) and SNAP (RFC 1042).
//
//   +----------+----------+-------------+
//   | DSAP (1) | SSAP (1) | control (1) |
//   +----------+----------+-------------+----------------+
//   SNAP:      | organisation (3)       |    type (2)    |
//              +------------------------+----------------+
#include "decode/llc.h"

#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {

bool decode_llc(Walk& walk, Layer layer) {
  constexpr size_t kDsap = 0, kControl = 2;
  constexpr uint8_t kSnap = 0xaa, kIp = 0x06, kUnnumbered = 0x03;
  Header<3> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kLlcHeaderTooSmall);
  if (header.u8<kControl>() != kUnnumbered) return false;
  if (header.u8<kDsap>() == kSnap) return decode_snap(walk, layer);
  return header.u8<kDsap>() == kIp && decode_ipv4(walk, layer);
}

bool decode_snap(Walk& walk, Layer layer) {
  constexpr size_t kOrganisation = 0, kType = 3;
  constexpr uint32_t kEncapsulatedEthernet = 0x000000, kBridgeTunnel = 0x0000f8,
                     kBridged = 0x0080c2;
  constexpr uint16_t kBridgedWithFcs = 1, kBridgedWithoutFcs = 7;
  Header<5> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kLlcHeaderTooSmall);
  const uint32_t organisation =
      uint32_t{header.be16<kOrganisation>()} << 8 | header.u8<kOrganisation + 2>();
  const uint16_t type = header.be16<kType>();
  if (organisation == kBridged && (type == kBridgedWithFcs || type == kBridgedWithoutFcs)) {
    return decode_ethertype(walk, layer, ethertype::kTransparentBridging);
  }
  const bool is_ethertype = organisation == kEncapsulatedEthernet || organisation == kBridgeTunnel;
  return is_ethertype && type >= ethertype::kFirstType && decode_ethertype(walk, layer, type);
}

}  // namespace thymus::decode
