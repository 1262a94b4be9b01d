#include "dpi/http/lookup.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "dpi/smtp/transfer_encoding.h"
#include "dpi/text.h"

namespace thymus::dpi::http {
namespace {

constexpr size_t kMaxExpressions = 16;
constexpr size_t kMaxCredentialBytes = 512;
constexpr std::string_view kJndi = "jndi:";
constexpr std::string_view kBasic = "basic ";

int hex_of(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Characters of a text, %XX undone.
class Characters {
 public:
  explicit Characters(std::string_view text) : rest_(text) {}

  bool empty() const { return rest_.empty(); }
  char peek() const {
    Characters copy = *this;
    return copy.empty() ? '\0' : copy.take();
  }
  // REQUIRES: !empty().
  char take() {
    const char c = rest_[0];
    if (c == '%' && rest_.size() >= 3 && hex_of(rest_[1]) >= 0 && hex_of(rest_[2]) >= 0) {
      const int value = hex_of(rest_[1]) * 16 + hex_of(rest_[2]);
      rest_.remove_prefix(3);
      return static_cast<char>(value);
    }
    rest_.remove_prefix(1);
    return c;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// What expressions inside of one another have come to so far.
class Resolver {
 public:
  // Reads one expression from its "${" on. True: it, or one inside of it, is a JNDI lookup.
  bool resolve(Characters* text) {
    for (size_t i = 0; i < kMaxBytes && !text->empty(); ++i) {
      const char c = text->take();
      if (c == '$' && text->peek() == '{') {
        text->take();
        if (depth_ == starts_.size()) return false;
        starts_[depth_++] = size_;
      } else if (c == '}') {
        close();
        if (depth_ == 0) return false;
      } else {
        if (size_ == bytes_.size()) return false;
        bytes_[size_++] = ascii_lower(c);
      }
      if (innermost().starts_with(kJndi)) return true;
    }
    return false;
  }

 private:
  static constexpr size_t kMaxBytes = 512;

  std::string_view innermost() const {
    const size_t start = starts_[depth_ - 1];
    return {bytes_.data() + start, size_ - start};
  }
  // Puts the value of the innermost expression in its place.
  void close() {
    const std::string_view lookup = innermost();
    const size_t fallback = lookup.find(":-");
    const size_t colon = lookup.find(':');
    std::string_view value;
    if (fallback != lookup.npos) {
      value = lookup.substr(fallback + 2);
    } else if (colon != lookup.npos) {
      value = lookup.substr(colon + 1);
    }
    const size_t start = starts_[--depth_];
    std::copy(value.begin(), value.end(), bytes_.begin() + static_cast<ptrdiff_t>(start));
    size_ = start + value.size();
  }

  std::array<char, 256> bytes_{};
  std::array<size_t, 8> starts_{};
  size_t size_ = 0;
  size_t depth_ = 0;
};

}  // namespace

bool has_jndi_lookup(std::string_view text) {
  for (size_t n = 0; n < kMaxExpressions;) {
    const size_t at = text.find_first_of("$%");
    if (at == text.npos) return false;
    text.remove_prefix(at);
    Characters rest(text);
    if (rest.take() == '$' && rest.peek() == '{') {
      ++n;
      Characters expression(text);
      if (Resolver().resolve(&expression)) return true;
    }
    text = rest.rest();
  }
  return false;
}

bool has_jndi_credentials(std::string_view value) {
  if (!starts_nocase(value, kBasic)) return false;
  std::array<uint8_t, kMaxCredentialBytes> plain;
  value = value.substr(kBasic.size(), plain.size());
  const size_t n = Base64Decoder{}.decode(value, plain.data());
  return has_jndi_lookup(as_text(Bytes(plain.data(), n)));
}

}  // namespace thymus::dpi::http
