// Builds sealed Initial packets for tests.
#pragma once

#include <algorithm>
#include <vector>

#include <openssl/evp.h>

#include "dpi/quic/initial_keys.h"
#include "dpi/tls_builder.h"

namespace thymus::test::quic {

using tls::Raw;
using tls::operator+;

struct InitialParts {
  uint32_t version = 1;
  Raw destination = {1, 2, 3, 4, 5, 6, 7, 8};
  Raw source = {9, 9};
  Raw token;
  uint8_t number = 0;
  bool from_client = true;
  Raw keys_of;  // the id that the keys come from; empty: `destination`
};

inline Raw varint(size_t v) {
  if (v < 64) return {static_cast<uint8_t>(v)};
  return {static_cast<uint8_t>(0x40 | v >> 8), static_cast<uint8_t>(v)};
}

inline Raw crypto_frame(size_t offset, const Raw& bytes) {
  return Raw{6} + varint(offset) + varint(bytes.size()) + bytes;
}

inline Raw be32(uint32_t v) { return tls::codes({v >> 16, v & 0xffff}); }

// The packet number takes one byte.
inline Raw initial_packet(const Raw& frames, const InitialParts& parts = {}) {
  const auto both = dpi::quic::derive_initial_keys(
      parts.version, Bytes(parts.keys_of.empty() ? parts.destination : parts.keys_of));
  const dpi::quic::PacketKeys& keys = parts.from_client ? both.client : both.server;
  const bool is_v2 = parts.version == 0x6b3343cf;
  Raw header = Raw{static_cast<uint8_t>(is_v2 ? 0xd0 : 0xc0)} + be32(parts.version) +
               tls::with_length(parts.destination, 1) + tls::with_length(parts.source, 1) +
               varint(parts.token.size()) + parts.token + varint(1 + frames.size() + 16);
  const size_t number_at = header.size();
  header.push_back(parts.number);
  auto nonce = keys.iv;
  nonce.back() ^= parts.number;
  Raw sealed(frames.size() + 16);
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  int n = 0;
  EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), nullptr, keys.key.data(), nonce.data());
  EVP_EncryptUpdate(context, nullptr, &n, header.data(), static_cast<int>(header.size()));
  EVP_EncryptUpdate(context, sealed.data(), &n, frames.data(), static_cast<int>(frames.size()));
  EVP_EncryptFinal_ex(context, sealed.data() + n, &n);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, sealed.data() + frames.size());
  Raw packet = header + sealed;
  uint8_t mask[16];
  EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), nullptr, keys.header_key.data(), nullptr);
  EVP_EncryptUpdate(context, mask, &n, packet.data() + number_at + 4, 16);
  EVP_CIPHER_CTX_free(context);
  packet[0] = static_cast<uint8_t>(packet[0] ^ (mask[0] & 0x0f));
  packet[number_at] = static_cast<uint8_t>(packet[number_at] ^ mask[1]);
  return packet;
}

}  // namespace thymus::test::quic
