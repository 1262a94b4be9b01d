// Fingerprints of hellos.
//
// JA3 and JA3S: decimal codes in the order of the hello, joined by "-" within and "," between the
// parts, and the MD5 of that text. JA4, for clients: what the hello offers in ten letters, then
// 12 digits of the SHA-256 of its sorted ciphers and of its sorted extensions with the signature
// algorithms in their order. GREASE is left out of all three.
#pragma once

#include <array>
#include <string_view>

#include "base/bytes.h"
#include "base/digest.h"
#include "dpi/tls/hello.h"

namespace thymus::dpi::tls {

// Text of bounded length with the MD5 of all of it.
class HashedText {
 public:
  void put(std::string_view text);
  void put_number(uint32_t number);
  bool is_cut() const { return is_cut_; }
  // As far as it is kept.
  std::string_view text() const { return {text_.data(), size_}; }
  Md5::Value md5() const { return md5_.value(); }

 private:
  std::array<char, 4096> text_;
  size_t size_ = 0;
  bool is_cut_ = false;
  Md5 md5_;
};

void write_ja3(const ClientHello& hello, HashedText* out);
// `extensions`: their types in order.
void write_ja3s(uint16_t version, uint16_t cipher_suite, std::span<const uint16_t> extensions,
                HashedText* out);

struct Ja4 {
  static constexpr size_t kLength = 36;
  std::array<char, kLength> text;
  std::string_view view() const { return {text.data(), kLength}; }
  uint64_t hash() const;
};

enum class Ja4Transport : char { kTcp = 't', kQuic = 'q', kDtls = 'd' };

// False for a hello with more codes than a client has any use for; sorting them is not worth it.
bool make_ja4(const ClientHello& hello, Ja4Transport transport, Ja4* out);

}  // namespace thymus::dpi::tls
