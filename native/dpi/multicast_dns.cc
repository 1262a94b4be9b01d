// Names on the local link: multicast DNS (RFC 6762) and LLMNR (RFC 4795). Both have the messages of
// DNS (dns_message.h); a response may come without its question.
#include "base/generated/events/llmnr.h"
#include "base/generated/events/mdns.h"
#include "base/text_builder.h"
#include "dpi/dns_message.h"
#include "dpi/dns_record.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace ids = event::mdns;
namespace out = event::mdns::answers;
// The two events have the same fields, and so have the sections.
static_assert(ids::kAdditionals == event::llmnr::kAdditionals &&
              ids::kType == event::llmnr::kType &&
              out::srv::kName == event::llmnr::additionals::srv::kName &&
              out::srv::kName == ids::additionals::srv::kName &&
              out::kTxt == ids::authorities::kTxt && out::kTxt == event::llmnr::answers::kTxt);

constexpr uint16_t kMdnsPorts[] = {5353};
constexpr uint16_t kLlmnrPorts[] = {5355};
constexpr uint32_t kMaxEvents = 20'000;
constexpr uint16_t kAny = 255;
constexpr int kMaxStrings = 64;

struct State {
  uint32_t n_events;
};

struct TypeName {
  uint16_t type;
  std::string_view name;
};
constexpr TypeName kTypes[] = {{dns_type::kA, "a"},
                               {dns_type::kNs, "ns"},
                               {dns_type::kCname, "cname"},
                               {dns_type::kSoa, "soa"},
                               {dns_type::kNull, "null"},
                               {dns_type::kPtr, "ptr"},
                               {13, "hinfo"},
                               {dns_type::kMx, "mx"},
                               {dns_type::kTxt, "txt"},
                               {dns_type::kAaaa, "aaaa"},
                               {dns_type::kSrv, "srv"},
                               {dns_type::kOpt, "opt"},
                               {47, "nsec"},
                               {dns_type::kSshfp, "sshfp"},
                               {64, "svcb"},
                               {65, "https"},
                               {kAny, "any"}};

void put_type(uint16_t field, uint16_t type, EventWriter* events) {
  for (const TypeName& known : kTypes) {
    if (known.type == type) return events->put_text(field, known.name);
  }
  events->put_text(field, TextBuilder<8>().add_number(type).view());
}

struct Flag {
  uint16_t bit;
  std::string_view name;
};
constexpr Flag kFlags[] = {{0x0400, "aa"}, {0x0200, "tc"}, {0x0100, "rd"}, {0x0080, "ra"},
                           {0x0040, "z"},  {0x0020, "ad"}, {0x0010, "cd"}};

void put_header(const DnsHeader& header, EventWriter* events) {
  events->put_text(ids::kType, header.is_response() ? "response" : "request");
  events->put(ids::kId, header.id);
  for (const Flag& flag : kFlags) {
    if ((header.flags & flag.bit) != 0) events->put_text(ids::kFlags, flag.name);
  }
  events->put(ids::kOpcode, header.opcode());
  events->put(ids::kRcode, header.rcode());
}

bool put_questions(uint16_t count, Reader* message, EventWriter* events, DnsFaults* faults) {
  DnsName name;
  for (uint16_t i = 0; i < count && !events->truncated(); ++i) {
    if (!read_dns_name(message, &name, faults)) return false;
    const uint16_t type = message->be16();
    message->skip(2);  // class
    if (!message->ok()) return false;
    const EventWriter::Mark before = events->mark();
    events->open(ids::kQueries);
    events->put_text(ids::queries::kRrname, name.view());
    put_type(ids::queries::kRrtype, type, events);
    events->close();
    if (events->truncated()) events->rewind(before);
  }
  return true;
}

void put_name(uint16_t field, Reader at, EventWriter* events, DnsFaults* faults) {
  DnsName name;
  read_dns_name(&at, &name, faults);
  events->put_text(field, name.view());
}

