#include "dpi/dns_record.h"

#include <algorithm>

#include "base/generated/events/dns.h"

namespace thymus::dpi {
namespace {

// The sections of the event share their field numbers, so one writer serves all.
namespace ids = event::dns::answers;
#define THYMUS_SAME_IDS(section)                                                                \
  static_assert(                                                                                \
      ids::kRrname == event::dns::section::kRrname &&                                           \
      ids::kRrtype == event::dns::section::kRrtype && ids::kTtl == event::dns::section::kTtl && \
      ids::kRdata == event::dns::section::kRdata && ids::kSoa == event::dns::section::kSoa &&   \
      ids::kSrv == event::dns::section::kSrv && ids::kSshfp == event::dns::section::kSshfp &&   \
      ids::kOpt == event::dns::section::kOpt &&                                                 \
      ids::soa::kMinimum == event::dns::section::soa::kMinimum &&                               \
      ids::srv::kName == event::dns::section::srv::kName &&                                     \
      ids::sshfp::kType == event::dns::section::sshfp::kType &&                                 \
      ids::opt::kData == event::dns::section::opt::kData)
THYMUS_SAME_IDS(authorities);
THYMUS_SAME_IDS(additionals);
#undef THYMUS_SAME_IDS

// Longer opaque data is cut: it says no more about the message.
constexpr size_t kMaxDataBytes = 4096;
constexpr size_t kMaxFingerprintBytes = 64;
constexpr char kHexDigits[] = "0123456789abcdef";

// Text of bounded length on the stack.
template <size_t kMost>
class Text {
 public:
  void add(char c) {
    if (size_ < kMost) text_[size_++] = c;
  }
  void add_hex(uint8_t byte) {
    add(kHexDigits[byte >> 4]);
    add(kHexDigits[byte & 0xf]);
  }
  void add_decimal(uint8_t byte) {
    if (byte >= 100) add(static_cast<char>('0' + byte / 100));
    if (byte >= 10) add(static_cast<char>('0' + byte / 10 % 10));
    add(static_cast<char>('0' + byte % 10));
  }
  std::string_view view() const { return {text_, size_}; }

 private:
  char text_[kMost];
  size_t size_ = 0;
};

// One record's data: a cursor over the message that stands at its first byte. Names may point
// anywhere before; their own bytes must lie inside.
struct Data {
  Reader message;
  size_t end;
  EventWriter* events;
  DnsFaults* faults;

