// One LDAPMessage (RFC 4511): a SEQUENCE of an id, an operation whose application tag names it, and
// optional controls.
#pragma once

#include <cstdint>

#include "base/event_writer.h"
#include "dpi/ber.h"

namespace thymus::dpi {

enum class LdapOp : uint8_t {
  kBindRequest = 0,
  kBindResponse = 1,
  kUnbindRequest = 2,
  kSearchRequest = 3,
  kSearchResultEntry = 4,
  kSearchResultDone = 5,
  kModifyRequest = 6,
  kModifyResponse = 7,
  kAddRequest = 8,
  kAddResponse = 9,
  kDelRequest = 10,
  kDelResponse = 11,
  kModDnRequest = 12,
  kModDnResponse = 13,
  kCompareRequest = 14,
  kCompareResponse = 15,
  kAbandonRequest = 16,
  kSearchResultReference = 19,
  kExtendedRequest = 23,
  kExtendedResponse = 24,
  kIntermediateResponse = 25,
};

struct LdapMessage {
  int64_t id = 0;
  LdapOp op = LdapOp::kBindRequest;
  Bytes content;  // of the operation
  Bytes controls;

  bool is_request() const;
  // Nothing follows that belongs to the same request.
  bool ends_operation() const;
  // A request or response of STARTTLS; the response only when the server agrees.
  bool is_starttls_request() const;
  bool is_success() const;
};

// How much of `bytes` the message at their start takes; 0: its header is cut. `*is_ldap` is false
// when no LDAP message begins here, as far as can be seen.
size_t ldap_message_bytes(Bytes bytes, bool* is_ldap);

// False: `bytes` are not one whole message.
bool read_ldap(Bytes bytes, LdapMessage* message);

// The fields of event::ldap::request or of one of its responses, into the object that is open.
void write_ldap_request(const LdapMessage& message, EventWriter* events);
// `with_id`: there is no request that tells it.
void write_ldap_response(const LdapMessage& message, bool with_id, EventWriter* events);

}  // namespace thymus::dpi
