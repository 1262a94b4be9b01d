// PostgreSQL's frontend/backend protocol, version 3 (PostgreSQL documentation, chapter 55).
// Integers are big-endian, a length counts itself:
//
//   typed message:  | type, 1 | length, 4 | body |
//   start of a connection: | length, 4 | code, 4 | body |, the code is a version or a request for
//   encryption or the end of another query; TLS is answered with the one byte 'S' or 'N'
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "dpi/frames.h"
#include "dpi/parser.h"

namespace thymus::dpi::pgsql {

constexpr size_t kTypeBytes = 1, kLengthBytes = 4;
constexpr size_t kRowHeadBytes = 7;  // type, length, number of columns

enum StartCode : uint32_t {
  kVersion3 = 3 << 16,
  kVersion32 = kVersion3 + 2,
  kCancelRequest = 80877102,
  kSslRequest = 80877103,
  kGssRequest = 80877104,
};

enum Authentication : uint32_t {
  kAuthOk = 0,
  kAuthCleartext = 3,
  kAuthMd5 = 5,
  kAuthSspi = 9,
  kAuthSasl = 10,
  kAuthSaslContinue = 11,
  kAuthSaslFinal = 12,
};

// Of a message of the client; of the server where it is no answer to a request for encryption.
Frame measure_client(Bytes all);
Frame measure_server(Bytes all);

// Whether a connection begins with these bytes.
bool is_start(const Segment& first);

}  // namespace thymus::dpi::pgsql
