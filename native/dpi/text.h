// Words of text protocols: ASCII, any case, whatever bytes surround them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace thymus::dpi {

constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr char ascii_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
constexpr bool is_printable(char c) { return c >= 0x20 && c < 0x7f; }

inline bool equals_nocase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (ascii_lower(a[i]) != ascii_lower(b[i])) return false;
  }
  return true;
}

inline bool starts_nocase(std::string_view text, std::string_view with) {
  return text.size() >= with.size() && equals_nocase(text.substr(0, with.size()), with);
}

inline bool contains_nocase(std::string_view text, std::string_view part) {
  for (size_t i = 0; i + part.size() <= text.size(); ++i) {
    if (equals_nocase(text.substr(i, part.size()), part)) return true;
  }
  return false;
}

inline std::string_view trim_left(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

inline std::string_view trim(std::string_view text) {
  text = trim_left(text);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Of the first CR or LF; npos: there is none. (string_view::find_first_of calls memchr for each
// character.)
inline size_t find_line_break(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' || text[i] == '\r') return i;
  }
  return text.npos;
}

// The word at the start of `*text`, up to a blank or the end; `*text` goes on behind the blanks.
inline std::string_view take_word(std::string_view* text) {
  size_t n = 0;
  while (n < text->size() && !is_blank((*text)[n])) ++n;
  const std::string_view word = text->substr(0, n);
  *text = trim_left(text->substr(n));
  return word;
}

// The decimal number at the start of `*text`, which goes on behind it. False without a digit or
// beyond `most`.
inline bool take_number(std::string_view* text, uint64_t most, uint64_t* out) {
  uint64_t value = 0;
  size_t n = 0;
  for (; n < text->size() && is_digit((*text)[n]); ++n) {
    value = value * 10 + static_cast<uint64_t>((*text)[n] - '0');
    if (value > most) return false;
  }
  text->remove_prefix(n);
  *out = value;
  return n > 0;
}

// The code of a reply line "250 text" or "250-text" (SMTP, FTP, NNTP and their kin); 0: none.
inline int reply_code(std::string_view line) {
  if (line.size() < 3 || !is_digit(line[0]) || !is_digit(line[1]) || !is_digit(line[2])) return 0;
  if (line.size() > 3 && line[3] != ' ' && line[3] != '-') return 0;
  return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

// Up to the first line end, CR and LF left out; `*is_whole`: there was an LF.
inline std::string_view first_line(Bytes data, bool* is_whole) {
  std::string_view text = as_text(data);
  const size_t lf = text.find('\n');
  *is_whole = lf != std::string_view::npos;
  text = text.substr(0, lf);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

// Whether all of it could be text in ASCII: printable characters and tabs.
inline bool is_plain(std::string_view text) {
  for (const char c : text) {
    if (!is_printable(c) && c != '\t') return false;
  }
  return true;
}

}  // namespace thymus::dpi
