// SNMP over UDP: version 1 (RFC 1157), 2c (RFC 1901, 3416) and 3 (RFC 3412, 3414), in BER:
//
//   1, 2c:  SEQUENCE { version 0 or 1, community, PDU }
//   3:      SEQUENCE { version 3, SEQUENCE { id, size, flags, model }, security parameters,
//                      SEQUENCE { engine, context, PDU } or OCTET STRING when encrypted }
//   PDU:    [n] { id, error, index, SEQUENCE OF SEQUENCE { name, value } }
//   trap 1: [4] { enterprise, address, generic, specific, time, variables }
#include "base/generated/events/snmp.h"

#include <algorithm>

#include "base/text_builder.h"
#include "dpi/ber.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace ids = event::snmp;

constexpr uint16_t kPorts[] = {161, 162};
constexpr uint32_t kMaxEvents = 20'000;
constexpr int kMaxVariables = 64;
constexpr uint32_t kIpAddress = ber::application(0);
constexpr uint32_t kFirstPdu = ber::context_constructed(0), kTrapV1 = ber::context_constructed(4),
                   kLastPdu = ber::context_constructed(8);
constexpr std::string_view kPduNames[] = {"get_request",    "get_next_request", "response",
                                          "set_request",    "trap_v1",          "get_bulk_request",
                                          "inform_request", "trap_v2",          "report"};
constexpr std::string_view kErrors[] = {"NoError",
                                        "TooBig",
                                        "NoSuchName",
                                        "BadValue",
                                        "ReadOnly",
                                        "GenErr",
                                        "NoAccess",
                                        "WrongType",
                                        "WrongLength",
                                        "WrongEncoding",
                                        "WrongValue",
                                        "NoCreation",
                                        "InconsistentValue",
                                        "ResourceUnavailable",
                                        "CommitFailed",
                                        "UndoFailed",
                                        "AuthorizationError",
                                        "NotWritable",
                                        "InconsistentName"};
constexpr std::string_view kTraps[] = {
    "ColdStart",       "WarmStart",         "LinkDown", "LinkUp", "AuthenticationFailure",
    "EgpNeighborLoss", "EnterpriseSpecific"};

struct State {
  uint32_t n_events;
};

struct Message {
  int64_t version = 0;  // as on the wire
  Bytes community;
  Bytes user;
  bool is_encrypted = false;
  BerElement pdu;
};

// RFC 3414, 2.4: OCTET STRING holding SEQUENCE { engine, boots, time, user, ... }.
Bytes user_name(Bytes parameters) {
  BerReader r(parameters), fields;
  BerElement skipped;
  Bytes user;
  if (!r.enter(ber::kSequence, &fields)) return {};
  for (int i = 0; i < 3; ++i) fields.next(&skipped);
  fields.take(ber::kOctetString, &user);
  return user;
}

bool read_pdu(BerReader* r, Message* out) {
  return r->next(&out->pdu) && out->pdu.tag >= kFirstPdu && out->pdu.tag <= kLastPdu;
}

bool read_v3(BerReader* r, Message* out) {
  constexpr uint8_t kIsEncrypted = 0x02;
  BerReader header, scoped;
  BerElement skipped;
  Bytes flags, parameters;
  if (!r->enter(ber::kSequence, &header) || !header.next(&skipped) || !header.next(&skipped) ||
      !header.take(ber::kOctetString, &flags) || flags.size() != 1 ||
      !r->take(ber::kOctetString, &parameters)) {
    return false;
  }
  out->user = user_name(parameters);
  out->is_encrypted = (flags[0] & kIsEncrypted) != 0;
  if (out->is_encrypted) return true;
  return r->enter(ber::kSequence, &scoped) && scoped.next(&skipped) && scoped.next(&skipped) &&
         read_pdu(&scoped, out);
}

