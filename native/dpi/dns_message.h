// DNS messages (RFC 1035, 4.1; RFC 6891 for OPT).
//
//    0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15
//   +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
//   |                      ID                       |
//   |QR|   OPCODE  |AA|TC|RD|RA| Z|AD|CD|   RCODE   |
//   |           questions, answers,                 |
//   |           authorities, additionals            |  16 bits each
//   +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
//   questions: | name | type, 2 | class, 2 |, then the records of the three sections
#pragma once

#include "base/bytes.h"
#include "base/event_writer.h"
#include "dpi/dns_faults.h"
#include "dpi/parser.h"

namespace thymus::dpi {

struct DnsHeader {
  static constexpr size_t kBytes = 12;

  uint16_t id;
  uint16_t flags;
  uint16_t questions;
  uint16_t answers;
  uint16_t authorities;
  uint16_t additionals;

  bool is_response() const { return (flags & 0x8000) != 0; }
  uint8_t opcode() const { return flags >> 11 & 0xf; }
  uint8_t rcode() const { return flags & 0xf; }
  bool aa() const { return (flags & 0x0400) != 0; }
  bool tc() const { return (flags & 0x0200) != 0; }
  bool rd() const { return (flags & 0x0100) != 0; }
  bool ra() const { return (flags & 0x0080) != 0; }
  bool z() const { return (flags & 0x0040) != 0; }
};

// A message, of which the capture or a stream may have kept the start only.
struct DnsMessage {
  Bytes bytes;
  size_t wire_bytes;  // never less than bytes.size()
  bool from_server;   // sent from port 53, and not to it
  bool from_client;   // likewise the other way round
};

// False when there are fewer bytes than a header or more records announced than can follow it.
bool read_dns_header(const DnsMessage& message, DnsHeader* header);

// Whether this is DNS. On the DNS port a good header and question are enough; elsewhere every byte
// must make sense.
Likelihood judge_dns(const DnsMessage& message, bool on_dns_port);

// Writes one dns event with everything that could be read, then an anomaly event for each fault.
// False when not even the header and the questions could be read: then nothing is written, and
// `faults` says why.
bool write_dns_message(const DnsMessage& message, uint64_t tx_id, EventWriter* events,
                       DnsFaults* faults);

}  // namespace thymus::dpi
