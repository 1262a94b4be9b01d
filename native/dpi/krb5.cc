// Kerberos 5 (RFC 4120) over UDP, and over TCP, where each message follows its length in 32 bits.
// Messages are DER; what is read of them:
//
//   AS-REQ, TGS-REQ  [APPLICATION 10, 12] { pvno [1], msg-type [2], req-body [4]
//                      { cname [1], realm [2], sname [3] } }
//   AS-REP, TGS-REP  [APPLICATION 11, 13] { pvno [0], msg-type [1], crealm [3], cname [4],
//                      ticket [5] { sname [2], enc-part [3] { etype [0] } },
//                      enc-part [6] { etype [0] } }
//   KRB-ERROR        [APPLICATION 30] { pvno [0], msg-type [1], error-code [6], crealm [7],
//                      cname [8], sname [10] }
#include "base/generated/events/krb5.h"

#include <array>
#include <string_view>

#include "base/generated/anomaly_codes.h"
#include "base/text_builder.h"
#include "dpi/ber.h"
#include "dpi/krb5_names.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace ids = event::krb5;

constexpr uint16_t kPorts[] = {88};
// The identifier octets of the messages that are read; a TCP record begins with a zero.
constexpr std::string_view kDatagramStarts = "\x6a\x6b\x6c\x6d\x6e\x6f\x7e";
constexpr std::string_view kRecordStarts("\0", 1);

enum MessageType : uint8_t {
  kAsReq = 10,
  kAsRep = 11,
  kTgsReq = 12,
  kTgsRep = 13,
  kApReq = 14,
  kApRep = 15,
  kError = 30,
};

constexpr size_t kRecordMarkBytes = 4;
constexpr uint32_t kMaxProbedRecord = 16384;
constexpr int64_t kVersion = 5;
constexpr int kMaxNameParts = 16;

using Principal = TextBuilder<512>;

struct Krb5Message {
  int type = 0;
  Bytes realm;
  bool has_realm = false;
  bool has_cname = false;
  bool has_sname = false;
  bool has_etype = false;
  bool has_ticket = false;
  Principal cname;
  Principal sname;
  int64_t etype = 0;
  int64_t ticket_etype = 0;
  int64_t error_code = 0;
};

bool tagged_integer(BerReader* in, uint32_t n, int64_t* value) {
  BerReader inner;
  return in->enter(ber::context_constructed(n), &inner) && inner.integer(ber::kInteger, value);
}

// A KerberosString, whatever kind of string it was sent as.
bool tagged_text(BerReader* in, uint32_t n, Bytes* text) {
  BerReader inner;
  BerElement element;
  if (!in->enter(ber::context_constructed(n), &inner) || !inner.next(&element)) return false;
  *text = element.content;
  return true;
}

// PrincipalName ::= SEQUENCE { name-type [0], name-string [1] SEQUENCE OF KerberosString }
bool tagged_principal(BerReader* in, uint32_t n, Principal* name) {
  BerReader inner, principal, strings;
  int64_t type;
  if (!in->enter(ber::context_constructed(n), &inner) || !inner.enter(ber::kSequence, &principal) ||
      !tagged_integer(&principal, 0, &type) ||
      !principal.enter(ber::context_constructed(1), &strings) ||
      !strings.enter(ber::kSequence, &strings)) {
    return false;
  }
  BerElement part;
  for (int i = 0; i < kMaxNameParts && strings.next(&part); ++i) {
    if (i > 0) name->add('/');
    name->add(as_text(part.content));
  }
  return strings.ok();
}

// EncryptedData ::= SEQUENCE { etype [0], kvno [1] OPTIONAL, cipher [2] }
bool tagged_etype(BerReader* in, uint32_t n, int64_t* etype) {
  BerReader inner, data;
  return in->enter(ber::context_constructed(n), &inner) && inner.enter(ber::kSequence, &data) &&
         tagged_integer(&data, 0, etype);
}

void skip_tagged(BerReader* in, uint32_t n) {
  Bytes ignored;
  in->take(ber::context_constructed(n), &ignored);
}

bool version_and_type(BerReader* in, uint32_t first, int type) {
  int64_t version = 0, sent_type = 0;
  return tagged_integer(in, first, &version) && version == kVersion &&
         tagged_integer(in, first + 1, &sent_type) && sent_type == type;
}

bool read_request(BerReader in, Krb5Message* m) {
  BerReader inner, body;
  if (!version_and_type(&in, 1, m->type)) return false;
  skip_tagged(&in, 3);
  if (!in.enter(ber::context_constructed(4), &inner) || !inner.enter(ber::kSequence, &body)) {
    return false;
  }
  skip_tagged(&body, 0);
  m->has_cname = tagged_principal(&body, 1, &m->cname);
  m->has_realm = tagged_text(&body, 2, &m->realm);
  m->has_sname = tagged_principal(&body, 3, &m->sname);
  return m->has_realm;
}

