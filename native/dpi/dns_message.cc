#include "dpi/dns_message.h"

#include "base/generated/events/dns.h"
#include "dpi/dns_name.h"
#include "dpi/dns_record.h"

namespace thymus::dpi {
namespace {

namespace ids = event::dns;

struct Question {
  DnsName name;
  uint16_t type;
  uint16_t klass;
};

bool read_question(Reader* message, Question* question, DnsFaults* faults) {
  if (!read_dns_name(message, &question->name, faults)) return false;
  question->type = message->be16();
  question->klass = message->be16();
  return message->ok();
}

void write_query(std::string_view name, uint16_t type, EventWriter* events) {
  const EventWriter::Mark before = events->mark();
  events->open(ids::kQueries);
  events->put_text(ids::queries::kRrname, name);
  events->put(ids::queries::kRrtype, type);
  events->close();
  if (events->truncated()) events->rewind(before);
}

bool write_questions(Reader* message, uint16_t count, EventWriter* events, DnsFaults* faults) {
  Question question;
  for (uint16_t i = 0; i < count; ++i) {
    if (!read_question(message, &question, faults)) return false;
    if (events->truncated()) return true;
    write_query(question.name.view(), question.type, events);
  }
  return true;
}

// An inverse query asks with a record in the answer section (RFC 1035, 6.4.1).
void write_inverse_question(const DnsHeader& header, Reader records, EventWriter* events) {
  constexpr uint8_t kInverse = 1;
  if (header.opcode() != kInverse || header.is_response() || header.questions > 0) return;
  DnsFaults faults;
  DnsRecord record;
  if (header.answers == 0 || !read_dns_record(&records, &record, &faults)) return;
  if (!record.name.view().empty()) write_query(record.name.view(), record.type, events);
}

// The smallest question has 5 bytes and the smallest record 11, but counts that are a little too
// high are met in practice; 2 bytes for each separate DNS from noise.
constexpr size_t kLeastBytesPerEntry = 2;

// Assigned operation codes end at 6 (RFC 8490).
constexpr uint8_t kLastOpcode = 6;

void write_header(const DnsHeader& header, uint64_t tx_id, EventWriter* events) {
  events->put_text(ids::kType, header.is_response() ? "response" : "request");
  events->put(ids::kTxId, tx_id);
  events->put(ids::kId, header.id);
  events->put(ids::kFlags, header.flags);
  events->put(ids::kOpcode, header.opcode());
  events->put(ids::kRcode, header.rcode());
  events->put_bool(ids::kQr, header.is_response());
  events->put_bool(ids::kAa, header.aa());
  events->put_bool(ids::kTc, header.tc());
  events->put_bool(ids::kRd, header.rd());
  events->put_bool(ids::kRa, header.ra());
  events->put_bool(ids::kZ, header.z());
}

void judge_header(const DnsMessage& message, const DnsHeader& header, DnsFaults* faults) {
  if (header.z()) faults->add(anomaly_code::kDnsZFlagSet);
  if (header.opcode() > kLastOpcode) faults->add(anomaly_code::kDnsInvalidOpcode);
  if (message.from_client && header.is_response()) faults->add(anomaly_code::kDnsNotRequest);
  if (message.from_server && !header.is_response()) faults->add(anomaly_code::kDnsNotResponse);
}

struct Section {
  uint16_t field;
  uint16_t count;
  uint16_t fault;  // when it cannot be read to its end
};

// False when what follows cannot be read either.
bool write_section(const DnsMessage& message, const Section& section, Reader* cursor,
                   EventWriter* events, DnsFaults* faults) {
  DnsRecord record;
  for (uint16_t i = 0; i < section.count; ++i) {
    if (events->truncated()) return false;
    DnsFaults own;
    if (!read_dns_record(cursor, &record, &own)) {
      if (message.bytes.size() < message.wire_bytes) {
        events->count_truncation();
      } else {
        faults->add(section.fault);
      }
      return false;
    }
    faults->add(own);
    write_dns_record(section.field, record, message.bytes, events, faults);
  }
  return true;
}

bool is_plausible_type(uint16_t type) {
  return (type >= 1 && type <= 128) || (type >= 249 && type <= 264) || type == 32768 ||
         type == 32769;
}

bool is_plausible_class(uint16_t klass) {
  return klass == 1 || klass == 3 || klass == 4 || klass == 254 || klass == 255;
}

bool is_printable(std::string_view name) {
  for (const char c : name) {
    if (c <= ' ' || c > '~') return false;
  }
  return true;
}

// A server that could not read a question answers with a bare header.
bool is_bare_error(const DnsMessage& message, const DnsHeader& header) {
  return header.is_response() && header.rcode() != 0 && header.opcode() <= kLastOpcode &&
         message.wire_bytes < 2 * DnsHeader::kBytes && header.answers == 0 &&
         header.authorities == 0 && header.additionals == 0;
}

bool is_plausible_lookup(const DnsHeader& header) {
  if (header.questions != 1 || header.opcode() != 0 || header.z()) return false;
  if (header.is_response()) return true;
  return header.rcode() == 0 && !header.aa() && !header.tc() && !header.ra() &&
         header.answers == 0 && header.authorities == 0 && header.additionals <= 2;
}

// Every record reads well and the last one ends with the message.
bool is_whole(const DnsHeader& header, Reader* cursor) {
  const uint32_t n = uint32_t{header.answers} + header.authorities + header.additionals;
  DnsFaults faults;
  DnsRecord record;
  for (uint32_t i = 0; i < n; ++i) {
    if (!read_dns_record(cursor, &record, &faults) || !faults.empty()) return false;
  }
  return cursor->empty();
}

}  // namespace

bool read_dns_header(const DnsMessage& message, DnsHeader* header) {
  Reader r(message.bytes);
  for (uint16_t* field : {&header->id, &header->flags, &header->questions, &header->answers,
                          &header->authorities, &header->additionals}) {
    *field = r.be16();
  }
  const size_t entries =
      size_t{header->questions} + header->answers + header->authorities + header->additionals;
  return r.ok() && entries * kLeastBytesPerEntry <= message.wire_bytes;
}

Likelihood judge_dns(const DnsMessage& message, bool on_dns_port) {
  DnsHeader header;
  if (!read_dns_header(message, &header)) return Likelihood::kNo;
  Reader cursor(message.bytes);
  cursor.seek(DnsHeader::kBytes);
  if (header.questions == 0) {
    // An inverse query or the middle of a zone transfer has records only.
    const bool has_records = header.answers > 0 && is_whole(header, &cursor);
    return on_dns_port && (has_records || is_bare_error(message, header)) ? Likelihood::kLikely
                                                                          : Likelihood::kNo;
  }
  Question question;
  DnsFaults faults;
  const bool readable = read_question(&cursor, &question, &faults) &&
                        is_plausible_class(question.klass) && is_plausible_type(question.type);
  if (!readable) return Likelihood::kNo;
  if (on_dns_port) return Likelihood::kLikely;
  const bool strict = faults.empty() && is_printable(question.name.view()) &&
                      is_plausible_lookup(header) && is_whole(header, &cursor);
  return strict ? Likelihood::kLikely : Likelihood::kNo;
}

bool write_dns_message(const DnsMessage& message, uint64_t tx_id, EventWriter* events,
                       DnsFaults* faults) {
  DnsHeader header;
  if (!read_dns_header(message, &header)) {
    faults->add(anomaly_code::kDnsMalformedData);
    return false;
  }
  judge_header(message, header, faults);
  events->begin(event::kDns);
  write_header(header, tx_id, events);
  Reader cursor(message.bytes);
  cursor.seek(DnsHeader::kBytes);
  if (!write_questions(&cursor, header.questions, events, faults)) {
    faults->add(anomaly_code::kDnsMalformedData);
    return false;
  }
  write_inverse_question(header, cursor, events);
  for (const Section& section :
       {Section{ids::kAnswers, header.answers, anomaly_code::kDnsMalformedData},
        Section{ids::kAuthorities, header.authorities, anomaly_code::kDnsInvalidAuthorities},
        Section{ids::kAdditionals, header.additionals, anomaly_code::kDnsInvalidAdditionals}}) {
    if (!write_section(message, section, &cursor, events, faults)) break;
  }
  events->end();
  faults->write(events);
  return true;
}

}  // namespace thymus::dpi
