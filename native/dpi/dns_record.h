// Resource records of DNS messages (RFC 1035, 3.2.1), written as Suricata's EVE shows them.
//
//   | name | type, 2 | class, 2 | ttl, 4 | length, 2 | data |
#pragma once

#include "base/bytes.h"
#include "base/event_writer.h"
#include "dpi/dns_faults.h"
#include "dpi/dns_name.h"

namespace thymus::dpi {

namespace dns_type {
inline constexpr uint16_t kA = 1, kNs = 2, kCname = 5, kSoa = 6, kNull = 10, kPtr = 12, kMx = 15,
                          kTxt = 16, kAaaa = 28, kSrv = 33, kOpt = 41, kSshfp = 44;
}  // namespace dns_type

struct DnsRecord {
  DnsName name;
  uint16_t type;
  uint16_t klass;
  uint32_t ttl;
  size_t data_offset;  // in the message
  size_t data_bytes;
};

// Reads the record at the cursor and moves behind it; false when it is cut or has no end.
bool read_dns_record(Reader* message, DnsRecord* record, DnsFaults* faults);

// Writes the record as objects of `field` into the event: one, or one for each string of a TXT
// record, or none for an OPT record without options. An object is written whole or not at all.
void write_dns_record(uint16_t field, const DnsRecord& record, Bytes message, EventWriter* events,
                      DnsFaults* faults);

}  // namespace thymus::dpi
