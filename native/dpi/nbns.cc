// The name service of NetBIOS over UDP (RFC 1002, 4.2): messages of DNS's form with names of their
// own. A name has sixteen bytes, the last says what service bears it; each is sent as two letters:
//
//   | 20 | 32 letters A to P | labels of a scope | 00 |
//   data of NB: several { flags, 2, address, 4 }
//   data of NBSTAT: count, 1, several { name, 16, flags, 2 }, hardware address, 6
#include "base/generated/events/nbns.h"

#include <array>

#include "dpi/dns_message.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace ids = event::nbns;

constexpr uint16_t kPorts[] = {137};
constexpr uint32_t kMaxEvents = 20'000;
constexpr size_t kNameBytes = 16;
constexpr uint8_t kEncodedBytes = 2 * kNameBytes;
constexpr uint16_t kNb = 0x20, kNbstat = 0x21;
constexpr int kMaxAddresses = 64, kMaxNames = 128;

struct State {
  uint32_t n_events;
};

struct Name {
  std::array<char, kNameBytes> bytes{};

  uint8_t suffix() const { return static_cast<uint8_t>(bytes.back()); }
  // Without the blanks that fill it.
  std::string_view text() const {
    const std::string_view all(bytes.data(), kNameBytes - 1);
    const size_t end = all.find_last_not_of(std::string_view(" \0", 2));
    return all.substr(0, end + 1);
  }
};

bool read_name(Reader* r, Name* name) {
  if (r->u8() != kEncodedBytes) return false;
  const Bytes letters = r->take(kEncodedBytes);
  for (size_t i = 0; i < letters.size(); ++i) {
    const int nibble = letters[i] - 'A';
    if (nibble < 0 || nibble > 15) return false;
    char& byte = name->bytes[i / 2];
    byte = static_cast<char>(i % 2 == 0 ? nibble << 4 : byte | nibble);
  }
  uint8_t label = r->u8();
  while (r->ok() && label > 0) {
    if (label > 63) return false;
    r->skip(label);
    label = r->u8();
  }
  return r->ok();
}

// The name of a record is often a pointer to that of the question.
bool skip_record_name(Reader* r, Name* name) {
  if ((r->peek_u8() & 0xc0) == 0xc0) return r->skip(2);
  return read_name(r, name);
}

std::string_view opcode_name(uint8_t opcode) {
  switch (opcode) {
    case 0:
      return "query";
    case 5:
      return "registration";
    case 6:
      return "release";
    case 7:
      return "wait";
    case 8:
    case 9:
      return "refresh";
    case 15:
      return "multihomed_registration";
    default:
      return "";
  }
}

struct Message {
  DnsHeader header;
  Name name;
  uint16_t type = 0;
  uint32_t ttl = 0;
  bool has_record = false;
  Bytes data;  // of the record that answers or registers
};

bool read_message(const Segment& segment, Message* out) {
  const DnsMessage message{segment.data, segment.data.size() + segment.cut_bytes, false, false};
  if (!read_dns_header(message, &out->header)) return false;
  const DnsHeader& header = out->header;
  if (opcode_name(header.opcode()).empty() || header.questions > 1) return false;
  Reader r(segment.data);
  r.seek(DnsHeader::kBytes);
  if (header.questions == 1) {
    if (!read_name(&r, &out->name)) return false;
    out->type = r.be16();
    r.skip(2);
  }
  if (header.questions == 0 || header.answers + header.additionals > 0) {
    if (!skip_record_name(&r, &out->name)) return false;
    out->type = r.be16();
    r.skip(2);
    out->ttl = r.be32();
    const uint16_t length = r.be16();
    out->has_record = r.ok();
    out->data = r.take_up_to(length);
  }
  return r.ok() && (out->type == kNb || out->type == kNbstat || out->type == 0x0a);
}

void put_names(Reader r, EventWriter* events) {
  constexpr uint16_t kIsGroup = 0x8000;
  const int n = r.u8();
  for (int i = 0; i < n && i < kMaxNames && r.remaining() >= kNameBytes + 2; ++i) {
    Name name;
    const Bytes bytes = r.take(kNameBytes);
    std::copy(bytes.begin(), bytes.end(), name.bytes.begin());
    events->open(ids::kNames);
    events->put_text(ids::names::kName, name.text());
    events->put(ids::names::kSuffix, name.suffix());
    events->put_bool(ids::names::kGroup, (r.be16() & kIsGroup) != 0);
    events->close();
  }
  if (r.remaining() >= 6) events->put_bytes(ids::kUnitId, r.take(6));
}

void put_addresses(Reader r, EventWriter* events) {
  for (int i = 0; i < kMaxAddresses && r.remaining() >= 6; ++i) {
    r.skip(2);
    events->put_ip(ids::kAddresses, IpAddress::v4(r.take(4).data()));
  }
}

Likelihood probe(const Segment& first) {
  Message message;
  return read_message(first, &message) ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  constexpr uint16_t kBroadcast = 0x0010;
  auto* nbns = static_cast<State*>(state);
  Message message;
  if (!read_message(segment, &message)) {
    return nbns->n_events > 0 ? Answer::kAccept : Answer::kReject;
  }
  if (++nbns->n_events > kMaxEvents) return Answer::kDone;
  const DnsHeader& header = message.header;
  EventWriter* events = context->events;
  events->begin(event::kNbns);
  events->put_text(ids::kType, header.is_response() ? "response" : "request");
  events->put(ids::kId, header.id);
  events->put_text(ids::kOpcode, opcode_name(header.opcode()));
  if (header.is_response()) events->put(ids::kRcode, header.rcode());
  events->put_bool(ids::kBroadcast, (header.flags & kBroadcast) != 0);
  events->put_text(ids::kName, message.name.text());
  events->put(ids::kSuffix, message.name.suffix());
  events->put_text(ids::kRrtype, message.type == kNbstat ? "nbstat" : "nb");
  if (message.has_record) {
    events->put(ids::kTtl, message.ttl);
    if (message.type == kNb) put_addresses(Reader(message.data), events);
    if (message.type == kNbstat) put_names(Reader(message.data), events);
  }
  events->end();
  return Answer::kAccept;
}

}  // namespace

extern const Parser kNbns;

const Parser kNbns{
    .app = AppId::kNetbios,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = std::string_view("\0", 1),
    .ports = kPorts,
};

}  // namespace thymus::dpi
