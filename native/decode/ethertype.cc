#include "decode/ethernet.h"

namespace thymus::decode {
namespace {

bool decode_cisco_metadata(Walk& walk, Layer layer) {
  constexpr size_t kType = 6;
  Header<8> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kLinkHeaderTooSmall);
  return decode_ethertype(walk, layer, header.be16<kType>());
}

bool decode_802_3(Walk& walk, Layer layer, uint16_t length) {
  if (length <= layer.wire_bytes()) layer.limit(length);
  return decode_llc(walk, layer);
}

// WCCP version 2 puts a redirect header of four bytes before the packet, version 1 does not.
bool decode_wccp(Walk& walk, Layer layer) {
  if (layer.reader.peek_u8() >> 4 != 4) layer.reader.skip(4);
  return decode_ipv4(walk, layer);
}

bool found_fieldbus(Walk& walk, Layer layer, Network network) {
  walk.view.network = network;
  set_payload(walk.view, layer);
  return true;
}

}  // namespace

bool decode_rare_ethertype(Walk& walk, Extent extent, uint16_t type) {
  const Layer layer(walk, extent);
  if (++walk.n_link_layers > Walk::kMaxLinkLayers) return walk.broken(Anomaly::kTooManyLayers);
  if (type < ethertype::kFirstType) return decode_802_3(walk, layer, type);
  if (is_vlan(type)) return decode_vlan(walk, layer);
  switch (type) {
    case ethertype::kIpv6:
      return decode_ipv6(walk, layer);
    case ethertype::kArp:
      return decode_arp(walk, layer);
    case ethertype::kGoose:
      return found_fieldbus(walk, layer, Network::kGoose);
    case ethertype::kEthercat:
      return found_fieldbus(walk, layer, Network::kEthercat);
    case ethertype::kProfinet:
      return found_fieldbus(walk, layer, Network::kProfinet);
    case ethertype::kMpls:
    case ethertype::kMplsMulticast:
      return decode_mpls(walk, layer);
    case ethertype::kPppoeSession:
      return decode_pppoe(walk, layer);
    case ethertype::kPpp:
      return decode_ppp(walk, layer);
    case ethertype::kTransparentBridging:
      return decode_ethernet(walk, layer);
    case ethertype::kPbb:
      return decode_pbb(walk, layer);
    case ethertype::kVntag:
      return decode_vntag(walk, layer);
    case ethertype::kEtag:
      return decode_etag(walk, layer);
    case ethertype::kNsh:
      return decode_nsh(walk, layer);
    case ethertype::kFabricPath:
      return decode_fabric_path(walk, layer);
    case ethertype::kCiscoMetadata:
      return decode_cisco_metadata(walk, layer);
    case ethertype::kWccp:
      return decode_wccp(walk, layer);
    default:
      return false;
  }
}

bool decode_ethertype(Walk& walk, Layer layer, uint16_t type) {
  return read_ethertype(walk, layer, type);
}

bool decode_ethernet(Walk& walk, Layer layer) { return read_ethernet(walk, layer); }

bool decode_ipv4(Walk& walk, Layer layer) { return read_ipv4(walk, layer); }

bool decode_ip(Walk& walk, Layer layer) {
  switch (layer.reader.peek_u8() >> 4) {
    case 4:
      return decode_ipv4(walk, layer);
    case 6:
      return decode_ipv6(walk, layer);
    default:
      return walk.broken(Anomaly::kRawInvalidIpVersion);
  }
}

}  // namespace thymus::decode