// `message` stands at the data.
void put_data(const DnsRecord& record, Reader message, EventWriter* events, DnsFaults* faults) {
  Reader r(message.rest().first(record.data_bytes));
  switch (record.type) {
    case dns_type::kA:
      if (r.remaining() == 4) events->put_ip(out::kA, IpAddress::v4(r.take(4).data()));
      return;
    case dns_type::kAaaa:
      if (r.remaining() == 16) events->put_ip(out::kAaaa, IpAddress::v6(r.take(16).data()));
      return;
    case dns_type::kCname:
      return put_name(out::kCname, message, events, faults);
    case dns_type::kNs:
      return put_name(out::kNs, message, events, faults);
    case dns_type::kPtr:
      return put_name(out::kPtr, message, events, faults);
    case dns_type::kMx:
      message.skip(2);
      return put_name(out::kMx, message, events, faults);
    case dns_type::kTxt:
      for (int i = 0; i < kMaxStrings && !r.empty(); ++i) {
        events->put_bytes(out::kTxt, r.take_up_to(r.u8()));
      }
      return;
    case dns_type::kSrv:
      events->open(out::kSrv);
      events->put(out::srv::kPriority, message.be16());
      events->put(out::srv::kWeight, message.be16());
      events->put(out::srv::kPort, message.be16());
      put_name(out::srv::kName, message, events, faults);
      return events->close();
    default:
      return put_type(out::kRrtype, record.type, events);
  }
}

bool put_records(uint16_t field, uint16_t count, Reader* message, EventWriter* events,
                 DnsFaults* faults) {
  DnsRecord record;
  for (uint16_t i = 0; i < count && !events->truncated(); ++i) {
    if (!read_dns_record(message, &record, faults)) return false;
    if (record.type == dns_type::kOpt && record.data_bytes == 0) continue;
    const EventWriter::Mark before = events->mark();
    Reader data(message->all());
    data.seek(record.data_offset);
    events->open(field);
    events->put_text(out::kRrname, record.name.view());
    put_data(record, data, events, faults);
    events->close();
    if (events->truncated()) events->rewind(before);
  }
  return true;
}

DnsMessage message_of(const Segment& segment) {
  return {segment.data, segment.data.size() + segment.cut_bytes, false, false};
}

// Whether the first name and what the header says make sense; a port alone is little.
Likelihood judge(const Segment& first, const uint16_t (&ports)[1]) {
  DnsHeader header;
  if (!first.has_port(ports[0]) || !read_dns_header(message_of(first), &header)) {
    return Likelihood::kNo;
  }
  if (header.opcode() != 0 || header.questions + header.answers + header.authorities == 0) {
    return Likelihood::kNo;
  }
  Reader r(first.data);
  r.seek(DnsHeader::kBytes);
  DnsName name;
  DnsFaults faults;
  if (!read_dns_name(&r, &name, &faults) || !faults.empty()) return Likelihood::kNo;
  return r.remaining() >= 4 ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_message(uint16_t type, State* state, const Segment& segment, Context* context) {
  DnsHeader header;
  if (!read_dns_header(message_of(segment), &header)) {
    return state->n_events > 0 ? Answer::kAccept : Answer::kReject;
  }
  if (++state->n_events > kMaxEvents) return Answer::kDone;
  EventWriter* events = context->events;
  DnsFaults faults;
  Reader r(segment.data);
  r.seek(DnsHeader::kBytes);
  events->begin(type);
  put_header(header, events);
  const bool is_whole = put_questions(header.questions, &r, events, &faults) &&
                        put_records(ids::kAnswers, header.answers, &r, events, &faults) &&
                        put_records(ids::kAuthorities, header.authorities, &r, events, &faults) &&
                        put_records(ids::kAdditionals, header.additionals, &r, events, &faults);
  if (!is_whole) events->count_truncation();
  events->end();
  return Answer::kAccept;
}

Likelihood probe_mdns(const Segment& first) { return judge(first, kMdnsPorts); }
Likelihood probe_llmnr(const Segment& first) { return judge(first, kLlmnrPorts); }

Answer on_mdns(void* state, const Segment& segment, Context* context) {
  return on_message(event::kMdns, static_cast<State*>(state), segment, context);
}
Answer on_llmnr(void* state, const Segment& segment, Context* context) {
  return on_message(event::kLlmnr, static_cast<State*>(state), segment, context);
}

// No first byte: only the port makes them asked.
constexpr std::string_view kOnPortOnly("\0", 1);

}  // namespace

extern const Parser kMdns;

const Parser kMdns{
    .app = AppId::kMdns,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe_mdns,
    .on_data = on_mdns,
    .first_bytes = kOnPortOnly,
    .ports = kMdnsPorts,
};

extern const Parser kLlmnr;

const Parser kLlmnr{
    .app = AppId::kLlmnr,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe_llmnr,
    .on_data = on_llmnr,
    .first_bytes = kOnPortOnly,
    .ports = kLlmnrPorts,
};

}  // namespace thymus::dpi
