// The decoders, one per protocol, each in the file of its name. Each reads its header from the
// start of `layer`, writes what it learned into the view and hands the rest to the next decoder.
//
// A decoder of a link or tunnel answers whether an ARP or field bus message or IP packet with a
// sound header was found; where not, an anomaly says why, unless the frame simply carries something
// else.
#pragma once

#include "decode/layer.h"

namespace thymus::decode {

// By a number of the layer below.
bool decode_link(Walk& walk, Layer layer, uint16_t link_type);
bool decode_ethertype(Walk& walk, Layer layer, uint16_t type);
bool decode_ppp_protocol(Walk& walk, Layer layer, uint16_t protocol);
void decode_transport(Walk& walk, Layer layer, uint8_t protocol);

// Link layers.
bool decode_ethernet(Walk& walk, Layer layer);
bool decode_vlan(Walk& walk, Layer layer);
bool decode_vntag(Walk& walk, Layer layer);
bool decode_etag(Walk& walk, Layer layer);
bool decode_pbb(Walk& walk, Layer layer);
bool decode_fabric_path(Walk& walk, Layer layer);
bool decode_llc(Walk& walk, Layer layer);
bool decode_linux_sll(Walk& walk, Layer layer);
bool decode_linux_sll2(Walk& walk, Layer layer);
bool decode_null(Walk& walk, Layer layer);
bool decode_ppp(Walk& walk, Layer layer);
bool decode_pppd(Walk& walk, Layer layer);
bool decode_pppoe(Walk& walk, Layer layer);
bool decode_chdlc(Walk& walk, Layer layer);
bool decode_ppp_or_chdlc(Walk& walk, Layer layer);
bool decode_frame_relay(Walk& walk, Layer layer);
bool decode_ieee80211(Walk& walk, Layer layer);
bool decode_radiotap(Walk& walk, Layer layer);
bool decode_prism(Walk& walk, Layer layer);
bool decode_avs(Walk& walk, Layer layer);
bool decode_slip(Walk& walk, Layer layer);
bool decode_nflog(Walk& walk, Layer layer);
bool decode_ppi(Walk& walk, Layer layer);
bool decode_pflog(Walk& walk, Layer layer);
bool decode_enc(Walk& walk, Layer layer);
bool decode_juniper_ethernet(Walk& walk, Layer layer);
bool decode_dsa(Walk& walk, Layer layer);
bool decode_edsa(Walk& walk, Layer layer);
bool decode_brcm_tag(Walk& walk, Layer layer);
bool decode_brcm_prepend(Walk& walk, Layer layer);
bool decode_arcnet(Walk& walk, Layer layer);
bool decode_arcnet_linux(Walk& walk, Layer layer);
bool decode_sun_atm(Walk& walk, Layer layer);
bool decode_mpls(Walk& walk, Layer layer);
bool decode_nsh(Walk& walk, Layer layer);

// Network layers. decode_ip goes by the version in the first four bits.
bool decode_ip(Walk& walk, Layer layer);
bool decode_ipv4(Walk& walk, Layer layer);
bool decode_ipv6(Walk& walk, Layer layer);
bool decode_arp(Walk& walk, Layer layer);

// Transport layers, and what stands in their place.
void decode_icmp(Walk& walk, Layer layer);
void decode_icmpv6(Walk& walk, Layer layer);
void decode_sctp(Walk& walk, Layer layer);
void decode_udp_lite(Walk& walk, Layer layer);
void decode_esp(Walk& walk, Layer layer);
void decode_ah(Walk& walk, Layer layer);
void decode_gre(Walk& walk, Layer layer);
void decode_etherip(Walk& walk, Layer layer);
void decode_l2tpv3_ip(Walk& walk, Layer layer);

// What a UDP datagram on a tunnel's port carries. Each answers whether it is a tunnel packet;
// where not, the view still speaks of the datagram.
bool decode_gtpu(Walk& walk, Layer layer);
bool decode_vxlan(Walk& walk, Layer layer);
bool decode_vxlan_gpe(Walk& walk, Layer layer);
bool decode_geneve(Walk& walk, Layer layer);
bool decode_teredo(Walk& walk, Layer layer);
bool decode_l2tp(Walk& walk, Layer layer);
bool decode_capwap(Walk& walk, Layer layer);
bool decode_mpls_udp(Walk& walk, Layer layer);
bool decode_tzsp(Walk& walk, Layer layer);

}  // namespace thymus::decode
