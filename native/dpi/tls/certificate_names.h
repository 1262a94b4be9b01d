// Domain names of certificates that no domain has.
#pragma once

#include "base/bytes.h"

namespace thymus::dpi::tls {

// True when a name of the certificate's owner, or one that its names are constrained to (RFC 5280,
// 4.2.1.6 and 4.2.1.10; RFC 9598), has a label in Punycode ("xn--", RFC 5890) and is longer than
// names are: 63 bytes a label, 253 a domain (RFC 1035, 2.3.4), 64 what is before an @ (RFC 5321,
// 4.5.3.1.1). Who decodes it into the room of a name writes beyond it (CVE-2022-3602,
// CVE-2022-3786).
bool has_overlong_punycode(Bytes certificate);

}  // namespace thymus::dpi::tls
