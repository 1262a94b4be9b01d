#include "dpi/identity.h"

#include <algorithm>

namespace thymus::dpi {
namespace {

constexpr size_t kImsiDigits = 15, kLeastImsiDigits = 14, kImeiDigits = 14;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

size_t leading_digits(std::string_view text) {
  return static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}

struct Prefix {
  std::string_view text;
  IdentityKind kind;
};
constexpr Prefix kPrefixes[] = {
    {"imsi-", IdentityKind::kImsi},
    {"msisdn-", IdentityKind::kMsisdn},
    {"imei-", IdentityKind::kImei},
    {"imeisv-", IdentityKind::kImei},
};

constexpr std::string_view kSuci = "suci-0-";

// What the identity at the start of `text` is, how many bytes come before it, its length, and what
// is hashed for it.
struct Found {
  IdentityKind kind;
  size_t before;
  size_t size;
  TextBuilder<24> value;
};

// `text` begins with kSuci.
bool find_suci(std::string_view text, Found* out) {
  constexpr int kCountry = 0, kNetwork = 1, kScheme = 3, kKey = 4;
  size_t at = kSuci.size();
  TextBuilder<24> imsi;
  for (int i = kCountry; i <= kKey; ++i) {
    const size_t n = leading_digits(text.substr(at));
    const std::string_view part = text.substr(at, n);
    if (part.empty() || !text.substr(at + n).starts_with('-')) return false;
    if (i <= kNetwork) imsi.add(part);
    if (i == kScheme && part != "0") return false;
    at += n + 1;
  }
  const size_t n = leading_digits(text.substr(at));
  imsi.add(text.substr(at, n));
  *out = {IdentityKind::kImsi, at, n, imsi};
  return n > 0;
}

bool find_identity(std::string_view text, Found* out) {
  for (const Prefix& prefix : kPrefixes) {
    if (!text.starts_with(prefix.text)) continue;
    const size_t n = leading_digits(text.substr(prefix.text.size()));
    *out = {prefix.kind, prefix.text.size(), n,
            TextBuilder<24>(text.substr(prefix.text.size(), n))};
    return n > 0;
  }
  if (text.starts_with(kSuci)) return find_suci(text, out);
  const size_t n = leading_digits(text);
  const bool is_user =
      (n == kImsiDigits || n == kImsiDigits - 1) && text.substr(n).starts_with('@');
  *out = {IdentityKind::kImsi, 0, n, TextBuilder<24>(text.substr(0, n))};
  return is_user;
}

}  // namespace

IdentityText identity_text(IdentityKind kind, std::string_view value,
                           const ParserOptions& options) {
  if (options.clear_identities) return IdentityText(value);
  if (kind == IdentityKind::kImei) value = value.substr(0, kImeiDigits);
  TextBuilder<257> input;
  input.add(static_cast<char>(kind));
  input.add(value);
  IdentityText out("hash:");
  out.add_hex_number(siphash24(as_bytes(input.view()), options.identity_key), 16);
  return out;
}

void put_identity(uint16_t field, IdentityKind kind, std::string_view value, Context* context) {
  if (value.empty()) return;
  context->events->put_text(field, identity_text(kind, value, *context->options).view());
}

std::string_view imsi_of_name(std::string_view user_name) {
  const size_t n = leading_digits(user_name);
  const bool ends = n == user_name.size() || user_name[n] == '@';
  if (!ends) return {};
  if (n == kImsiDigits || n == kLeastImsiDigits) return user_name.substr(0, n);
  return n == kImsiDigits + 1 ? user_name.substr(1, kImsiDigits) : std::string_view{};
}

TextBuilder<24> imsi_of_suci(std::string_view text) {
  const size_t at = text.find(kSuci);
  Found found;
  if (at == std::string_view::npos || !find_suci(text.substr(at), &found)) return {};
  return found.value;
}

RedactedText user_name_text(std::string_view name, const ParserOptions& options) {
  constexpr size_t kLeastDigits = 7;
  if (options.clear_identities) return RedactedText(name);
  const std::string_view imsi = imsi_of_name(name);
  if (!imsi.empty()) {
    return RedactedText(identity_text(IdentityKind::kImsi, imsi, options).view());
  }
  std::string_view number = name;
  for (const std::string_view before : {"tel:", "sip:", "+"}) {
    if (number.starts_with(before)) number.remove_prefix(before.size());
  }
  const size_t n = leading_digits(number);
  const bool ends = n == number.size() || number[n] == '@' || number[n] == ';';
  if (n < kLeastDigits || n > kImsiDigits || !ends) return without_identities(name, options);
  return RedactedText(identity_text(IdentityKind::kMsisdn, number.substr(0, n), options).view());
}

RedactedText without_identities(std::string_view text, const ParserOptions& options) {
  if (options.clear_identities) return RedactedText(text);
  RedactedText out;
  while (!text.empty() && !out.cut()) {
    Found found;
    const bool after_digit = !out.empty() && is_digit(out.view().back());
    if (!after_digit && find_identity(text, &found)) {
      out.add(text.substr(0, found.before));
      out.add(identity_text(found.kind, found.value.view(), options).view());
      text.remove_prefix(found.before + found.size);
    } else {
      out.add(text.front());
      text.remove_prefix(1);
    }
  }
  return out;
}

RedactedText session_id_text(std::string_view id, const ParserOptions& options) {
  constexpr size_t kLeastNumberDigits = 11;
  if (options.clear_identities) return RedactedText(id);
  RedactedText out;
  while (!id.empty() && !out.cut()) {
    const size_t n = leading_digits(id);
    const std::string_view run = id.substr(0, std::max<size_t>(n, 1));
    if (n >= kLeastNumberDigits && n <= kImsiDigits) {
      const auto kind = n >= kLeastImsiDigits ? IdentityKind::kImsi : IdentityKind::kMsisdn;
      out.add(identity_text(kind, run, options).view());
    } else {
      out.add(run);
    }
    id.remove_prefix(run.size());
  }
  return out;
}

}  // namespace thymus::dpi