bool read_ticket(BerReader in, Krb5Message* m) {
  BerReader ticket;
  int64_t version = 0;
  Bytes realm;
  if (!in.enter(ber::application_constructed(1), &ticket) ||
      !ticket.enter(ber::kSequence, &ticket) || !tagged_integer(&ticket, 0, &version) ||
      !tagged_text(&ticket, 1, &realm)) {
    return false;
  }
  m->has_sname = tagged_principal(&ticket, 2, &m->sname);
  m->has_ticket = tagged_etype(&ticket, 3, &m->ticket_etype);
  return m->has_sname && m->has_ticket;
}

bool read_response(BerReader in, Krb5Message* m) {
  if (!version_and_type(&in, 0, m->type)) return false;
  skip_tagged(&in, 2);
  m->has_realm = tagged_text(&in, 3, &m->realm);
  m->has_cname = tagged_principal(&in, 4, &m->cname);
  BerReader ticket;
  if (!in.enter(ber::context_constructed(5), &ticket) || !read_ticket(ticket, m)) return false;
  m->has_etype = tagged_etype(&in, 6, &m->etype);
  return m->has_realm && m->has_cname && m->has_etype;
}

bool read_error(BerReader in, Krb5Message* m) {
  if (!version_and_type(&in, 0, m->type)) return false;
  for (const uint32_t time : {2u, 3u, 4u, 5u}) skip_tagged(&in, time);
  if (!tagged_integer(&in, 6, &m->error_code)) return false;
  m->has_realm = tagged_text(&in, 7, &m->realm);
  m->has_cname = tagged_principal(&in, 8, &m->cname);
  skip_tagged(&in, 9);
  m->has_sname = tagged_principal(&in, 10, &m->sname);
  return m->has_sname;
}

// What kind of message begins here: an APPLICATION tag over a SEQUENCE that begins with a version
// and names the same type. 0: none.
int message_type(Bytes bytes) {
  ber::Header outer, sequence;
  if (ber::read_header(bytes, &outer) != ber::Form::kWhole) return 0;
  const int type = static_cast<int>(outer.tag & 0x1f);
  if (outer.tag != ber::application_constructed(outer.tag & 0x1f)) return 0;
  Reader r(bytes);
  r.skip(outer.header_bytes);
  if (ber::read_header(r.rest(), &sequence) != ber::Form::kWhole ||
      sequence.tag != ber::kSequence || sequence.element_bytes() != outer.content_bytes) {
    return 0;
  }
  r.skip(sequence.header_bytes);
  const bool is_request = type == kAsReq || type == kTgsReq;
  const uint8_t first = is_request ? 0xa1 : 0xa0;
  const std::array<uint8_t, 10> expected{first,
                                         3,
                                         2,
                                         1,
                                         static_cast<uint8_t>(kVersion),
                                         uint8_t(first + 1),
                                         3,
                                         2,
                                         1,
                                         static_cast<uint8_t>(type)};
  const Bytes fixed = r.take(expected.size());
  return r.ok() && std::equal(fixed.begin(), fixed.end(), expected.begin()) ? type : 0;
}

bool is_known(int type) { return (type >= kAsReq && type <= kApRep) || type == kError; }

// The answer to a message is told what was asked before it.
struct Dialog {
  uint8_t last_request;

  void remember(int type) {
    const bool is_request = type == kAsReq || type == kTgsReq || type == kApReq;
    last_request = is_request ? static_cast<uint8_t>(type) : uint8_t{0};
  }
};

void write(const Krb5Message& m, uint8_t last_request, EventWriter* events) {
  events->begin(event::kKrb5);
  events->put_text(ids::kMsgType, krb5_message_name(m.type));
  if (m.type == kError) {
    events->put_text(ids::kFailedRequest, krb5_message_name(last_request));
    events->put_text(ids::kErrorCode, krb5_error_name(m.error_code).view());
  }
  events->put_text(ids::kCname, m.has_cname ? m.cname.view() : "<empty>");
  events->put_text(ids::kRealm, m.has_realm ? as_text(m.realm) : "<empty>");
  events->put_text(ids::kSname, m.has_sname ? m.sname.view() : "<empty>");
  const Krb5Name etype = krb5_encryption_name(m.etype);
  events->put_text(ids::kEncryption, m.has_etype ? etype.view() : "<none>");
  events->put_bool(ids::kWeakEncryption, m.has_etype && krb5_is_weak(m.etype));
  if (m.has_ticket) {
    events->put_text(ids::kTicketEncryption, krb5_encryption_name(m.ticket_etype).view());
    events->put_bool(ids::kTicketWeakEncryption, krb5_is_weak(m.ticket_etype));
  }
  if (m.cname.cut() || m.sname.cut()) events->count_truncation();
  events->end();
}

