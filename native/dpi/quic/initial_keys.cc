#include "dpi/quic/initial_keys.h"

#include <algorithm>
#include <string_view>

#include <openssl/evp.h>

#include "base/digest.h"
#include "dpi/quic/version.h"

namespace thymus::dpi::quic {
namespace {

constexpr size_t kTagBytes = 16;
constexpr size_t kSampleBytes = 16;
constexpr size_t kMaxNumberBytes = 4;

using Secret = Sha256::Value;

// HMAC (RFC 2104) of two parts. Keys are never longer than a block here.
Secret hmac(Bytes key, Bytes first, Bytes second) {
  std::array<uint8_t, Sha256::kBlockBytes> pad{};
  std::ranges::copy(key, pad.begin());
  for (uint8_t& byte : pad) byte ^= 0x36;
  Sha256 inner;
  inner.update(pad);
  inner.update(first);
  inner.update(second);
  for (uint8_t& byte : pad) byte ^= 0x36 ^ 0x5c;
  Sha256 outer;
  outer.update(pad);
  outer.update(inner.value());
  return outer.value();
}

// HKDF-Expand-Label (RFC 8446, 7.1) of up to one digest, with an empty context.
template <size_t kSize>
std::array<uint8_t, kSize> expand(const Secret& secret, std::string_view label) {
  static_assert(kSize <= Sha256::kBytes);
  constexpr std::string_view kPrefix = "tls13 ";
  std::array<uint8_t, 32> info{};
  size_t n = 0;
  info[n++] = 0;
  info[n++] = kSize;
  info[n++] = static_cast<uint8_t>(kPrefix.size() + label.size());
  for (const char c : kPrefix) info[n++] = static_cast<uint8_t>(c);
  for (const char c : label) info[n++] = static_cast<uint8_t>(c);
  ++n;  // an empty context
  constexpr uint8_t kFirstBlock[] = {1};
  const Secret block = hmac(secret, Bytes(info).first(n), kFirstBlock);
  std::array<uint8_t, kSize> out;
  std::copy_n(block.begin(), kSize, out.begin());
  return out;
}

PacketKeys packet_keys(uint32_t version, const Secret& secret) {
  const bool is_v2 = version == kV2;
  return {expand<16>(secret, is_v2 ? "quicv2 key" : "quic key"),
          expand<12>(secret, is_v2 ? "quicv2 iv" : "quic iv"),
          expand<16>(secret, is_v2 ? "quicv2 hp" : "quic hp")};
}

// Made once per thread: fetching a cipher allocates, using it does not.
class Aes {
 public:
  Aes()
      : ecb_(EVP_CIPHER_fetch(nullptr, "AES-128-ECB", nullptr)),
        gcm_(EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr)),
        ecb_context_(EVP_CIPHER_CTX_new()),
        gcm_context_(EVP_CIPHER_CTX_new()) {}
  ~Aes() {
    EVP_CIPHER_CTX_free(ecb_context_);
    EVP_CIPHER_CTX_free(gcm_context_);
    EVP_CIPHER_free(ecb_);
    EVP_CIPHER_free(gcm_);
  }
  Aes(const Aes&) = delete;
  Aes& operator=(const Aes&) = delete;

  bool encrypt_block(const uint8_t* key, const uint8_t* in, uint8_t* out) {
    int n = 0;
    return EVP_EncryptInit_ex2(ecb_context_, ecb_, key, nullptr, nullptr) == 1 &&
           EVP_CIPHER_CTX_set_padding(ecb_context_, 0) == 1 &&
           EVP_EncryptUpdate(ecb_context_, out, &n, in, 16) == 1 && n == 16;
  }
  // `sealed` ends with its tag; `out` has room for the rest.
  bool open(const PacketKeys& keys, const uint8_t* nonce, Bytes header, Bytes sealed,
            uint8_t* out) {
    const size_t size = sealed.size() - kTagBytes;
    std::array<uint8_t, kTagBytes> tag;
    std::copy_n(sealed.begin() + static_cast<std::ptrdiff_t>(size), kTagBytes, tag.begin());
    int n = 0;
    return EVP_DecryptInit_ex2(gcm_context_, gcm_, keys.key.data(), nonce, nullptr) == 1 &&
           EVP_DecryptUpdate(gcm_context_, nullptr, &n, header.data(),
                             static_cast<int>(header.size())) == 1 &&
           EVP_DecryptUpdate(gcm_context_, out, &n, sealed.data(), static_cast<int>(size)) == 1 &&
           EVP_CIPHER_CTX_ctrl(gcm_context_, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1 &&
           EVP_DecryptFinal_ex(gcm_context_, out + n, &n) == 1;
  }

 private:
  EVP_CIPHER* ecb_;
  EVP_CIPHER* gcm_;
  EVP_CIPHER_CTX* ecb_context_;
  EVP_CIPHER_CTX* gcm_context_;
};

}  // namespace

InitialKeys derive_initial_keys(uint32_t version, Bytes connection_id) {
  const Secret secret = hmac(initial_salt(version), connection_id, {});
  return {packet_keys(version, expand<32>(secret, "client in")),
          packet_keys(version, expand<32>(secret, "server in"))};
}

Bytes open_packet(const PacketKeys& keys, Bytes packet, size_t number_at, std::span<uint8_t> room) {
  constexpr uint8_t kLongHeaderBits = 0x0f;
  static thread_local Aes aes;
  Reader r(packet);
  if (!r.seek(number_at)) return {};
  const Bytes number = r.take(kMaxNumberBytes);
  const Bytes sample = r.take(kSampleBytes);
  if (!r.ok() || packet.size() > room.size()) return {};

  std::array<uint8_t, 16> mask;
  if (!aes.encrypt_block(keys.header_key.data(), sample.data(), mask.data())) return {};
  // The header as it was before its protection; associated data of the seal.
  const uint8_t first = packet[0] ^ (mask[0] & kLongHeaderBits);
  const size_t number_bytes = 1 + size_t{first & 3u};
  std::array<uint8_t, 1024> header;
  const size_t header_bytes = number_at + number_bytes;
  if (header_bytes > header.size() || packet.size() < header_bytes + kTagBytes) return {};
  std::copy_n(packet.begin(), number_at, header.begin());
  header[0] = first;
  std::array<uint8_t, 12> nonce = keys.iv;
  for (size_t i = 0; i < number_bytes; ++i) {
    const uint8_t byte = number[i] ^ mask[1 + i];
    header[number_at + i] = byte;
    nonce[nonce.size() - number_bytes + i] ^= byte;
  }
  const Bytes sealed = packet.subspan(header_bytes);
  if (!aes.open(keys, nonce.data(), Bytes(header).first(header_bytes), sealed, room.data())) {
    return {};
  }
  return {room.data(), sealed.size() - kTagBytes};
}

}  // namespace thymus::dpi::quic
