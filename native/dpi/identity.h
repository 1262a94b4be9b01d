// Subscribers' identities on their way out of the core: as keyed hashes, unless the options say
// that they may leave in clear.
#pragma once

#include <string_view>

#include "base/text_builder.h"
#include "dpi/context.h"

namespace thymus::dpi {

// What an identity is; equal digits of two kinds have different hashes.
enum class IdentityKind : uint8_t {
  kImsi = 1,    // also of a SUPI: its 5 to 15 digits (3GPP TS 23.003, 2.2)
  kMsisdn = 2,  // digits without a sign (TS 23.003, 3.3)
  kImei = 3,    // also of an IMEISV: hashed by the 14 digits that both share (TS 23.003, 6.2)
};

using IdentityText = TextBuilder<256>;

using RedactedText = TextBuilder<2048>;

// "hash:" and 16 hexadecimal digits of SipHash-2-4 under ParserOptions::identity_key, or `value` as
// it is with ParserOptions::clear_identities.
IdentityText identity_text(IdentityKind kind, std::string_view value, const ParserOptions& options);

// Writes an identity as a text field; nothing where it is empty.
void put_identity(uint16_t field, IdentityKind kind, std::string_view value, Context* context);

// The digits of a user name that is made of an IMSI, such as "001010123456789@ims.mnc001..." with
// or without the digit before them that says how it authenticates (TS 23.003, 19.3); empty for
// other names.
std::string_view imsi_of_name(std::string_view user_name);

// The IMSI in the first "suci-0-" of a text, whose protection is that of the null scheme
// (TS 23.003, 28.7.3: country, network, routing, scheme, key, number); empty where there is none.
TextBuilder<24> imsi_of_suci(std::string_view text);

// A user name or a station as it leaves the core: hashed where it is an IMSI (see imsi_of_name) or,
// with or without "tel:", "sip:" and a sign, a telephone number of at least 7 digits; else itself.
RedactedText user_name_text(std::string_view name, const ParserOptions& options);

// A copy of `text` in which every identity is replaced that is named as one: "imsi-", "msisdn-",
// "imei-" or "imeisv-" before digits (TS 29.571, 5.3), a concealed identity that conceals nothing
// (see imsi_of_suci), or 14 or 15 digits as a user before "@", as an IMS names users by their IMSI
// (TS 23.003, 13.3). Cut at the builder's size.
RedactedText without_identities(std::string_view text, const ParserOptions& options);

// A copy of the id of a session, into which some put an IMSI or a telephone number: numbers of 14
// and 15 digits, and of 11 to 13, are replaced as such.
RedactedText session_id_text(std::string_view id, const ParserOptions& options);

}  // namespace thymus::dpi
