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

bool is_alphanumeric(char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); }

// FNV-1a of letters and digits, in lower case: what stands between them is escaped in many ways.
uint32_t key_of(std::string_view lookup) {
  uint32_t key = 0x811c9dc5;
  for (const char c : lookup) {
    if (is_alphanumeric(c)) key = (key ^ static_cast<uint8_t>(c)) * 0x01000193;
  }
  return key == 0 ? 1 : key;
}

// What expressions inside of one another have come to so far.
class Resolver {
 public:
  // Reads one expression from its "${" on, and adds it, or the first one inside of it that is a
  // JNDI lookup.
  void resolve(Characters* text, JndiLookups* found) {
    size_t lookup_depth = 0;
    for (size_t i = 0; i < kMaxBytes && !text->empty(); ++i) {
      const char c = text->take();
      if (c == '$' && text->peek() == '{') {
        text->take();
        if (depth_ == starts_.size()) break;
        starts_[depth_++] = size_;
      } else if (c == '}') {
        if (depth_ == lookup_depth) return found->add(key_of(innermost()));
        close();
        if (depth_ == 0) return;
      } else {
        if (size_ == bytes_.size()) break;
        bytes_[size_++] = ascii_lower(c);
      }
      if (lookup_depth == 0 && innermost().starts_with(kJndi)) lookup_depth = depth_;
    }
    if (lookup_depth != 0) found->add(0);
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

void JndiLookups::add(uint32_t key) {
  if (n_ < kMost && std::find(begin(), end(), key) == end()) keys_[n_++] = key;
}

void find_jndi_lookups(std::string_view text, JndiLookups* found) {
  for (size_t n = 0; n < kMaxExpressions;) {
    const size_t at = text.find_first_of("$%");
    if (at == text.npos) return;
    text.remove_prefix(at);
    Characters rest(text);
    if (rest.take() == '$' && rest.peek() == '{') {
      ++n;
      Characters expression(text);
      Resolver().resolve(&expression, found);
    }
    text = rest.rest();
  }
}

void find_jndi_credentials(std::string_view value, JndiLookups* found) {
  if (!starts_nocase(value, kBasic)) return;
  std::array<uint8_t, kMaxCredentialBytes> plain;
  value = value.substr(kBasic.size(), plain.size());
  const size_t n = Base64Decoder{}.decode(value, plain.data());
  find_jndi_lookups(as_text(Bytes(plain.data(), n)), found);
}

}  // namespace thymus::dpi::http
