// The Internet Key Exchange, versions 1 (RFC 2408, 2409) and 2 (RFC 7296), on UDP 500, and on 4500
// behind four zero bytes (RFC 3948):
//
//    0  initiator's SPI   8  responder's SPI   16  next payload   17  version   18  exchange
//   19  flags            20  message           24  length of all
//   payload:   | next payload | flags | length of all, 2 | data |
//   association: version 1 begins with its domain and situation, 4 bytes each; then proposals
//     { more, 0, length, 2, number, protocol, SPI bytes, transforms, SPI } of transforms:
//     version 1 { more, 0, length, 2, number, id, 0, 0 }, version 2 { more, 0, length, 2, type, 0,
//     id, 2 }, and attributes { type, 2, value, 2 }, or { type, 2, length, 2, value } where the
//     highest bit of the type is not set
#include "base/generated/events/ike.h"

#include <algorithm>

#include "dpi/ike/names.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace ids = event::ike;

constexpr uint16_t kPort = 500, kNatPort = 4500;
constexpr uint16_t kPorts[] = {kPort, kNatPort};
constexpr uint32_t kMaxEvents = 20'000;
constexpr size_t kHeaderBytes = 28, kPayloadHeaderBytes = 4;
constexpr int kMaxPayloads = 64, kMaxTransforms = 64, kMaxAttributes = 16, kMaxVendors = 32;
constexpr size_t kMaxShownBytes = 1024;  // of a key or nonce

struct State {
  uint32_t n_events;
};

struct Header {
  Bytes init_spi, resp_spi;
  uint8_t next_payload;
  uint8_t version;
  uint8_t exchange;
  uint8_t flags;
  uint32_t message_id;
  uint32_t length;

  uint8_t major() const { return version >> 4; }
  bool is_v1() const { return major() == 1; }
  bool is_initiator() const { return (flags & 0x08) != 0; }
  bool is_encrypted_v1() const { return (flags & 0x01) != 0; }
};

bool is_exchange(const Header& header) {
  const uint8_t exchange = header.exchange;
  if (!header.is_v1()) return exchange >= 34 && exchange <= 44;
  return (exchange >= 1 && exchange <= 6) || (exchange >= 32 && exchange <= 34);
}

// The message in a datagram. False for what is none; `*r` then stands anywhere.
bool read_header(const Segment& segment, Reader* r, Header* out) {
  *r = Reader(segment.data);
  if (segment.has_port(kNatPort) && !segment.has_port(kPort) && r->be32() != 0) return false;
  const size_t wire_bytes = r->remaining() + segment.cut_bytes;
  out->init_spi = r->take(8);
  out->resp_spi = r->take(8);
  out->next_payload = r->u8();
  out->version = r->u8();
  out->exchange = r->u8();
  out->flags = r->u8();
  out->message_id = r->be32();
  out->length = r->be32();
  return r->ok() && (out->version == 0x10 || out->major() == 2) && is_exchange(*out) &&
         out->length >= kHeaderBytes && out->length <= wire_bytes &&
         std::ranges::any_of(out->init_spi, [](uint8_t byte) { return byte != 0; });
}

// Calls `visit(type, data)` for each payload.
template <typename Visit>
void each_payload(const Header& header, Reader r, Visit&& visit) {
  uint8_t type = header.next_payload;
  for (int n = 0; n < kMaxPayloads && type != 0; ++n) {
    const uint8_t next = r.u8();
    r.skip(1);
    const size_t length = r.be16();
    if (!r.ok() || length < kPayloadHeaderBytes) return;
    const Bytes data = r.take_up_to(length - kPayloadHeaderBytes);
    visit(type, data);
    // What is sealed holds the next ones.
    if (!header.is_v1() && (type == 46 || type == 53)) return;
    type = next;
  }
}

// Calls `visit(transform)` with what follows a transform's length. The first proposal suffices of
// those that answer; those that ask are shown all.
template <typename Visit>
void each_transform(Reader proposals, Visit&& visit) {
  int n = 0;
  while (!proposals.empty() && n < kMaxTransforms) {
    proposals.skip(2);
    const size_t length = proposals.be16();
    if (!proposals.ok() || length < 8) return;
    Reader proposal = proposals.sub(length - 4);
    proposal.skip(2);
    const uint8_t spi_bytes = proposal.u8();
    proposal.skip(1 + size_t{spi_bytes});
    while (!proposal.empty() && n++ < kMaxTransforms) {
      proposal.skip(2);
      const size_t size = proposal.be16();
      if (!proposal.ok() || size < 8) return;
      visit(proposal.sub(size - 4));
    }
  }
}

// Attributes of a transform of version 1; 0: not there.
struct AttributesV1 {
  uint32_t encryption = 0, hash = 0, authentication = 0, group = 0, life_type = 0, duration = 0,
           key_length = 0;
};

