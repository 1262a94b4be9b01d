// DHCP for IPv4 (RFC 2131), options by RFC 2132:
//
//   0  op   1  htype   2  hlen   4  xid   12  ciaddr   16  yiaddr   20  siaddr   24  giaddr
//   28 chaddr   44  sname   108  file   236  cookie   240  options {code, length, data}, 255 ends
#include "base/generated/events/dhcp.h"

#include <array>
#include <cstdio>

#include "base/generated/anomaly_codes.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace ids = event::dhcp;

constexpr uint16_t kPorts[] = {67, 68};
constexpr size_t kFixedBytes = 236;
constexpr uint32_t kCookie = 0x63825363;
constexpr uint32_t kMaxEvents = 20'000;
constexpr int kMaxListed = 64;

enum Option : uint8_t {
  kPad = 0,
  kSubnetMask = 1,
  kRouters = 3,
  kDnsServers = 6,
  kHostname = 12,
  kRequestedIp = 50,
  kLeaseTime = 51,
  kMessageType = 53,
  kParameters = 55,
  kRenewalTime = 58,
  kRebindingTime = 59,
  kVendorClass = 60,
  kClientId = 61,
  kEnd = 255,
};

struct State {
  uint32_t n_events;
};

struct Header {
  uint8_t op = 0;
  uint8_t hardware_bytes = 0;
  uint32_t id = 0;
  uint32_t client_ip = 0, assigned_ip = 0, next_server_ip = 0, relay_ip = 0;
  Bytes client_mac;
};

bool read_header(Reader* r, Header* out) {
  out->op = r->u8();
  r->skip(1);
  out->hardware_bytes = r->u8();
  r->skip(1);
  out->id = r->be32();
  r->skip(4);
  out->client_ip = r->be32();
  out->assigned_ip = r->be32();
  out->next_server_ip = r->be32();
  out->relay_ip = r->be32();
  out->client_mac = r->take(6);
  r->seek(kFixedBytes);
  return r->be32() == kCookie && (out->op == 1 || out->op == 2) && out->hardware_bytes <= 16;
}

void put_address(uint16_t field, uint32_t address, EventWriter* events) {
  char text[16];
  const int n = std::snprintf(text, sizeof text, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff,
                              address >> 8 & 0xff, address & 0xff);
  events->put_text(field, {text, static_cast<size_t>(n)});
}

void put_addresses(uint16_t field, Reader r, EventWriter* events) {
  for (int n = 0; n < kMaxListed && r.remaining() >= 4; ++n) put_address(field, r.be32(), events);
}

// A hardware address behind its type (1: Ethernet) as such, another identifier in hex digits.
void put_client_id(Bytes id, EventWriter* events) {
  constexpr char kDigits[] = "0123456789abcdef";
  const bool is_mac = id.size() == 7 && id[0] == 1;
  std::array<char, 3 * 255> text;
  size_t n = 0;
  for (const uint8_t byte : is_mac ? id.subspan(1) : id.first(std::min<size_t>(id.size(), 255))) {
    if (n > 0) text[n++] = ':';
    text[n++] = kDigits[byte >> 4];
    text[n++] = kDigits[byte & 0x0f];
  }
  events->put_text(ids::kClientId, {text.data(), n});
}

std::string_view message_type_name(uint8_t type) {
  constexpr std::string_view kNames[] = {"",    "discover", "offer",   "request", "decline",
                                         "ack", "nak",      "release", "inform"};
  return type < std::size(kNames) ? kNames[type] : "";
}

std::string_view parameter_name(uint8_t code) {
  switch (code) {
    case kSubnetMask:
      return "subnet_mask";
    case kRouters:
      return "router";
    case kDnsServers:
      return "dns_server";
    case 15:
      return "domain";
    case 35:
      return "arp_timeout";
    case 42:
      return "ntp_server";
    case 66:
      return "tftp_server_name";
    case 150:
      return "tftp_server_ip";
    default:
      return "";
  }
}

void put_option(uint8_t code, Bytes data, EventWriter* events) {
  Reader r(data);
  switch (code) {
    case kSubnetMask:
      return put_address(ids::kSubnetMask, r.be32(), events);
    case kRouters:
      return put_addresses(ids::kRouters, r, events);
    case kDnsServers:
      return put_addresses(ids::kDnsServers, r, events);
    case kHostname:
      return events->put_bytes(ids::kHostname, data);
    case kRequestedIp:
      return put_address(ids::kRequestedIp, r.be32(), events);
    case kLeaseTime:
      return events->put(ids::kLeaseTime, r.be32());
    case kRenewalTime:
      return events->put(ids::kRenewalTime, r.be32());
    case kRebindingTime:
      return events->put(ids::kRebindingTime, r.be32());
    case kMessageType: {
      const std::string_view name = message_type_name(r.u8());
      if (!name.empty()) events->put_text(ids::kDhcpType, name);
      return;
    }
    case kParameters:
      for (const uint8_t parameter : data) {
        const std::string_view name = parameter_name(parameter);
        if (!name.empty()) events->put_text(ids::kParams, name);
      }
      return;
    case kVendorClass:
      return events->put_bytes(ids::kVendorClassIdentifier, data);
    case kClientId:
      return put_client_id(data, events);
    default:
      return;
  }
}

// False when the options are cut.
bool put_options(Reader* r, EventWriter* events) {
  while (!r->empty()) {
    const uint8_t code = r->u8();
    if (code == kPad) continue;
    if (code == kEnd) return true;
    const Bytes data = r->take(r->u8());
    if (!r->ok()) return false;
    put_option(code, data, events);
  }
  return false;
}

Likelihood probe(const Segment& first) {
  Reader r(first.data);
  Header header;
  return read_header(&r, &header) ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* dhcp = static_cast<State*>(state);
  EventWriter* events = context->events;
  Reader r(segment.data);
  Header header;
  if (!read_header(&r, &header)) return dhcp->n_events > 0 ? Answer::kAccept : Answer::kReject;
  if (++dhcp->n_events > kMaxEvents) return Answer::kDone;
  events->begin(event::kDhcp);
  events->put_text(ids::kType, header.op == 1 ? "request" : "reply");
  events->put(ids::kId, header.id);
  events->put_bytes(ids::kClientMac, header.client_mac);
  put_address(ids::kClientIp, header.client_ip, events);
  put_address(ids::kAssignedIp, header.assigned_ip, events);
  if (header.op == 2) {
    put_address(ids::kNextServerIp, header.next_server_ip, events);
    put_address(ids::kRelayIp, header.relay_ip, events);
  }
  const bool is_whole = put_options(&r, events);
  events->end();
  if (!is_whole && segment.cut_bytes == 0) {
    write_anomaly(anomaly_code::kDhcpTruncatedOptions, events);
  }
  return Answer::kAccept;
}

}  // namespace

extern const Parser kDhcp;

const Parser kDhcp{
    .app = AppId::kDhcp,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = "\x01\x02",
    .ports = kPorts,
};

}  // namespace thymus::dpi
