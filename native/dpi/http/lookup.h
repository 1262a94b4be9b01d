// Expressions in a request that ask whoever logs it to fetch something by JNDI (CVE-2021-44228):
// ${jndi:ldap://host/x}, also with its letters made by other lookups, as Log4j resolves them:
//
//   ${lower:J}  ${upper:j}    the text behind the colon
//   ${x:y:-j}   ${::-j}       what follows the first ":-", where the lookup finds nothing
#pragma once

#include <string_view>

namespace thymus::dpi::http {

// Whether text, plain or with %XX, has such an expression. Bounded work: 16 expressions, 512 bytes
// of each.
bool has_jndi_lookup(std::string_view text);

// The same of the user and password in an Authorization field (RFC 7617), of 512 bytes at most.
bool has_jndi_credentials(std::string_view value);

}  // namespace thymus::dpi::http
