#include "dpi/tls/hello.h"

#include <algorithm>
#include <array>

namespace thymus::dpi::tls {
namespace {

constexpr size_t kRandomBytes = 32;

// The `random` that makes a ServerHello a HelloRetryRequest (RFC 8446, 4.1.3).
constexpr std::array<uint8_t, kRandomBytes> kRetryRandom = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

// The content of a vector whose length in 16 bits precedes it, as far as it is there.
Bytes vector16(Bytes body) {
  Reader r(body);
  const size_t length = r.be16();
  return r.take_up_to(length);
}

Bytes vector8(Bytes body) {
  Reader r(body);
  const size_t length = r.u8();
  return r.take_up_to(length);
}

// RFC 6066, 3: a list of names, of which only the type host_name (0) exists.
void read_server_name(Bytes body, ClientHello* hello) {
  hello->has_several_server_names |= hello->has_server_name;
  hello->has_server_name = true;
  Reader r(body);
  const size_t list_bytes = r.be16();
  hello->has_bad_server_name_length |= r.ok() && list_bytes != r.remaining();
  const uint8_t type = r.u8();
  const Bytes name = r.take(r.be16());
  if (!r.ok() || name.empty()) {
    hello->has_bad_server_name_length |= !body.empty();
  } else if (type != 0) {
    hello->has_bad_server_name_type = true;
  } else if (hello->server_name.empty()) {
    hello->server_name = name;
  }
}

void read_client_extension(uint16_t type, Bytes body, ClientHello* hello) {
  switch (type) {
    case extension_type::kServerName:
      read_server_name(body, hello);
      break;
    case extension_type::kSupportedGroups:
      hello->supported_groups = vector16(body);
      break;
    case extension_type::kEcPointFormats:
      hello->point_formats = vector8(body);
      break;
    case extension_type::kSignatureAlgorithms:
      hello->signature_algorithms = vector16(body);
      break;
    case extension_type::kAlpn:
      hello->has_alpn = true;
      hello->alpn_list = vector16(body);
      break;
    case extension_type::kSupportedVersions:
      hello->supported_versions = vector8(body);
      break;
    case extension_type::kSessionTicket:
      hello->has_session_ticket = !body.empty();
      break;
    case extension_type::kEncryptedClientHello:
      hello->has_encrypted_hello = true;
      break;
    default:
      break;
  }
}

}  // namespace

bool read_client_hello(Bytes body, bool is_datagram, ClientHello* hello) {
  Reader r(body);
  hello->version = r.be16();
  r.skip(kRandomBytes);
  hello->session_id = r.take(r.u8());
  if (is_datagram) r.skip(r.u8());  // cookie
  hello->cipher_suites = r.take(r.be16());
  r.skip(r.u8());  // compression methods
  if (!r.ok()) return false;
  if (r.empty()) return true;
  const size_t length = r.be16();
  hello->has_bad_extensions = !r.ok() || length > r.remaining();
  hello->extensions = r.take_up_to(length);
  const bool whole = each_extension(hello->extensions, [hello](uint16_t type, Bytes extension) {
    read_client_extension(type, extension, hello);
  });
  hello->has_bad_extensions |= !whole;
  return true;
}

bool read_server_hello(Bytes body, ServerHello* hello) {
  Reader r(body);
  hello->version = r.be16();
  hello->selected = hello->version;
  const Bytes random = r.take(kRandomBytes);
  hello->is_retry_request = std::ranges::equal(random, kRetryRandom);
  // Drafts of 1.3 before the 22nd have no session id and no compression method.
  const bool is_early_draft = hello->version >> 8 == 0x7f;
  if (!is_early_draft) hello->session_id = r.take(r.u8());
  hello->cipher_suite = r.be16();
  if (!is_early_draft) r.skip(1);
  if (!r.ok()) return false;
  const size_t length = r.be16();
  hello->extensions = r.take_up_to(length);
  each_extension(hello->extensions, [hello](uint16_t type, Bytes extension) {
    Reader e(extension);
    if (type == extension_type::kSupportedVersions && extension.size() == 2) {
      hello->selected = e.be16();
    } else if (type == extension_type::kPreSharedKey) {
      hello->has_pre_shared_key = true;
    } else if (type == extension_type::kAlpn) {
      hello->alpn = vector8(vector16(extension));
    }
  });
  return true;
}

}  // namespace thymus::dpi::tls
