// Expressions in a request that ask whoever logs it to fetch something by JNDI (CVE-2021-44228):
// ${jndi:ldap://host/x}, also with its letters made by other lookups, as Log4j resolves them:
//
//   ${lower:J}  ${upper:j}    the text behind the colon
//   ${x:y:-j}   ${::-j}       what follows the first ":-", where the lookup finds nothing
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace thymus::dpi::http {

// JNDI lookups of a message, each by a number for what it asks for: the same however its letters
// are made and escaped, 0 where the text ends before the lookup does.
class JndiLookups {
 public:
  static constexpr size_t kMost = 8;

  void add(uint32_t key);
  bool empty() const { return n_ == 0; }
  // Each once; those beyond kMost are left out.
  const uint32_t* begin() const { return keys_.data(); }
  const uint32_t* end() const { return keys_.data() + n_; }

 private:
  std::array<uint32_t, kMost> keys_;
  size_t n_ = 0;
};

// Adds those of a text, plain or with %XX. Bounded work: 16 expressions, 512 bytes of each.
void find_jndi_lookups(std::string_view text, JndiLookups* found);

// The same of the user and password in an Authorization field (RFC 7617), of 512 bytes at most.
void find_jndi_credentials(std::string_view value, JndiLookups* found);

}  // namespace thymus::dpi::http