AttributesV1 read_attributes_v1(Reader transform) {
  constexpr uint16_t kIsShort = 0x8000;
  AttributesV1 out;
  transform.skip(4);  // number, id
  for (int n = 0; n < kMaxAttributes && !transform.empty(); ++n) {
    const uint16_t type = transform.be16();
    uint32_t value = transform.be16();
    if ((type & kIsShort) == 0) {
      Reader wide = transform.sub(value);
      value = wide.remaining() == 4 ? wide.be32() : 0;
    }
    if (!transform.ok()) break;
    switch (type & ~kIsShort) {
      case 1:
        out.encryption = value;
        break;
      case 2:
        out.hash = value;
        break;
      case 3:
        out.authentication = value;
        break;
      case 4:
        out.group = value;
        break;
      case 11:
        out.life_type = value;
        break;
      case 12:
        out.duration = value;
        break;
      case 14:
        out.key_length = value;
        break;
      default:
        break;
    }
  }
  return out;
}

// Where the attributes go: beside the message, or into a proposal.
struct FieldsV1 {
  uint16_t encryption, encryption_raw, hash, hash_raw, authentication, authentication_raw, group,
      group_raw, life_type, life_type_raw, duration, key_length;
};
constexpr FieldsV1 kChosen = {ids::kAlgEnc,        ids::kAlgEncRaw,         ids::kAlgHash,
                              ids::kAlgHashRaw,    ids::kAlgAuth,           ids::kAlgAuthRaw,
                              ids::kAlgDh,         ids::kAlgDhRaw,          ids::kSaLifeType,
                              ids::kSaLifeTypeRaw, ids::kSaLifeDurationRaw, ids::kSaKeyLengthRaw};
namespace prop = ids::ikev1::client::proposals;
constexpr FieldsV1 kProposed = {
    prop::kAlgEnc,        prop::kAlgEncRaw,         prop::kAlgHash,
    prop::kAlgHashRaw,    prop::kAlgAuth,           prop::kAlgAuthRaw,
    prop::kAlgDh,         prop::kAlgDhRaw,          prop::kSaLifeType,
    prop::kSaLifeTypeRaw, prop::kSaLifeDurationRaw, prop::kSaKeyLengthRaw};

void put_attributes(const AttributesV1& a, const FieldsV1& fields, EventWriter* events) {
  const auto put = [events](uint16_t field, uint16_t raw, std::string_view name, uint32_t value) {
    if (value == 0) return;
    events->put_text(field, name.empty() ? "Unknown" : name);
    events->put(raw, value);
  };
  const auto narrow = [](uint32_t value) { return static_cast<uint16_t>(value); };
  put(fields.encryption, fields.encryption_raw, ike::v1_encryption(narrow(a.encryption)),
      a.encryption);
  put(fields.hash, fields.hash_raw, ike::v1_hash(narrow(a.hash)), a.hash);
  put(fields.authentication, fields.authentication_raw,
      ike::v1_authentication(narrow(a.authentication)), a.authentication);
  put(fields.group, fields.group_raw, ike::v1_group(narrow(a.group)), a.group);
  put(fields.life_type, fields.life_type_raw, ike::v1_life_type(narrow(a.life_type)), a.life_type);
  if (a.duration != 0) events->put(fields.duration, a.duration);
  if (a.key_length != 0) events->put(fields.key_length, a.key_length);
}

void put_transform_v2(Reader transform, EventWriter* events) {
  const uint8_t type = transform.u8();
  transform.skip(1);
  const uint16_t id = transform.be16();
  const auto put = [events](uint16_t field, std::string_view name) {
    events->put_text(field, name.empty() ? "Unknown" : name);
  };
  switch (type) {
    case 1:
      return put(ids::kAlgEnc, ike::v2_encryption(id));
    case 2:
      return put(ids::kAlgPrf, ike::v2_prf(id));
    case 3:
      return put(ids::kAlgAuth, ike::v2_integrity(id));
    case 4:
      return put(ids::kAlgDh, ike::v2_group(id));
    case 5:
      return put(ids::kAlgEsn, ike::v2_esn(id));
    default:
      return;
  }
}

void put_header(const Header& header, EventWriter* events) {
  events->put(ids::kVersionMajor, header.major());
  events->put(ids::kVersionMinor, header.version & 0x0f);
  events->put_bytes(ids::kInitSpi, header.init_spi);
  events->put_bytes(ids::kRespSpi, header.resp_spi);
  events->put(ids::kMessageId, header.message_id);
  events->put(ids::kExchangeType, header.exchange);
}

void put_payload_name(const Header& header, uint8_t type, EventWriter* events) {
  const std::string_view name = header.is_v1() ? ike::v1_payload(type) : ike::v2_payload(type);
  events->put_text(ids::kPayload, name.empty() ? "Unknown" : name);
}

Bytes shown(Bytes data) { return Reader(data).take_up_to(kMaxShownBytes); }

// ---- version 1

