// DHCP for IPv6 (RFC 8415):
//
//   message:  | type, 1 | transaction, 3 | options |
//   of relay: | type 12, 13 | hops, 1 | link, 16 | peer, 16 | options |, a message in option 9
//   option:   | code, 2 | length, 2 | data |
#include "base/generated/events/dhcpv6.h"

#include <array>

#include "base/text_builder.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace ids = event::dhcpv6;

constexpr uint16_t kPorts[] = {546, 547};
constexpr uint32_t kMaxEvents = 20'000;
constexpr int kMaxRelays = 8, kMaxOptions = 64, kMaxListed = 32;
constexpr uint8_t kRelayForward = 12, kRelayReply = 13, kLastType = 13;

enum Option : uint16_t {
  kClientId = 1,
  kServerId = 2,
  kAddresses = 3,
  kTemporaryAddresses = 4,
  kAddress = 5,
  kRequested = 6,
  kRelayed = 9,
  kStatus = 13,
  kVendorClass = 16,
  kDnsServers = 23,
  kDomains = 24,
  kPrefixes = 25,
  kPrefix = 26,
  kClientName = 39,
};

constexpr std::string_view kTypes[] = {"",
                                       "solicit",
                                       "advertise",
                                       "request",
                                       "confirm",
                                       "renew",
                                       "rebind",
                                       "reply",
                                       "release",
                                       "decline",
                                       "reconfigure",
                                       "information_request",
                                       "relay_forward",
                                       "relay_reply"};

struct State {
  uint32_t n_events;
};

struct Message {
  uint8_t type = 0;
  uint32_t id = 0;
  unsigned n_relays = 0;
  Bytes relay_link, relay_peer;  // of the relay next to the client
  Reader options;
};

// Calls `visit(code, data)`; false when the options are cut.
template <typename Visit>
bool each_option(Reader r, Visit&& visit) {
  for (int n = 0; n < kMaxOptions && !r.empty(); ++n) {
    const uint16_t code = r.be16();
    const Bytes data = r.take(r.be16());
    if (!r.ok()) return false;
    visit(code, data);
  }
  return true;
}

bool read_message(Bytes data, Message* out) {
  Reader r(data);
  for (int depth = 0; depth <= kMaxRelays; ++depth) {
    out->type = r.u8();
    if (out->type == 0 || out->type > kLastType) return false;
    if (out->type != kRelayForward && out->type != kRelayReply) {
      out->id = r.be24();
      out->options = Reader(r.rest());
      return r.ok();
    }
    ++out->n_relays;
    r.skip(1);
    out->relay_link = r.take(16);
    out->relay_peer = r.take(16);
    Bytes inner;
    each_option(Reader(r.rest()), [&](uint16_t code, Bytes option) {
      if (code == kRelayed) inner = option;
    });
    if (!r.ok()) return false;
    r = Reader(inner);
  }
  return false;
}

// Identifiers made of an Ethernet address: type 1 with a time, type 3 without (RFC 8415, 11).
Bytes mac_of(Bytes identifier) {
  Reader r(identifier);
  const uint16_t type = r.be16();
  const uint16_t hardware = r.be16();
  if (type == 1) r.skip(4);
  const bool is_mac = (type == 1 || type == 3) && hardware == 1 && r.remaining() == 6;
  return is_mac ? r.rest() : Bytes{};
}

// Names in the form of DNS without pointers.
std::string_view read_domain(Reader* r, std::span<char> room) {
  size_t n = 0;
  for (uint8_t label = r->u8(); r->ok() && label > 0 && label < 64; label = r->u8()) {
    const Bytes text = r->take(label);
    if (n + 1 + text.size() > room.size()) break;
    if (n > 0) room[n++] = '.';
    for (const uint8_t byte : text) room[n++] = static_cast<char>(byte);
  }
  return {room.data(), n};
}

void put_addresses(uint16_t field, Reader r, EventWriter* events) {
  for (int n = 0; n < kMaxListed && r.remaining() >= 16; ++n) {
    events->put_ip(field, IpAddress::v6(r.take(16).data()));
  }
}

struct Lifetimes {
  bool is_there = false;
  uint32_t preferred = 0, valid = 0;
};

void put_prefix(Reader r, EventWriter* events, Lifetimes* lifetimes) {
  const uint32_t preferred = r.be32();
  const uint32_t valid = r.be32();
  const unsigned length = r.u8();
  const Bytes prefix = r.take(16);
  if (!r.ok()) return;
  *lifetimes = {true, preferred, valid};
  TextBuilder<48> text;
  for (size_t i = 0; i < 16; i += 2) {
    if (i > 0) text.add(':');
    text.add_number(load_be16(prefix.data() + i), 16);
  }
  text.add('/').add_number(length);
  events->put_text(ids::kPrefixes, text.view());
}

