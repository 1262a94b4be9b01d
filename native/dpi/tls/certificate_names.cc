#include "dpi/tls/certificate_names.h"

#include <algorithm>

#include "dpi/ber.h"
#include "dpi/text.h"
#include "dpi/tls/x509.h"

namespace thymus::dpi::tls {
namespace {

using namespace std::string_view_literals;

// Of GeneralName; the first is constructed.
constexpr uint32_t kOtherName = ber::context_constructed(0);
constexpr uint32_t kEmail = ber::context(1);
constexpr uint32_t kDomain = ber::context(2);

constexpr uint32_t kUtf8String = 0x0c;
// 1.3.6.1.5.5.7.8.9, an e-mail address in UTF-8.
constexpr std::string_view kSmtpUtf8Mailbox = "\x2b\x06\x01\x05\x05\x07\x08\x09"sv;

constexpr size_t kMaxLabelBytes = 63;
constexpr size_t kMaxDomainBytes = 253;
constexpr size_t kMaxLocalPartBytes = 64;

// True when a label is in Punycode, and that or all of them are too long.
bool is_overlong_punycode(std::string_view labels, size_t max_bytes, size_t max_label_bytes) {
  const bool is_long = labels.size() > max_bytes;
  while (!labels.empty()) {
    const std::string_view label = labels.substr(0, labels.find('.'));
    labels.remove_prefix(std::min(label.size() + 1, labels.size()));
    if (!starts_nocase(label, "xn--")) continue;
    if (is_long || label.size() > max_label_bytes) return true;
  }
  return false;
}

bool is_overlong_domain(std::string_view domain) {
  return is_overlong_punycode(domain, kMaxDomainBytes, kMaxLabelBytes);
}

// A mailbox, or only the domain of many. OpenSSL decoded all of it as if it were the domain.
bool is_overlong_mailbox(std::string_view text) {
  const size_t at = text.rfind('@');
  if (at == text.npos) return is_overlong_domain(text);
  return is_overlong_punycode(text.substr(0, at), kMaxLocalPartBytes, kMaxLocalPartBytes) ||
         is_overlong_domain(text.substr(at + 1));
}

bool is_overlong(const BerElement& name) {
  if (name.tag == kDomain) return is_overlong_domain(as_text(name.content));
  if (name.tag == kEmail) return is_overlong_mailbox(as_text(name.content));
  if (name.tag != kOtherName) return false;
  BerReader other(name.content);
  Bytes type;
  BerReader value;
  Bytes mailbox;
  return other.take(ber::kOid, &type) && as_text(type) == kSmtpUtf8Mailbox &&
         other.enter(ber::context_constructed(0), &value) && value.take(kUtf8String, &mailbox) &&
         is_overlong_mailbox(as_text(mailbox));
}

// GeneralSubtrees: each a SEQUENCE that begins with a GeneralName.
bool has_overlong_subtree(BerReader subtrees) {
  BerElement subtree;
  while (subtrees.next(&subtree)) {
    BerElement base;
    if (BerReader(subtree.content).next(&base) && is_overlong(base)) return true;
  }
  return false;
}

}  // namespace

bool has_overlong_punycode(Bytes certificate) {
  Certificate parts;
  if (!read_certificate(certificate, &parts)) return false;
  BerReader names(parts.alternative_names);
  BerElement name;
  while (names.next(&name)) {
    if (is_overlong(name)) return true;
  }
  // Those that are permitted, and those that are excluded.
  BerReader constraints(parts.name_constraints);
  BerElement subtrees;
  while (constraints.next(&subtrees)) {
    if (has_overlong_subtree(BerReader(subtrees.content))) return true;
  }
  return false;
}

}  // namespace thymus::dpi::tls
