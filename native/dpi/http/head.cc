#include "dpi/http/head.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "dpi/text.h"

namespace thymus::dpi::http {
namespace {

constexpr std::string_view kMethods[] = {
    "GET",         "POST",     "HEAD",       "PUT",         "DELETE",      "OPTIONS",
    "CONNECT",     "TRACE",    "PATCH",      "COPY",        "LOCK",        "MKCOL",
    "MOVE",        "PROPFIND", "PROPPATCH",  "UNLOCK",      "SEARCH",      "REPORT",
    "CHECKOUT",    "MERGE",    "MKACTIVITY", "SUBSCRIBE",   "M-SEARCH",    "NOTIFY",
    "UNSUBSCRIBE", "PURGE",    "MKCALENDAR", "RPC_IN_DATA", "RPC_OUT_DATA"};
constexpr size_t kMaxMethodBytes = 32;
constexpr std::string_view kProtocol = "HTTP/";
// What lenient programs take for white space around names and values.
constexpr bool is_padding(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0'; }

size_t find_padding(std::string_view text) {
  return static_cast<size_t>(std::ranges::find_if(text, is_padding) - text.begin());
}

bool is_method_char(char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_'; }

std::string_view trim_padding(std::string_view text) {
  while (!text.empty() && is_padding(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_padding(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the next line of a head off `rest`. A CR that no LF follows ends a line as well.
std::string_view take_line(std::string_view* rest) {
  const size_t end = find_line_break(*rest);
  if (end == rest->npos) return std::exchange(*rest, {});
  const std::string_view line = rest->substr(0, end);
  size_t next = end;
  while (next < rest->size() && (*rest)[next] == '\r') ++next;
  const bool has_lf = next < rest->size() && (*rest)[next] == '\n';
  rest->remove_prefix(has_lf ? next + 1 : end + 1);
  return line;
}

// A field with the lines that continue it.
std::string_view take_field(std::string_view* rest, bool* is_folded) {
  const std::string_view from = *rest;
  std::string_view line = take_line(rest);
  *is_folded = false;
  while (!rest->empty() && is_blank(rest->front())) {
    line = take_line(rest);
    *is_folded = true;
  }
  const size_t behind = from.size() - rest->size();
  return trim_padding(from.substr(0, behind));
}

// The first number in a text. False: there is none, or there is more than that.
bool read_number(std::string_view text, uint64_t* out) {
  const size_t from = text.find_first_of("0123456789");
  if (from == text.npos) return false;
  const auto [end, error] = std::from_chars(text.data() + from, text.data() + text.size(), *out);
  return error == std::errc{} && from == 0 && end == text.data() + text.size();
}

// A single blank between two LF, which programs take for an empty line.
bool is_blank_line(std::string_view before) {
  return before.size() >= 2 && is_blank(before.back()) && before[before.size() - 2] == '\n';
}

void set_length(std::string_view value, Head* head) {
  uint64_t length = kNoLength;
  if (!read_number(value, &length)) head->faults |= kInvalidLength;
  if (head->content_length != kNoLength) {
    head->faults |= kDuplicateLength;
    return;
  }
  head->content_length = length;
}

void set_first(std::string_view value, std::string_view* field) {
  if (field->data() == nullptr) *field = value;
}

void set_transfer_coding(std::string_view value, Head* head) {
  if (contains_nocase(value, "chunked")) {
    head->chunked = true;
  } else {
    head->faults |= kInvalidTransferCoding;
  }
}

void set_encoding(std::string_view value, Head* head) {
  if (head->content_encoding.data() == nullptr) {
    head->content_encoding = value;
  } else {
    set_first(value, &head->second_encoding);
  }
}

void set_host(std::string_view value, Head* head) {
  if (head->host.data() != nullptr) head->faults |= kAmbiguousHost;
  set_first(value, &head->host);
}

struct KnownField {
  std::string_view name;
  void (*set)(std::string_view value, Head* head);
};
constexpr KnownField kKnownFields[] = {
    {"host", set_host},
    {"user-agent", [](std::string_view v, Head* h) { set_first(v, &h->user_agent); }},
    {"referer", [](std::string_view v, Head* h) { set_first(v, &h->referer); }},
    {"content-type", [](std::string_view v, Head* h) { set_first(v, &h->content_type); }},
    {"content-length", set_length},
    {"content-encoding", set_encoding},
    {"content-disposition",
     [](std::string_view v, Head* h) { set_first(v, &h->content_disposition); }},
    {"content-range", [](std::string_view v, Head* h) { set_first(v, &h->content_range); }},
    {"transfer-encoding", set_transfer_coding},
    {"location", [](std::string_view v, Head* h) { set_first(v, &h->location); }},
    {"upgrade", [](std::string_view v, Head* h) { set_first(v, &h->upgrade); }},
    {"authorization", [](std::string_view v, Head* h) { set_first(v, &h->authorization); }},
};

void read_field(std::string_view field, Head* head) {
  const size_t colon = field.find(':');
  if (colon == field.npos) {
    head->faults |= kMissingColon;
    return;
  }
  const std::string_view name = trim_padding(field.substr(0, colon));
  for (const KnownField& known : kKnownFields) {
    if (known.name.size() == name.size() && equals_nocase(known.name, name)) {
      const std::string_view value = trim_padding(field.substr(colon + 1));
      known.set(value, head);
      return;
    }
  }
}

// METHOD target HTTP/x.y; a target may hold blanks, the protocol may be missing.
void read_request_line(std::string_view line, Head* head) {
  line = trim_padding(line);
  const size_t end = std::min(line.find_first_of(" \t"), line.size());
  head->method = line.substr(0, end);
  line = trim_padding(line.substr(end));
  const size_t last = line.find_last_of(" \t");
  const std::string_view tail = last == line.npos ? line : line.substr(last + 1);
  if (starts_nocase(tail, "HTTP")) {
    head->protocol = tail;
    line = trim_padding(line.substr(0, line.size() - tail.size()));
  }
  head->target = line;
}

void read_status_line(std::string_view line, Head* head) {
  line = trim_padding(line);
  const size_t end = find_padding(line);
  head->protocol = line.substr(0, end);
  line = trim_padding(line.substr(end));
  head->status = line.substr(0, find_padding(line));
}

void check_request(Head* head) {
  if (!authority_of(*head).is_valid) head->faults |= kInvalidPort;
  if (head->host.data() == nullptr && equals_nocase(head->protocol, "HTTP/1.1")) {
    head->faults |= kMissingHost;
  }
}

// HOST or HOST:PORT or [IPv6]:PORT.
Authority split_authority(std::string_view text) {
  const size_t user = text.rfind('@');
  if (user != text.npos) text.remove_prefix(user + 1);
  Authority out;
  size_t end = text.find(':');
  if (text.starts_with('[')) end = text.find(':', std::min(text.find(']'), text.size()));
  out.host = trim_padding(text.substr(0, end));
  while (out.host.ends_with('.')) out.host.remove_suffix(1);
  if (end == text.npos) return out;
  const std::string_view digits = trim_padding(text.substr(end + 1));
  uint64_t port = 0;
  if (!read_number(digits, &port) || port == 0 || port > 0xffff) {
    out.is_valid = digits.empty();
    return out;
  }
  out.port = static_cast<uint16_t>(port);
  return out;
}

// Behind "scheme://"; empty when the target has none.
std::string_view authority_in(std::string_view target) {
  const size_t scheme = target.find("://");
  if (scheme == target.npos || scheme > 16 || target.substr(0, scheme).find('/') != target.npos) {
    return {};
  }
  const std::string_view rest = target.substr(scheme + 3);
  return rest.substr(0, rest.find_first_of("/?#"));
}

}  // namespace

uint16_t Head::status_code() const {
  uint64_t code = 0;
  return read_number(status, &code) && code < 1000 && status.size() == 3
             ? static_cast<uint16_t>(code)
             : uint16_t{0};
}

size_t find_head_end(Bytes bytes, bool is_request, HeadScan* scan) {
  const std::string_view text = as_text(bytes);
  for (;;) {
    const size_t lf = text.find('\n', scan->scanned);
    if (lf == text.npos) {
      scan->scanned = static_cast<uint32_t>(text.size());
      return 0;
    }
    const std::string_view before = text.substr(0, lf);
    if (!scan->has_line) {
      scan->has_line = true;
      // HTTP/0.9 has neither a version nor fields.
      if (is_request && !contains_nocase(before, kProtocol)) return lf + 1;
    } else {
      const size_t end = before.find_last_not_of('\r');
      if (end != before.npos && before[end] == '\n') return lf + 1;
      if (is_blank_line(before) && text.substr(lf + 1, 1) != "\n") return lf + 1;
    }
    scan->scanned = static_cast<uint32_t>(lf + 1);
  }
}

Head parse_head(Bytes bytes, bool is_request) {
  std::string_view rest = as_text(bytes);
  Head head;
  head.is_request = is_request;
  const std::string_view line = take_line(&rest);
  if (is_request) {
    read_request_line(line, &head);
  } else {
    read_status_line(line, &head);
  }
  if (!rest.empty() && is_blank(rest.front())) head.faults |= kInvalidFolding;
  while (!rest.empty()) {
    bool is_folded = false;
    const std::string_view field = take_field(&rest, &is_folded);
    if (!field.empty()) read_field(field, &head);
  }
  if (is_request) check_request(&head);
  return head;
}

bool may_begin_request(Bytes bytes) {
  const std::string_view text = as_text(bytes);
  // No method, but servers read up to the blank and log what they read.
  if (text.starts_with("${")) return true;
  size_t n = 0;
  while (n < text.size() && n <= kMaxMethodBytes && is_method_char(text[n])) ++n;
  if (n > kMaxMethodBytes) return false;
  return n == text.size() || (n > 0 && is_blank(text[n]));
}

bool may_begin_response(Bytes bytes) {
  const std::string_view text = as_text(bytes);
  const size_t n = std::min(text.size(), size_t{4});
  return equals_nocase(text.substr(0, n), kProtocol.substr(0, n));
}

bool is_known_method(std::string_view method) {
  return std::find(std::begin(kMethods), std::end(kMethods), method) != std::end(kMethods);
}

bool may_become_method(std::string_view text) {
  return std::any_of(std::begin(kMethods), std::end(kMethods),
                     [text](std::string_view method) { return method.starts_with(text); });
}

bool surely_begins_message(Bytes bytes) {
  const std::string_view text = as_text(bytes);
  if (starts_nocase(text, kProtocol)) return text.size() > 5 && is_digit(text[5]);
  const size_t end = text.find(' ');
  if (end == text.npos || !is_known_method(text.substr(0, end))) return false;
  const std::string_view line = text.substr(0, text.find('\n'));
  const bool is_whole = line.size() < text.size();
  if (is_whole && !contains_nocase(line, " HTTP/")) return false;
  const std::string_view target = line.substr(end + 1);
  return is_whole || target.starts_with('/') || target.starts_with("http");
}

Authority authority_of(const Head& request) {
  if (request.method == "CONNECT") return split_authority(request.target);
  const std::string_view absolute = authority_in(request.target);
  return split_authority(absolute.empty() ? request.host : absolute);
}

std::string_view path_of(std::string_view target) {
  const std::string_view authority = authority_in(target);
  if (!authority.empty()) {
    target.remove_prefix(target.find("://") + 3 + authority.size());
  }
  return target.substr(0, target.find_first_of("?#"));
}

std::string_view parameter_of(std::string_view value, std::string_view name) {
  // The first part is the value itself; a semicolon inside quotes separates nothing.
  while (!value.empty()) {
    bool in_quotes = false;
    size_t end = 0;
    while (end < value.size() && (in_quotes || value[end] != ';')) {
      if (value[end] == '"') in_quotes = !in_quotes;
      ++end;
    }
    const std::string_view part = value.substr(0, end);
    value.remove_prefix(std::min(end + 1, value.size()));
    const size_t equals = part.find('=');
    if (equals == part.npos || !equals_nocase(trim_padding(part.substr(0, equals)), name)) continue;
    std::string_view found = trim_padding(part.substr(equals + 1));
    if (found.starts_with('"')) found = found.substr(1, found.find('"', 1) - 1);
    return found;
  }
  return {};
}

ContentRange content_range_of(std::string_view value) {
  ContentRange out;
  if (!starts_nocase(value, "bytes")) return out;
  value = trim_padding(value.substr(5));
  const size_t dash = value.find('-');
  const size_t slash = value.find('/');
  if (dash == value.npos || slash == value.npos || dash > slash) return out;
  const bool first = read_number(value.substr(0, dash), &out.first);
  const bool last = read_number(value.substr(dash + 1, slash - dash - 1), &out.last);
  read_number(value.substr(slash + 1), &out.size);
  out.is_valid = first && last && out.first <= out.last;
  return out;
}

}  // namespace thymus::dpi::http
