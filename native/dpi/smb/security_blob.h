// What a session setup says of who logs on: NTLMSSP (MS-NLMP), bare or in SPNEGO (RFC 4178), or a
// Kerberos ticket (RFC 4121).
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/text_builder.h"

namespace thymus::dpi {

struct NtlmAuthenticate {
  TextBuilder<256> domain;
  TextBuilder<256> user;
  TextBuilder<256> host;
  TextBuilder<32> version;  // "10.0 build 10586 rev 15"; may be empty
};

// Reads the AUTHENTICATE message in `blob`; false when there is none.
bool read_ntlm_authenticate(Bytes blob, NtlmAuthenticate* out);

struct KerberosTicket {
  static constexpr size_t kMaxNames = 8;

  Bytes realm;
  std::array<Bytes, kMaxNames> server_names;
  size_t n_names = 0;
};

// Reads the ticket of the AP-REQ in `blob`; false when there is none.
bool read_kerberos_ticket(Bytes blob, KerberosTicket* out);

}  // namespace thymus::dpi
