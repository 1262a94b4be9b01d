// Heads of HTTP/1.x messages (RFC 9112 sections 2 to 5): the start line and the fields.
//
//   GET /index.html HTTP/1.1 CRLF          HTTP/1.1 200 OK CRLF
//   Host: www.example.org CRLF             Content-Type: text/html CRLF
//   CRLF                                   CRLF
//
// Read as leniently as clients and servers do: lines may end with LF or a single CR, fields may be
// folded, names and values may be padded with control bytes. What is unusual is noted as a fault.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace thymus::dpi::http {

// Of a head that no segment holds whole; one that is longer is not read.
inline constexpr size_t kMaxHeadBytes = 32 * 1024;
inline constexpr uint64_t kNoLength = ~uint64_t{0};

// Bits of Head::faults.
enum Fault : uint16_t {
  kMissingColon = 1,
  kInvalidFolding = 2,
  kInvalidLength = 4,
  kDuplicateLength = 8,
  kInvalidTransferCoding = 16,
  kMissingHost = 32,
  kAmbiguousHost = 64,
  kInvalidPort = 128,
};

// Views into the bytes of the head.
struct Head {
  bool is_request = false;
  // Of the start line.
  std::string_view method;
  std::string_view target;
  std::string_view protocol;  // empty: HTTP/0.9
  std::string_view status;
  // Of the fields, the first of each name.
  std::string_view host;
  std::string_view user_agent;
  std::string_view referer;
  std::string_view content_type;
  std::string_view content_encoding;
  std::string_view second_encoding;  // of a second field of that name
  std::string_view content_disposition;
  std::string_view content_range;
  std::string_view location;
  std::string_view upgrade;
  std::string_view authorization;
  uint64_t content_length = kNoLength;
  bool chunked = false;
  uint16_t faults = 0;

  // The number, 0 when `status` is none.
  uint16_t status_code() const;
};

// Where the search for the end of a head stands between two calls. Zeroed memory: at its start.
struct HeadScan {
  uint32_t scanned;
  bool has_line;
};

// The size of the head that `bytes` begin with, its empty line included; 0 when it goes on: then
// the same bytes are to be shown again with more behind them.
size_t find_head_end(Bytes bytes, bool is_request, HeadScan* scan);

Head parse_head(Bytes head, bool is_request);

// Whether bytes may begin a message; of few bytes the benefit of the doubt.
bool may_begin_request(Bytes bytes);
bool may_begin_response(Bytes bytes);

// Whether it is one that programs use (RFC 9110, WebDAV, UPnP), or the start of one.
bool is_known_method(std::string_view method);
bool may_become_method(std::string_view text);
// Whether bytes that need not be a whole line begin a message beyond doubt.
bool surely_begins_message(Bytes bytes);

// The host in a target or Host field without port and the port; 0 where none is given.
struct Authority {
  std::string_view host;
  uint16_t port = 0;
  bool is_valid = true;
};
Authority authority_of(const Head& request);
// The path of a target, without query and fragment.
std::string_view path_of(std::string_view target);
// A parameter of a field such as Content-Disposition, without quotes; empty when it is not there.
std::string_view parameter_of(std::string_view value, std::string_view name);

// bytes FIRST-LAST/SIZE of a Content-Range field (RFC 9110 section 14.4).
struct ContentRange {
  bool is_valid = false;
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t size = 0;  // 0: not said
};
ContentRange content_range_of(std::string_view value);

}  // namespace thymus::dpi::http
