#include "decode/neighbour.h"

namespace thymus::decode {
namespace {

constexpr uint8_t kLocalHopLimit = 255;
constexpr size_t kIcmpHeaderBytes = 8;
constexpr size_t kMacBytes = 6;

MacAddress take_mac(Reader& r) {
  MacAddress mac{};
  const Bytes bytes = r.take(kMacBytes);
  if (r.ok()) std::memcpy(mac.data(), bytes.data(), kMacBytes);
  return mac;
}

IpAddress take_v4(Reader& r) {
  const Bytes bytes = r.take(4);
  return r.ok() ? IpAddress::v4(bytes.data()) : IpAddress{};
}

IpAddress take_v6(Reader& r) {
  const Bytes bytes = r.take(16);
  return r.ok() ? IpAddress::v6(bytes.data()) : IpAddress{};
}

void count(uint8_t* counter) {
  if (*counter < 255) ++*counter;
}

//   hardware (2)  protocol (2)  lengths (2)  operation (2)
//   sender station (6)  sender address (4)  target station (6)  target address (4)
bool read_arp(Reader r, Neighbour* out) {
  out->message = NeighbourMessage::kArp;
  out->hardware = r.be16();
  r.skip(4);
  out->opcode = r.be16();
  out->sender_mac = take_mac(r);
  out->sender = take_v4(r);
  out->target_mac = take_mac(r);
  out->target = take_v4(r);
  return r.ok();
}

//   type (1)  length (1)  prefix length (1)  flags (1)  valid (4)  preferred (4)  zero (4)
//   prefix (16)
void read_prefix(Reader r, Neighbour* out) {
  constexpr uint8_t kOnLink = 0x80, kAutonomous = 0x40;
  AdvertisedPrefix prefix;
  prefix.length = r.u8();
  const uint8_t flags = r.u8();
  prefix.on_link = flags & kOnLink;
  prefix.autonomous = flags & kAutonomous;
  prefix.valid_lifetime = r.be32();
  prefix.preferred_lifetime = r.be32();
  r.skip(4);
  prefix.prefix = take_v6(r);
  if (!r.ok()) return;
  if (out->n_prefixes == Neighbour::kMostPrefixes) return count(&out->n_left_out);
  out->prefixes[out->n_prefixes++] = prefix;
}

//   type (1)  length (1)  zero (2)  lifetime (4)  addresses (16 each)
void read_dns_servers(Reader r, Neighbour* out) {
  r.skip(6);
  while (r.remaining() >= 16) {
    const IpAddress server = take_v6(r);
    if (out->n_dns_servers == Neighbour::kMostDnsServers) {
      count(&out->n_left_out);
    } else {
      out->dns_servers[out->n_dns_servers++] = server;
    }
  }
}

void read_mtu(Reader r, Neighbour* out) {
  r.skip(2);
  out->mtu = r.be32();
}

//   type (1)  length (1, of all, in units of 8 bytes)  value
// A length of zero condemns the whole message (RFC 4861, 6.1.2).
bool read_options(Reader r, Neighbour* out) {
  constexpr uint8_t kSourceMac = 1, kTargetMac = 2, kPrefix = 3, kMtu = 5, kDnsServers = 25;
  while (!r.empty()) {
    const uint8_t type = r.u8();
    const size_t length = r.u8() * size_t{8};
    if (length == 0) return false;
    Reader value(r.take(length - 2));
    if (!r.ok()) return false;
    if (type == kSourceMac) out->sender_mac = take_mac(value);
    if (type == kTargetMac) out->target_mac = take_mac(value);
    if (out->message != NeighbourMessage::kRouterAdvertisement) continue;
    if (type == kPrefix) read_prefix(value, out);
    if (type == kMtu) read_mtu(value, out);
    if (type == kDnsServers) read_dns_servers(value, out);
  }
  return true;
}

//   type (1)  code (1)  checksum (2)  hop limit (1)  flags (1)  router lifetime (2)
//   reachable time (4)  retransmission timer (4)  options
bool read_router_advertisement(Reader r, Neighbour* out) {
  constexpr uint8_t kManaged = 0x80, kOtherConfig = 0x40;
  out->hop_limit = r.u8();
  const uint8_t flags = r.u8();
  out->is_managed = flags & kManaged;
  out->has_other_config = flags & kOtherConfig;
  out->preference = flags >> 3 & 3;
  out->router_lifetime = r.be16();
  r.skip(8);
  return r.ok() && read_options(r, out);
}

//   type (1)  code (1)  checksum (2)  flags (4)  target (16)  [destination (16)]  options
bool read_about_target(Reader r, Neighbour* out) {
  constexpr uint32_t kRouter = 0x80000000, kSolicited = 0x40000000, kOverride = 0x20000000;
  const uint32_t flags = r.be32();
  if (out->message == NeighbourMessage::kNeighbourAdvertisement) {
    out->is_router = flags & kRouter;
    out->is_solicited = flags & kSolicited;
    out->overrides = flags & kOverride;
  }
  out->target = take_v6(r);
  if (out->message == NeighbourMessage::kRedirect) out->destination = take_v6(r);
  const bool may_be_multicast = out->message == NeighbourMessage::kRedirect;
  if (!r.ok() || (out->target.is_multicast() && !may_be_multicast)) return false;
  return read_options(r, out);
}

bool read_discovery(const PacketView& view, Reader r, Neighbour* out) {
  constexpr uint8_t kFirstType = 133;
  constexpr size_t kHeadBytes = 4;
  if (view.ttl != kLocalHopLimit || view.icmp_code != 0) return false;
  out->message = static_cast<NeighbourMessage>(1 + view.icmp_type - kFirstType);
  out->sender = view.src;
  r.skip(kHeadBytes);
  switch (out->message) {
    case NeighbourMessage::kRouterSolicitation:
      r.skip(4);
      return r.ok() && read_options(r, out);
    case NeighbourMessage::kRouterAdvertisement:
      return read_router_advertisement(r, out);
    default:
      return read_about_target(r, out);
  }
}

}  // namespace

bool read_neighbour(const PacketView& view, Neighbour* out) {
  *out = {};
  const Bytes frame{view.frame, view.caplen};
  if (view.network == Network::kArp) return read_arp(Reader(view.payload()), out);
  const bool is_whole = view.network == Network::kIpv6 && view.transport_ok && !view.is_fragment &&
                        view.payload_bytes == view.payload_wire_bytes &&
                        view.payload_offset >= kIcmpHeaderBytes;
  if (!is_whole) return false;
  const size_t begin = view.payload_offset - kIcmpHeaderBytes;
  return read_discovery(view, Reader(frame.subspan(begin, view.payload_bytes + kIcmpHeaderBytes)),
                        out);
}

}  // namespace thymus::decode