bool read_message(Bytes data, Message* out) {
  BerReader outer(data), r;
  if (!outer.enter(ber::kSequence, &r) || !r.integer(ber::kInteger, &out->version)) return false;
  if (out->version == 3) return read_v3(&r, out);
  return (out->version == 0 || out->version == 1) && r.take(ber::kOctetString, &out->community) &&
         read_pdu(&r, out);
}

using Text = TextBuilder<512>;

// Numbers with dots; the first says the first two.
Text oid_text(Bytes oid) {
  Text text;
  uint64_t arc = 0;
  for (const uint8_t byte : oid) {
    arc = arc << 7 | (byte & 0x7f);
    if ((byte & 0x80) != 0) continue;
    if (text.empty()) {
      const uint64_t root = std::min<uint64_t>(arc / 40, 2);
      text.add_number(root);
      arc -= root * 40;
    }
    text.add('.').add_number(arc);
    arc = 0;
  }
  return text;
}

template <size_t kCount>
void put_name(uint16_t field, const std::string_view (&names)[kCount], int64_t number,
              EventWriter* events) {
  if (number >= 0 && number < static_cast<int64_t>(kCount)) {
    events->put_text(field, names[number]);
  }
}

void put_variables(BerReader* pdu, EventWriter* events) {
  BerReader variables, variable;
  if (!pdu->enter(ber::kSequence, &variables)) return;
  for (int n = 0; n < kMaxVariables && variables.enter(ber::kSequence, &variable); ++n) {
    Bytes name;
    if (variable.take(ber::kOid, &name)) events->put_text(ids::kVars, oid_text(name).view());
  }
}

void put_trap_v1(BerReader* pdu, EventWriter* events) {
  Bytes enterprise, address;
  int64_t generic = 0;
  BerElement skipped;
  if (!pdu->take(ber::kOid, &enterprise) || !pdu->take(kIpAddress, &address) ||
      !pdu->integer(ber::kInteger, &generic)) {
    return;
  }
  put_name(ids::kTrapType, kTraps, generic, events);
  events->put_text(ids::kTrapOid, oid_text(enterprise).view());
  if (address.size() == 4) {
    events->put_ip(ids::kTrapAddress, IpAddress::v4(address.data()));
  }
  if (pdu->next(&skipped) && pdu->next(&skipped)) put_variables(pdu, events);
}

void put_pdu(const BerElement& element, EventWriter* events) {
  events->put_text(ids::kPduType, kPduNames[element.tag - kFirstPdu]);
  BerReader pdu(element.content);
  if (element.tag == kTrapV1) return put_trap_v1(&pdu, events);
  int64_t id = 0, error = 0, index = 0;
  if (!pdu.integer(ber::kInteger, &id) || !pdu.integer(ber::kInteger, &error) ||
      !pdu.integer(ber::kInteger, &index)) {
    return;
  }
  constexpr uint32_t kBulk = ber::context_constructed(5);
  if (error != 0 && element.tag != kBulk) put_name(ids::kError, kErrors, error, events);
  put_variables(&pdu, events);
}

Likelihood probe(const Segment& first) {
  Message message;
  return read_message(first.data, &message) ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* snmp = static_cast<State*>(state);
  Message message;
  if (!read_message(segment.data, &message)) {
    return snmp->n_events > 0 ? Answer::kAccept : Answer::kReject;
  }
  if (++snmp->n_events > kMaxEvents) return Answer::kDone;
  EventWriter* events = context->events;
  events->begin(event::kSnmp);
  events->put(ids::kVersion,
              message.version == 3 ? 3u : static_cast<unsigned>(message.version) + 1);
  if (message.is_encrypted) {
    events->put_text(ids::kPduType, "encrypted");
  } else {
    put_pdu(message.pdu, events);
  }
  if (message.version != 3) events->put_bytes(ids::kCommunity, message.community);
  if (!message.user.empty()) events->put_bytes(ids::kUsm, message.user);
  events->end();
  return Answer::kAccept;
}

}  // namespace

extern const Parser kSnmp;

const Parser kSnmp{
    .app = AppId::kSnmp,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = "\x30",
    .ports = kPorts,
};

}  // namespace thymus::dpi
