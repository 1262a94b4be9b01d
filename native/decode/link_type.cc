// From a LINKTYPE_ number (tcpdump.org/linktypes.html) to its decoder.
#include "decode/layers.h"

namespace thymus::decode {
namespace {

// FDDI: frame control (1) and stations before LLC. Token ring is alike but for source routes, which
// no capture needs any more.
bool decode_fddi(Walk& walk, Layer layer) {
  constexpr size_t kHeaderBytes = 13;
  if (!layer.reader.skip(kHeaderBytes)) return walk.broken(Anomaly::kLinkHeaderTooSmall);
  return decode_llc(walk, layer);
}

// PPP after one byte that tells the direction.
bool decode_ppp_with_direction(Walk& walk, Layer layer) {
  if (!layer.reader.skip(1)) return walk.broken(Anomaly::kPppPktTooSmall);
  return decode_ppp(walk, layer);
}

}  // namespace

bool decode_link(Walk& walk, Layer layer, uint16_t link_type) {
  switch (link_type) {
    case 0:    // NULL
    case 108:  // LOOP
      return decode_null(walk, layer);
    case 1:  // ETHERNET
      return decode_ethernet(walk, layer);
    case 7:  // ARCNET_BSD
      return decode_arcnet(walk, layer);
    case 8:  // SLIP
      return decode_slip(walk, layer);
    case 9:  // PPP
      return decode_ppp(walk, layer);
    case 10:  // FDDI
      return decode_fddi(walk, layer);
    case 12:   // RAW as BSD numbers it
    case 14:   // RAW as OpenBSD numbers it
    case 101:  // RAW
      return decode_ip(walk, layer);
    case 50:  // PPP_HDLC
      return decode_ppp_or_chdlc(walk, layer);
    case 51:  // PPP_ETHER
      return decode_pppoe(walk, layer);
    case 104:  // C_HDLC
      return decode_chdlc(walk, layer);
    case 105:  // IEEE802_11
      return decode_ieee80211(walk, layer);
    case 107:  // FRELAY
      return decode_frame_relay(walk, layer);
    case 109:  // ENC
      return decode_enc(walk, layer);
    case 113:  // LINUX_SLL
      return decode_linux_sll(walk, layer);
    case 117:  // PFLOG
      return decode_pflog(walk, layer);
    case 119:  // IEEE802_11_PRISM
      return decode_prism(walk, layer);
    case 123:  // SUNATM
      return decode_sun_atm(walk, layer);
    case 127:  // IEEE802_11_RADIOTAP
      return decode_radiotap(walk, layer);
    case 129:  // ARCNET_LINUX
      return decode_arcnet_linux(walk, layer);
    case 163:  // IEEE802_11_AVS
      return decode_avs(walk, layer);
    case 166:  // PPP_PPPD
      return decode_pppd(walk, layer);
    case 178:  // JUNIPER_ETHER
      return decode_juniper_ethernet(walk, layer);
    case 192:  // PPI
      return decode_ppi(walk, layer);
    case 204:  // PPP_WITH_DIR
      return decode_ppp_with_direction(walk, layer);
    case 219:  // MPLS
      return decode_mpls(walk, layer);
    case 228:  // IPV4
      return decode_ipv4(walk, layer);
    case 229:  // IPV6
      return decode_ipv6(walk, layer);
    case 239:  // NFLOG
      return decode_nflog(walk, layer);
    case 276:  // LINUX_SLL2
      return decode_linux_sll2(walk, layer);
    case 281:  // DSA_TAG_BRCM
      return decode_brcm_tag(walk, layer);
    case 282:  // DSA_TAG_BRCM_PREPEND
      return decode_brcm_prepend(walk, layer);
    case 284:  // DSA_TAG_DSA
      return decode_dsa(walk, layer);
    case 285:  // DSA_TAG_EDSA
      return decode_edsa(walk, layer);
    default:
      return walk.broken(Anomaly::kUnknownLinkType);
  }
}

}  // namespace thymus::decode
