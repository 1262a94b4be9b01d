#include "emit/neighbour_fields.h"

#include "base/generated/events/arp.h"
#include "base/generated/events/nd.h"

namespace thymus::emit {
namespace {

using decode::Neighbour;
using decode::NeighbourMessage;
using decode::PacketView;

bool is_known(const MacAddress& mac) { return mac != MacAddress{}; }

// IANA, ARP parameters, operation codes.
std::string_view opcode_name(uint16_t opcode) {
  constexpr std::string_view kNames[] = {"reserved",        "request",       "reply",
                                         "request_reverse", "reply_reverse", "drarp_request",
                                         "drarp_reply",     "drarp_error",   "inarp_request",
                                         "inarp_reply",     "arp_nak"};
  if (opcode == 0xffff) return kNames[0];
  return opcode < std::size(kNames) ? kNames[opcode] : "unknown";
}

std::string_view message_name(NeighbourMessage message) {
  constexpr std::string_view kNames[] = {"arp",
                                         "router_solicitation",
                                         "router_advertisement",
                                         "neighbor_solicitation",
                                         "neighbor_advertisement",
                                         "redirect"};
  return kNames[static_cast<size_t>(message)];
}

// RFC 4191, 2.1.
std::string_view preference_name(uint8_t bits) {
  constexpr std::string_view kNames[] = {"medium", "high", "reserved", "low"};
  return kNames[bits & 3];
}

void put_mac(uint16_t field, const MacAddress& mac, EventWriter* fields) {
  if (is_known(mac)) fields->put_bytes(field, mac);
}

void put_vlans(uint16_t field, const PacketView& view, EventWriter* fields) {
  if (view.vlan_outer != decode::kNoVlan) fields->put(field, view.vlan_outer);
  if (view.vlan_inner != decode::kNoVlan) fields->put(field, view.vlan_inner);
}

// The frame's sender where the message names another one.
MacAddress frame_mac(const PacketView& view, const MacAddress& said) {
  return view.has_mac && is_known(said) && view.src_mac != said ? view.src_mac : MacAddress{};
}

// A station announces its own address; the target's station is of no meaning then (RFC 5227, 3).
bool is_gratuitous(const Neighbour& n) {
  return n.sender == n.target && (n.opcode == 1 || n.opcode == 2);
}

void put_arp(const PacketView& view, const Neighbour& n, const MacAddress& previous,
             EventWriter* fields) {
  namespace arp = event::arp;
  constexpr uint16_t kEthernet = 1;
  fields->put_text(arp::kHwType, n.hardware == kEthernet ? "ethernet" : "unknown");
  fields->put_text(arp::kProtoType, "ipv4");
  fields->put_text(arp::kOpcode, opcode_name(n.opcode));
  fields->put_bytes(arp::kSrcMac, n.sender_mac);
  fields->put_ip(arp::kSrcIp, n.sender);
  fields->put_bytes(arp::kDestMac, n.target_mac);
  fields->put_ip(arp::kDestIp, n.target);
  fields->put_bool(arp::kGratuitous, is_gratuitous(n));
  put_mac(arp::kFrameMac, frame_mac(view, n.sender_mac), fields);
  put_mac(arp::kPreviousMac, previous, fields);
  put_vlans(arp::kVlan, view, fields);
}

void put_advertisement(const Neighbour& n, EventWriter* fields) {
  namespace nd = event::nd;
  fields->put(nd::kHopLimit, n.hop_limit);
  fields->put_bool(nd::kManaged, n.is_managed);
  fields->put_bool(nd::kOtherConfig, n.has_other_config);
  fields->put_text(nd::kPreference, preference_name(n.preference));
  fields->put(nd::kRouterLifetime, n.router_lifetime);
  if (n.mtu != 0) fields->put(nd::kMtu, n.mtu);
  for (size_t i = 0; i < n.n_prefixes; ++i) {
    const decode::AdvertisedPrefix& p = n.prefixes[i];
    fields->open(nd::kPrefixes);
    fields->put_ip(nd::prefixes::kPrefix, p.prefix);
    fields->put(nd::prefixes::kLength, p.length);
    fields->put_bool(nd::prefixes::kOnLink, p.on_link);
    fields->put_bool(nd::prefixes::kAutonomous, p.autonomous);
    fields->put(nd::prefixes::kValidLifetime, p.valid_lifetime);
    fields->put(nd::prefixes::kPreferredLifetime, p.preferred_lifetime);
    fields->close();
  }
  for (size_t i = 0; i < n.n_dns_servers; ++i) fields->put_ip(nd::kDnsServers, n.dns_servers[i]);
  for (size_t i = 0; i < n.n_left_out; ++i) fields->count_truncation();
}

void put_discovery(const PacketView& view, const Neighbour& n, const MacAddress& previous,
                   EventWriter* fields) {
  namespace nd = event::nd;
  const bool is_about_target = n.message == NeighbourMessage::kNeighbourAdvertisement ||
                               n.message == NeighbourMessage::kRedirect;
  const MacAddress& mac = is_about_target ? n.target_mac : n.sender_mac;
  fields->put_text(nd::kType, message_name(n.message));
  if (!n.target.is_unspecified()) fields->put_ip(nd::kTarget, n.target);
  if (n.message == NeighbourMessage::kRedirect) fields->put_ip(nd::kDestination, n.destination);
  put_mac(nd::kMac, mac, fields);
  // A router that redirects speaks of another station.
  if (n.message != NeighbourMessage::kRedirect) {
    put_mac(nd::kFrameMac, frame_mac(view, mac), fields);
  }
  put_mac(nd::kPreviousMac, previous, fields);
  fields->put_bool(
      nd::kDuplicateAddressDetection,
      n.message == NeighbourMessage::kNeighbourSolicitation && n.sender.is_unspecified());
  fields->put_bool(nd::kRouter, n.is_router);
  fields->put_bool(nd::kSolicited, n.is_solicited);
  fields->put_bool(nd::kOverride, n.overrides);
  if (n.message == NeighbourMessage::kRouterAdvertisement) put_advertisement(n, fields);
  put_vlans(nd::kVlan, view, fields);
}

}  // namespace

uint16_t neighbour_type(const Neighbour& message) {
  return message.message == NeighbourMessage::kArp ? event::kArp : event::kNd;
}

void write_neighbour(const PacketView& view, const Neighbour& message, const MacAddress& previous,
                     EventWriter* fields) {
  fields->begin(neighbour_type(message));
  if (message.message == NeighbourMessage::kArp) {
    put_arp(view, message, previous, fields);
  } else {
    put_discovery(view, message, previous, fields);
  }
  fields->end();
}

}  // namespace thymus::emit