void put_keys_v1(const Header& header, Reader payloads, bool by_client, EventWriter* events) {
  namespace client = ids::ikev1::client;
  static_assert(client::kNoncePayloadLength == ids::ikev1::server::kNoncePayloadLength);
  events->open(by_client ? ids::ikev1::kClient : ids::ikev1::kServer);
  each_payload(header, payloads, [&](uint8_t type, Bytes data) {
    if (type == 4) {
      events->put_bytes(client::kKeyExchangePayload, shown(data));
      events->put(client::kKeyExchangePayloadLength, data.size());
    } else if (type == 10) {
      events->put_bytes(client::kNoncePayload, shown(data));
      events->put(client::kNoncePayloadLength, data.size());
    } else if (type == 1 && by_client && data.size() > 8) {
      each_transform(Reader(data.subspan(8)), [&](Reader transform) {
        events->open(client::kProposals);
        put_attributes(read_attributes_v1(transform), kProposed, events);
        events->close();
      });
    }
  });
  events->close();
}

void put_v1(const Header& header, Reader payloads, bool by_client, EventWriter* events) {
  if (header.is_encrypted_v1()) {
    put_payload_name(header, header.next_payload, events);
    events->open(ids::kIkev1);
    events->put_bool(ids::ikev1::kEncryptedPayloads, true);
    return events->close();
  }
  uint32_t domain = 0;
  bool is_chosen = false;
  each_payload(header, payloads, [&](uint8_t type, Bytes data) {
    put_payload_name(header, type, events);
    if (type != 1 || data.size() <= 8) return;
    domain = load_be32(data.data());
    if (by_client) return;
    each_transform(Reader(data.subspan(8)), [&](Reader transform) {
      if (!is_chosen) put_attributes(read_attributes_v1(transform), kChosen, events);
      is_chosen = true;
    });
  });
  events->open(ids::kIkev1);
  if (domain != 0) events->put(ids::ikev1::kDoi, domain);
  events->put_bool(ids::ikev1::kEncryptedPayloads, false);
  put_keys_v1(header, payloads, by_client, events);
  int n_vendors = 0;
  each_payload(header, payloads, [&](uint8_t type, Bytes data) {
    if (type == 13 && n_vendors++ < kMaxVendors) {
      events->put_bytes(ids::ikev1::kVendorIds, shown(data));
    }
  });
  events->close();
}

// ---- version 2

void put_v2(const Header& header, Reader payloads, EventWriter* events) {
  events->put_text(ids::kRole, header.is_initiator() ? "initiator" : "responder");
  bool is_sealed = false;
  each_payload(header, payloads, [&](uint8_t type, Bytes data) {
    put_payload_name(header, type, events);
    is_sealed = is_sealed || type == 46 || type == 53;
    if (type == 33 && !header.is_initiator()) {
      each_transform(Reader(data), [&](Reader r) { put_transform_v2(r, events); });
    }
  });
  if (!is_sealed) put_payload_name(header, 0, events);
  events->open(ids::kIkev2);
  events->put(ids::ikev2::kErrors, 0);
  each_payload(header, payloads, [&](uint8_t type, Bytes data) {
    Reader r(data);
    r.skip(2);
    const uint16_t notify = r.be16();
    if (type != 41 || !r.ok()) return;
    const std::string_view name = ike::v2_notify(notify);
    events->put_text(ids::ikev2::kNotify, name.empty() ? "Unknown" : name);
  });
  events->close();
}

// Of a flow that was seen from its middle on the originator may be the responder: who proposes does
// not know the other's SPI yet.
bool is_asking_v1(const Header& header, bool from_originator) {
  constexpr uint8_t kAssociation = 1;
  const bool is_first =
      std::ranges::all_of(header.resp_spi, [](uint8_t byte) { return byte == 0; });
  return header.next_payload == kAssociation ? is_first : from_originator;
}

Likelihood probe(const Segment& first) {
  Reader r;
  Header header;
  const bool on_port = first.has_port(kPort) || first.has_port(kNatPort);
  return on_port && read_header(first, &r, &header) ? Likelihood::kLikely : Likelihood::kNo;
}

// On port 4500 what is sealed with the keys goes on in the same flow.
Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* own = static_cast<State*>(state);
  Reader r;
  Header header;
  if (!read_header(segment, &r, &header)) {
    return own->n_events > 0 ? Answer::kAccept : Answer::kReject;
  }
  if (++own->n_events > kMaxEvents) return Answer::kDone;
  EventWriter* events = context->events;
  events->begin(event::kIke);
  put_header(header, events);
  const Reader payloads(r.take_up_to(header.length - kHeaderBytes));
  if (header.is_v1()) {
    put_v1(header, payloads, is_asking_v1(header, segment.from_originator), events);
  } else {
    put_v2(header, payloads, events);
  }
  events->end();
  return Answer::kAccept;
}

}  // namespace

extern const Parser kIke;

const Parser kIke{
    .app = AppId::kIke,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = std::string_view("\0", 1),
    .ports = kPorts,
};

}  // namespace thymus::dpi
