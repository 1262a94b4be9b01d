// ERSPAN (draft-foschiano-erspan).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-------+-----------------------+-----+---+-+-------------------+
//   |version|        VLAN id        | COS |   |T|    session id     |
//   +-------+-----------------------+-----+---+-+-------------------+
//   type II (version 1):  reserved, index (4)
//   type III (version 2): timestamp (4)  group, hardware, bits (4); lowest bit: 8 bytes more
#include "decode/erspan.h"

#include "decode/carried.h"
#include "decode/numbers.h"
#include "decode/transport_error.h"

namespace thymus::decode {
namespace {

constexpr size_t kVersion = 0, kVlan = 0, kSession = 2, kLastByte = 11;
constexpr uint16_t kVlanMask = 0x0fff, kSessionMask = 0x03ff;

void decode_mirrored(Walk& walk, const Layer& layer, uint16_t vlan, uint32_t session) {
  const auto id = static_cast<uint16_t>(vlan & kVlanMask);
  decode_carried(walk, layer,
                 {.type = Encap::kErspan,
                  .ethertype = ethertype::kTransparentBridging,
                  .id = session & kSessionMask,
                  .vlan = id == 0 ? kNoVlan : id});
}

}  // namespace

void decode_erspan2(Walk& walk, Layer layer, bool has_sequence) {
  if (!has_sequence) return decode_mirrored(walk, layer, 0, 0);
  const Layer start = layer;
  Header<8> header;
  if (!header.read(layer.reader)) {
    return broken_transport(walk, start, Anomaly::kErspanHeaderTooSmall);
  }
  if (header.u8<kVersion>() >> 4 != 1) {
    return broken_transport(walk, start, Anomaly::kErspanUnsupportedVersion);
  }
  decode_mirrored(walk, layer, header.be16<kVlan>(), header.be16<kSession>());
}

void decode_erspan3(Walk& walk, Layer layer) {
  constexpr uint8_t kHasSubheader = 1;
  constexpr size_t kSubheaderBytes = 8;
  const Layer start = layer;
  Header<12> header;
  if (!header.read(layer.reader)) {
    return broken_transport(walk, start, Anomaly::kErspanHeaderTooSmall);
  }
  if (header.u8<kVersion>() >> 4 != 2) {
    return broken_transport(walk, start, Anomaly::kErspanUnsupportedVersion);
  }
  if (header.u8<kLastByte>() & kHasSubheader) layer.reader.skip(kSubheaderBytes);
  decode_mirrored(walk, layer, header.be16<kVlan>(), header.be16<kSession>());
}

}  // namespace thymus::decode
