// Names of Kerberos numbers (RFC 4120, IANA "Kerberos Parameters").
#pragma once

#include <cstdint>

#include "base/text_builder.h"

namespace thymus::dpi {

using Krb5Name = TextBuilder<48>;

// "AES256_CTS_HMAC_SHA1_96"; a number without a name is shown as such.
Krb5Name krb5_encryption_name(int64_t etype);
// Everything but AES and Camellia.
bool krb5_is_weak(int64_t etype);
// "KDC_ERR_PREAUTH_REQUIRED".
Krb5Name krb5_error_name(int64_t code);
// "KRB_AS_REQ".
std::string_view krb5_message_name(int type);

}  // namespace thymus::dpi
