#include "dpi/tls/fingerprint.h"

#include <algorithm>
#include <charconv>

#include "base/hash.h"

namespace thymus::dpi::tls {
namespace {

constexpr size_t kMaxCodes = 512;
constexpr size_t kHashDigits = 12;

struct Codes {
  std::array<uint16_t, kMaxCodes> values;
  size_t count = 0;
  bool overflow = false;

  void add(uint16_t code) {
    if (count == kMaxCodes) {
      overflow = true;
    } else {
      values[count++] = code;
    }
  }
  void sort() { std::sort(values.begin(), values.begin() + count); }
};

void put_codes(Bytes codes, HashedText* out) {
  bool first = true;
  each_code(codes, [&](uint16_t code) {
    if (!first) out->put("-");
    first = false;
    out->put_number(code);
  });
}

void add_hex(uint16_t code, Sha256* sha) {
  const std::array<uint8_t, 2> bytes = {static_cast<uint8_t>(code >> 8),
                                        static_cast<uint8_t>(code)};
  const auto digits = hex_of(bytes);
  sha->update(as_bytes({digits.data(), digits.size()}));
}

void add_list(const Codes& codes, Sha256* sha) {
  for (size_t i = 0; i < codes.count; ++i) {
    if (i > 0) sha->update(as_bytes(","));
    add_hex(codes.values[i], sha);
  }
}

void put_hash(bool is_empty, const Sha256& sha, char* out) {
  if (is_empty) {
    std::fill_n(out, kHashDigits, '0');
  } else {
    std::copy_n(hex_of(sha.value()).begin(), kHashDigits, out);
  }
}

std::string_view version_letters(uint16_t version) {
  switch (version) {
    case 0x0304:
      return "13";
    case 0x0303:
      return "12";
    case 0x0302:
      return "11";
    case 0x0301:
      return "10";
    case 0x0300:
      return "s3";
    case 0x0002:
      return "s2";
    case 0xfeff:
      return "d1";
    case 0xfefd:
      return "d2";
    case 0xfefc:
      return "d3";
    default:
      return "00";
  }
}

// The newest version that is offered. DTLS counts down.
uint16_t offered_version(const ClientHello& hello, bool counts_down) {
  uint16_t best = 0;
  each_code(hello.supported_versions, [&](uint16_t version) {
    if (best == 0 || (counts_down ? version < best : version > best)) best = version;
  });
  return best != 0 ? best : hello.version;
}

void put_count(size_t count, char* out) {
  count = std::min<size_t>(count, 99);
  out[0] = static_cast<char>('0' + count / 10);
  out[1] = static_cast<char>('0' + count % 10);
}

bool is_alphanumeric(uint8_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// First and last letter of the first name; of its hex digits where they are no letters.
void put_alpn(Bytes alpn_list, char* out) {
  Reader r(alpn_list);
  const Bytes name = r.take(r.u8());
  if (name.empty()) {
    out[0] = out[1] = '0';
  } else if (is_alphanumeric(name.front()) && is_alphanumeric(name.back())) {
    out[0] = static_cast<char>(name.front());
    out[1] = static_cast<char>(name.back());
  } else {
    const std::array<uint8_t, 2> ends = {name.front(), name.back()};
    const auto digits = hex_of(ends);
    out[0] = digits[0];
    out[1] = digits[3];
  }
}

}  // namespace

void HashedText::put(std::string_view text) {
  md5_.update(as_bytes(text));
  if (is_cut_ || text.size() > text_.size() - size_) {
    is_cut_ = true;
    return;
  }
  std::copy(text.begin(), text.end(), text_.begin() + size_);
  size_ += text.size();
}

void HashedText::put_number(uint32_t number) {
  char digits[10];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  put({digits, static_cast<size_t>(end - digits)});
}

void write_ja3(const ClientHello& hello, HashedText* out) {
  out->put_number(hello.version);
  out->put(",");
  put_codes(hello.cipher_suites, out);
  out->put(",");
  bool first = true;
  each_extension(hello.extensions, [&](uint16_t type, Bytes) {
    if (is_grease(type)) return;
    if (!first) out->put("-");
    first = false;
    out->put_number(type);
  });
  out->put(",");
  put_codes(hello.supported_groups, out);
  out->put(",");
  for (size_t i = 0; i < hello.point_formats.size(); ++i) {
    if (i > 0) out->put("-");
    out->put_number(hello.point_formats[i]);
  }
}

void write_ja3s(uint16_t version, uint16_t cipher_suite, std::span<const uint16_t> extensions,
                HashedText* out) {
  out->put_number(version);
  out->put(",");
  out->put_number(cipher_suite);
  out->put(",");
  for (size_t i = 0; i < extensions.size(); ++i) {
    if (i > 0) out->put("-");
    out->put_number(extensions[i]);
  }
}

uint64_t Ja4::hash() const { return siphash24(as_bytes(view()), kReplayHashKey); }

bool make_ja4(const ClientHello& hello, Ja4Transport transport, Ja4* out) {
  Codes ciphers, extensions, algorithms;
  size_t n_extensions = 0;
  each_code(hello.cipher_suites, [&](uint16_t code) { ciphers.add(code); });
  each_extension(hello.extensions, [&](uint16_t type, Bytes) {
    if (is_grease(type)) return;
    ++n_extensions;
    if (type != extension_type::kServerName && type != extension_type::kAlpn) extensions.add(type);
  });
  each_code(hello.signature_algorithms, [&](uint16_t code) { algorithms.add(code); });
  if (ciphers.overflow || extensions.overflow || algorithms.overflow) return false;
  ciphers.sort();
  extensions.sort();

  char* text = out->text.data();
  const uint16_t version = offered_version(hello, transport == Ja4Transport::kDtls);
  text[0] = static_cast<char>(transport);
  std::copy_n(version_letters(version).begin(), 2, text + 1);
  text[3] = hello.has_server_name ? 'd' : 'i';
  put_count(ciphers.count, text + 4);
  put_count(n_extensions, text + 6);
  put_alpn(hello.alpn_list, text + 8);
  text[10] = text[23] = '_';
  Sha256 sha;
  add_list(ciphers, &sha);
  put_hash(ciphers.count == 0, sha, text + 11);
  sha.reset();
  add_list(extensions, &sha);
  if (algorithms.count > 0) sha.update(as_bytes("_"));
  add_list(algorithms, &sha);
  put_hash(extensions.count == 0, sha, text + 24);
  return true;
}

}  // namespace thymus::dpi::tls