  Reader bytes() const { return Reader(message.rest().first(end - message.offset())); }
  void malformed() { faults->add(anomaly_code::kDnsMalformedData); }
  void write_name(uint16_t field) {
    DnsName name;
    if (!read_dns_name(&message, &name, faults) || message.offset() > end) malformed();
    events->put_text(field, name.view());
  }
};

void write_ipv4(Data* data) {
  Reader r = data->bytes();
  if (r.remaining() != 4) return;  // an update without data, for one
  Text<15> text;
  while (!r.empty()) {
    text.add_decimal(r.u8());
    if (!r.empty()) text.add('.');
  }
  data->events->put_text(ids::kRdata, text.view());
}

// All eight groups with their zeros, as EVE has them.
void write_ipv6(Data* data) {
  Reader r = data->bytes();
  if (r.remaining() != 16) return;
  Text<39> text;
  while (!r.empty()) {
    text.add_hex(r.u8());
    text.add_hex(r.u8());
    if (!r.empty()) text.add(':');
  }
  data->events->put_text(ids::kRdata, text.view());
}

void write_mx(Data* data) {
  if (data->bytes().remaining() < 2) return data->malformed();
  data->message.skip(2);  // preference
  data->write_name(ids::kRdata);
}

void write_soa(Data* data) {
  data->events->open(ids::kSoa);
  data->write_name(ids::soa::kMname);
  data->write_name(ids::soa::kRname);
  if (data->message.offset() + 20 <= data->end) {
    for (const uint16_t field : {ids::soa::kSerial, ids::soa::kRefresh, ids::soa::kRetry,
                                 ids::soa::kExpire, ids::soa::kMinimum}) {
      data->events->put(field, data->message.be32());
    }
  } else {
    data->malformed();
  }
  data->events->close();
}

void write_srv(Data* data) {
  if (data->bytes().remaining() < 6) return data->malformed();
  data->events->open(ids::kSrv);
  for (const uint16_t field : {ids::srv::kPriority, ids::srv::kWeight, ids::srv::kPort}) {
    data->events->put(field, data->message.be16());
  }
  data->write_name(ids::srv::kName);
  data->events->close();
}

void write_sshfp(Data* data) {
  Reader r = data->bytes();
  if (r.remaining() < 2) return data->malformed();
  data->events->open(ids::kSshfp);
  data->events->put(ids::sshfp::kAlgo, r.u8());
  data->events->put(ids::sshfp::kType, r.u8());
  Text<3 * kMaxFingerprintBytes> text;
  Reader fingerprint = r.sub(kMaxFingerprintBytes);
  while (!fingerprint.empty()) {
    text.add_hex(fingerprint.u8());
    if (!fingerprint.empty()) text.add(':');
  }
  data->events->put_text(ids::sshfp::kFingerprint, text.view());
  data->events->close();
}

void write_null(Data* data) {
  data->events->put_bytes(ids::kRdata, data->bytes().take_up_to(kMaxDataBytes));
}

void write_options(Data* data) {
  Reader r = data->bytes();
  while (!r.empty()) {
    const uint16_t code = r.be16();
    const Bytes value = r.take(r.be16());
    if (!r.ok()) return data->malformed();
    data->events->open(ids::kOpt);
    data->events->put(ids::opt::kCode, code);
    data->events->put_bytes(ids::opt::kData, value.first(std::min(value.size(), kMaxDataBytes)));
    data->events->close();
  }
}

void write_data(uint16_t type, Data* data) {
  switch (type) {
    case dns_type::kA:
      return write_ipv4(data);
    case dns_type::kAaaa:
      return write_ipv6(data);
    case dns_type::kNs:
    case dns_type::kCname:
    case dns_type::kPtr:
      return data->write_name(ids::kRdata);
    case dns_type::kMx:
      return write_mx(data);
    case dns_type::kSoa:
      return write_soa(data);
    case dns_type::kSrv:
      return write_srv(data);
    case dns_type::kSshfp:
      return write_sshfp(data);
    case dns_type::kNull:
      return write_null(data);
    case dns_type::kOpt:
      return write_options(data);
    default:
      return;
  }
}

// An object of `field` with what every record has and what `body` adds; set back when it did not
// fit.
template <typename Body>
void write_object(uint16_t field, const DnsRecord& record, EventWriter* events, const Body& body) {
  if (events->truncated()) return;
  const EventWriter::Mark before = events->mark();
  events->open(field);
  events->put_text(ids::kRrname, record.name.view());
  events->put(ids::kRrtype, record.type);
  events->put(ids::kTtl, record.ttl);
  body();
  events->close();
  if (events->truncated()) events->rewind(before);
}

void write_strings(uint16_t field, const DnsRecord& record, Data* data) {
  Reader r = data->bytes();
  if (r.empty()) data->malformed();
  while (!r.empty() && !data->events->truncated()) {
    const Bytes string = r.take(r.u8());
    if (!r.ok()) return data->malformed();
    write_object(field, record, data->events,
                 [&] { data->events->put_bytes(ids::kRdata, string); });
  }
}

}  // namespace

bool read_dns_record(Reader* message, DnsRecord* record, DnsFaults* faults) {
  if (!read_dns_name(message, &record->name, faults)) return false;
  record->type = message->be16();
  record->klass = message->be16();
  record->ttl = message->be32();
  record->data_bytes = message->be16();
  record->data_offset = message->offset();
  return message->skip(record->data_bytes) && message->ok();
}

void write_dns_record(uint16_t field, const DnsRecord& record, Bytes message, EventWriter* events,
                      DnsFaults* faults) {
  Data data{Reader(message), record.data_offset + record.data_bytes, events, faults};
  data.message.seek(record.data_offset);
  if (record.type == dns_type::kTxt) return write_strings(field, record, &data);
  if (record.type == dns_type::kOpt && record.data_bytes == 0) return;
  write_object(field, record, events, [&] { write_data(record.type, &data); });
}

}  // namespace thymus::dpi
