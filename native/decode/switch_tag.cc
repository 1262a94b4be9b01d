// Tags that say how a frame passed a switch; none of it outlives the switch.
//
//   VN-tag (Cisco)          interfaces (4)                    type (2)
//   E-tag (802.1BR)         priority, channel ids (6)         type (2)
//   FabricPath (Cisco)      after its type: tag (2), then the whole Ethernet frame
//   DSA (Marvell)           stations (12)  tag (4)            type (2)
//   EDSA (Marvell)          stations (12)  type (2)  zero (2)  tag (4)  type (2)
//   Broadcom                stations (12)  tag (4)            type (2), or the tag before the frame
#include "decode/layers.h"

namespace thymus::decode {
namespace {

// Reads the two stations, skips `tag_bytes` and goes on with the type.
bool decode_tag_after_stations(Walk& walk, Layer layer, size_t tag_bytes) {
  constexpr size_t kDestination = 0, kSource = 6;
  Header<12> stations;
  if (!stations.read(layer.reader)) return walk.broken(Anomaly::kEthernetPktTooSmall);
  std::memcpy(walk.view.dst_mac.data(), stations.at<kDestination, 6>(), 6);
  std::memcpy(walk.view.src_mac.data(), stations.at<kSource, 6>(), 6);
  walk.view.has_mac = true;
  layer.reader.skip(tag_bytes);
  const uint16_t type = layer.reader.be16();
  if (!layer.reader.ok()) return walk.broken(Anomaly::kLinkHeaderTooSmall);
  return decode_ethertype(walk, layer, type);
}

}  // namespace

bool decode_vntag(Walk& walk, Layer layer) {
  constexpr size_t kType = 4;
  Header<6> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kVntagHeaderTooSmall);
  return decode_ethertype(walk, layer, header.be16<kType>());
}

bool decode_etag(Walk& walk, Layer layer) {
  constexpr size_t kType = 6;
  Header<8> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kEtagHeaderTooSmall);
  return decode_ethertype(walk, layer, header.be16<kType>());
}

bool decode_fabric_path(Walk& walk, Layer layer) {
  constexpr size_t kTagBytes = 2;
  if (!layer.reader.skip(kTagBytes)) return walk.broken(Anomaly::kDcePktTooSmall);
  return decode_ethernet(walk, layer);
}

bool decode_dsa(Walk& walk, Layer layer) { return decode_tag_after_stations(walk, layer, 4); }

bool decode_edsa(Walk& walk, Layer layer) { return decode_tag_after_stations(walk, layer, 8); }

bool decode_brcm_tag(Walk& walk, Layer layer) { return decode_tag_after_stations(walk, layer, 4); }

bool decode_brcm_prepend(Walk& walk, Layer layer) {
  constexpr size_t kTagBytes = 4;
  if (!layer.reader.skip(kTagBytes)) return walk.broken(Anomaly::kLinkHeaderTooSmall);
  return decode_ethernet(walk, layer);
}

}  // namespace thymus::decode