void put_status(Reader r, EventWriter* events) {
  const uint16_t code = r.be16();
  if (!r.ok() || code == 0) return;
  events->put(ids::kStatusCode, code);
  events->put_bytes(ids::kStatusMessage, r.rest());
}

// The options inside of an association of addresses or prefixes.
void put_association(uint16_t code, Bytes data, EventWriter* events, Lifetimes* lifetimes) {
  Reader r(data);
  r.skip(code == kTemporaryAddresses ? 4 : 12);
  each_option(Reader(r.rest()), [&](uint16_t inner, Bytes option) {
    Reader fields(option);
    if (inner == kAddress && option.size() >= 24) {
      events->put_ip(ids::kAddresses, IpAddress::v6(fields.take(16).data()));
      const uint32_t preferred = fields.be32();
      *lifetimes = {true, preferred, fields.be32()};
    } else if (inner == kPrefix) {
      put_prefix(fields, events, lifetimes);
    } else if (inner == kStatus) {
      put_status(fields, events);
    }
  });
}

void put_option(uint16_t code, Bytes data, EventWriter* events, Lifetimes* lifetimes) {
  Reader r(data);
  std::array<char, 256> room;
  switch (code) {
    case kClientId: {
      events->put_bytes(ids::kClientId, data);
      const Bytes mac = mac_of(data);
      if (!mac.empty()) events->put_bytes(ids::kClientMac, mac);
      return;
    }
    case kServerId:
      return events->put_bytes(ids::kServerId, data);
    case kAddresses:
    case kTemporaryAddresses:
    case kPrefixes:
      return put_association(code, data, events, lifetimes);
    case kRequested:
      for (int n = 0; n < kMaxListed && r.remaining() >= 2; ++n) {
        events->put(ids::kRequestedOptions, r.be16());
      }
      return;
    case kStatus:
      return put_status(r, events);
    case kVendorClass: {
      r.skip(4);
      const Bytes text = r.take(r.be16());
      if (r.ok()) events->put_bytes(ids::kVendorClass, text);
      return;
    }
    case kDnsServers:
      return put_addresses(ids::kDnsServers, r, events);
    case kDomains:
      for (int n = 0; n < kMaxListed && !r.empty(); ++n) {
        const std::string_view name = read_domain(&r, room);
        if (!name.empty()) events->put_text(ids::kDomains, name);
      }
      return;
    case kClientName: {
      r.skip(1);  // flags
      const std::string_view name = read_domain(&r, room);
      if (!name.empty()) events->put_text(ids::kHostname, name);
      return;
    }
    default:
      return;
  }
}

Likelihood probe(const Segment& first) {
  if (!first.has_port(kPorts[0]) && !first.has_port(kPorts[1])) return Likelihood::kNo;
  Message message;
  if (!read_message(first.data, &message)) return Likelihood::kNo;
  const bool is_whole = each_option(message.options, [](uint16_t, Bytes) {});
  return is_whole || first.cut_bytes > 0 ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* dhcp = static_cast<State*>(state);
  Message message;
  if (!read_message(segment.data, &message)) {
    return dhcp->n_events > 0 ? Answer::kAccept : Answer::kReject;
  }
  if (++dhcp->n_events > kMaxEvents) return Answer::kDone;
  EventWriter* events = context->events;
  events->begin(event::kDhcpv6);
  events->put_text(ids::kType, kTypes[message.type]);
  events->put(ids::kId, message.id);
  Lifetimes lifetimes;
  each_option(message.options,
              [&](uint16_t code, Bytes data) { put_option(code, data, events, &lifetimes); });
  if (lifetimes.is_there) {
    events->put(ids::kPreferredLifetime, lifetimes.preferred);
    events->put(ids::kValidLifetime, lifetimes.valid);
  }
  if (message.n_relays > 0) {
    events->put(ids::kRelays, message.n_relays);
    events->put_ip(ids::kRelayLink, IpAddress::v6(message.relay_link.data()));
    events->put_ip(ids::kRelayPeer, IpAddress::v6(message.relay_peer.data()));
  }
  events->end();
  return Answer::kAccept;
}

}  // namespace

extern const Parser kDhcpv6;

const Parser kDhcpv6{
    .app = AppId::kDhcpv6,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = "\x01",
    .ports = kPorts,
};

}  // namespace thymus::dpi
