#include "dpi/smb/security_blob.h"

#include "dpi/ber.h"

namespace thymus::dpi {
namespace {

constexpr std::string_view kSignature("NTLMSSP\0", 8);
constexpr uint32_t kAuthenticate = 3;
constexpr uint32_t kHasVersion = 0x02000000;
constexpr uint32_t kIsUnicode = 1;

// {u16 length, u16 room, u32 offset from the signature}
Bytes payload(Bytes message, Reader* r) {
  const uint16_t length = r->le16();
  r->skip(2);
  Reader at(message);
  at.seek(r->le32());
  return at.take(length);
}

template <size_t N>
void add_text(Bytes text, bool is_unicode, TextBuilder<N>* out) {
  if (is_unicode) {
    out->add_utf16le(text);
  } else {
    out->add_bytes(text);
  }
}

// SPNEGO and GSS-API wrap one element in the next; the token lies behind the object identifiers.
bool unwrap_token(Bytes blob, Bytes* token) {
  BerReader r(blob), gss, choice, fields, inner;
  Bytes oid;
  if (!r.enter(ber::application_constructed(0), &gss) || !gss.take(ber::kOid, &oid)) return false;
  if (!gss.enter(ber::context_constructed(0), &choice)) {
    *token = gss.rest();  // not wrapped by SPNEGO
    return true;
  }
  Bytes skipped;
  if (!choice.enter(ber::kSequence, &fields)) return false;
  fields.take(ber::context_constructed(0), &skipped);
  fields.take(ber::context_constructed(1), &skipped);
  Bytes wrapped;
  if (!fields.enter(ber::context_constructed(2), &inner) ||
      !inner.take(ber::kOctetString, &wrapped)) {
    return false;
  }
  BerReader mechanism(wrapped);
  if (!mechanism.enter(ber::application_constructed(0), &gss) || !gss.take(ber::kOid, &oid)) {
    return false;
  }
  *token = gss.rest();
  return true;
}

}  // namespace

bool read_ntlm_authenticate(Bytes blob, NtlmAuthenticate* out) {
  const size_t at = as_text(blob).find(kSignature);
  if (at == std::string_view::npos) return false;
  const Bytes message = blob.subspan(at);
  Reader r(message);
  r.skip(kSignature.size());
  if (r.le32() != kAuthenticate) return false;
  payload(message, &r);
  payload(message, &r);
  const Bytes domain = payload(message, &r);
  const Bytes user = payload(message, &r);
  const Bytes host = payload(message, &r);
  payload(message, &r);
  const uint32_t flags = r.le32();
  if (!r.ok()) return false;
  const bool is_unicode = (flags & kIsUnicode) != 0;
  add_text(domain, is_unicode, &out->domain);
  add_text(user, is_unicode, &out->user);
  add_text(host, is_unicode, &out->host);
  const uint8_t major = r.u8(), minor = r.u8();
  const uint16_t build = r.le16();
  r.skip(3);
  const uint8_t revision = r.u8();
  if (r.ok() && (flags & kHasVersion) != 0) {
    out->version.add_number(major).add('.').add_number(minor).add(" build ").add_number(build);
    out->version.add(" rev ").add_number(revision);
  }
  return true;
}

bool read_kerberos_ticket(Bytes blob, KerberosTicket* out) {
  constexpr size_t kTokenIdBytes = 2;
  Bytes token, ignored;
  if (!unwrap_token(blob, &token) || token.size() < kTokenIdBytes) return false;
  BerReader r(token.subspan(kTokenIdBytes)), request, ticket, name;
  if (!r.enter(ber::application_constructed(14), &request) ||
      !request.enter(ber::kSequence, &request)) {
    return false;
  }
  for (const uint32_t n : {0u, 1u, 2u}) request.take(ber::context_constructed(n), &ignored);
  if (!request.enter(ber::context_constructed(3), &ticket) ||
      !ticket.enter(ber::application_constructed(1), &ticket) ||
      !ticket.enter(ber::kSequence, &ticket)) {
    return false;
  }
  BerElement element;
  ticket.take(ber::context_constructed(0), &ignored);
  if (!ticket.enter(ber::context_constructed(1), &name) || !name.next(&element)) return false;
  out->realm = element.content;
  if (!ticket.enter(ber::context_constructed(2), &name) || !name.enter(ber::kSequence, &name)) {
    return false;
  }
  name.take(ber::context_constructed(0), &ignored);
  if (!name.enter(ber::context_constructed(1), &name) || !name.enter(ber::kSequence, &name)) {
    return false;
  }
  while (out->n_names < KerberosTicket::kMaxNames && name.next(&element)) {
    out->server_names[out->n_names++] = element.content;
  }
  return true;
}

}  // namespace thymus::dpi