// False: the bytes are no Kerberos message.
bool on_message(Bytes bytes, Dialog* dialog, EventWriter* events) {
  ber::Header outer;
  if (ber::read_header(bytes, &outer) != ber::Form::kWhole) return false;
  Krb5Message m;
  m.type = static_cast<int>(outer.tag & 0x1f);
  BerReader message(bytes), sequence;
  if (!is_known(m.type) || outer.tag != ber::application_constructed(outer.tag & 0x1f) ||
      !message.enter(outer.tag, &sequence) || !sequence.enter(ber::kSequence, &sequence)) {
    return false;
  }
  const bool is_request = m.type == kAsReq || m.type == kTgsReq;
  const bool is_silent = m.type == kApReq || m.type == kApRep;
  const bool was_read = is_silent          ? false
                        : is_request       ? read_request(sequence, &m)
                        : m.type == kError ? read_error(sequence, &m)
                                           : read_response(sequence, &m);
  if (was_read) {
    write(m, dialog->last_request, events);
    if (m.has_etype && krb5_is_weak(m.etype)) {
      write_anomaly(anomaly_code::kKrb5WeakEncryption, events);
    }
  } else if (!is_silent) {
    write_anomaly(anomaly_code::kKrb5MalformedData, events);
  }
  dialog->remember(m.type);
  return true;
}

// ---- UDP

Likelihood probe_udp(const Segment& first) {
  return is_known(message_type(first.data)) ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_datagram(void* state, const Segment& segment, Context* context) {
  auto* dialog = static_cast<Dialog*>(state);
  if (is_known(message_type(segment.data))) {
    on_message(segment.data, dialog, context->events);
    return Answer::kAccept;
  }
  return Answer::kReject;
}

// ---- TCP

struct Stream {
  Dialog dialog;
  bool is_sure;
  bool is_lost[2];  // after a hole: where the next record begins is not known
};

size_t record_bytes(Bytes bytes) { return kRecordMarkBytes + Reader(bytes).be32(); }

Likelihood probe_tcp(const Segment& first) {
  Reader r(first.data);
  const uint32_t length = r.be32();
  if (!r.ok()) return first.has_port(kPorts[0]) ? Likelihood::kMaybe : Likelihood::kNo;
  if (length > kMaxProbedRecord) return Likelihood::kNo;
  return is_known(message_type(r.rest())) ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_stream(void* state, const Segment& segment, Context* context) {
  auto* stream = static_cast<Stream*>(state);
  const int side = segment.from_originator ? 0 : 1;
  if (stream->is_lost[side]) {
    if (probe_tcp(segment) != Likelihood::kLikely) return Answer::kAccept;
    stream->is_lost[side] = false;
  }
  bool broken = false;
  const bool kept = take_messages(context, side, segment.data, [&](Bytes bytes) -> size_t {
    if (bytes.size() < kRecordMarkBytes) return 0;
    const size_t size = record_bytes(bytes);
    if (size > kMaxBufferBytes) {
      broken = true;
      return bytes.size();
    }
    if (bytes.size() < size) return 0;
    if (!on_message(bytes.first(size).subspan(kRecordMarkBytes), &stream->dialog,
                    context->events)) {
      broken = true;
      return bytes.size();
    }
    stream->is_sure = true;
    return size;
  });
  if (broken || !kept) return Answer::kReject;
  return stream->is_sure ? Answer::kAccept : Answer::kNeedMore;
}

bool on_stream_gap(void* state, bool from_originator, Context* context) {
  const int side = from_originator ? 0 : 1;
  static_cast<Stream*>(state)->is_lost[side] = true;
  context->buffers->clear(side);
  return true;
}

}  // namespace

extern const Parser kKrb5Udp;
extern const Parser kKrb5Tcp;

const Parser kKrb5Udp{
    .app = AppId::kKrb5,
    .state_bytes = sizeof(Dialog),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe_udp,
    .on_data = on_datagram,
    .first_bytes = kDatagramStarts,
    .ports = kPorts,
};
const Parser kKrb5Tcp{
    .app = AppId::kKrb5,
    .state_bytes = sizeof(Stream),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe_tcp,
    .on_data = on_stream,
    .on_gap = on_stream_gap,
    .first_bytes = kRecordStarts,
    .ports = kPorts,
};

}  // namespace thymus::dpi
