// Domain names in DNS messages (RFC 1035, 4.1.4).
//
//    0  1  2  3  4  5  6  7
//   +--+--+--+--+--+--+--+--+
//   |0  0|      length      |  label: that many bytes follow; length 0 ends the name
//   |1  1|  offset, 14 bits       ...  pointer: the name goes on there
//   +--+--+--+--+--+--+--+--+
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "dpi/dns_faults.h"

namespace thymus::dpi {

// Labels joined by dots, without a dot at the end; the root is empty. Bytes are kept as they are.
class DnsName {
 public:
  // The RFC allows 255; dnsmasq takes this many, and names longer than the RFC's are worth seeing.
  static constexpr size_t kMaxBytes = 1025;

  std::string_view view() const { return {text_, size_}; }
  void clear() { size_ = 0; }
  // False when the label did not fit and was cut.
  bool append(Bytes label);

 private:
  size_t size_ = 0;
  char text_[kMaxBytes];
};

// Reads the name at the cursor of `message`, a reader over the whole message, and leaves the cursor
// behind it. A pointer must point back, before everything read so far, so that no name is endless.
// False when the end of the name is not known; what was read of it is in `name` in any case.
bool read_dns_name(Reader* message, DnsName* name, DnsFaults* faults);

}  // namespace thymus::dpi
