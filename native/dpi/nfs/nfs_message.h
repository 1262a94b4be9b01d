// Calls and replies of NFS 2 (RFC 1094), 3 (RFC 1813), 4.0 (RFC 7530) and 4.1 (RFC 8881), as far as
// they say which file is meant and what becomes of it. A message may be the start of one only.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace thymus::dpi::nfs {

inline constexpr uint32_t kProgram = 100003;
inline constexpr uint32_t kLowestVersion = 2;
inline constexpr uint32_t kHighestVersion = 4;

struct Credentials {
  uint32_t flavor = 0;
  std::string_view machine_name;  // AUTH_SYS (RFC 5531, appendix A)
  uint32_t uid = 0;
  uint32_t gid = 0;
};

struct Request {
  uint32_t operation = 0;    // a procedure; with version 4 the operation that changes a directory
  bool is_event = false;     // it is reported by itself
  bool is_counted = false;   // it takes a number, reported or not
  bool names_reply = false;  // the reply brings the handle of `name`
  bool reads = false;
  bool writes = false;
  bool is_stable = false;  // the write is whole with this call
  bool ends = false;       // COMMIT or CLOSE
  uint32_t asked_bytes = 0;
  Bytes handle;  // of the file, or of the directory that `name` lies in
  std::string_view name;
  std::string_view new_name;  // RENAME
};

struct Call {
  uint32_t xid;
  uint32_t version;
  uint32_t procedure;
  Credentials credentials;
  Request request;
};

// What a reply says, given the version and procedure of its call.
struct Reply {
  uint32_t status = 0;
  Bytes handle;  // that it brings
  bool is_eof = false;
};

// False when it is no call of NFS. REQUIRES: `r` stands behind the message type.
bool read_call(Reader* r, uint32_t xid, Call* call);

// REQUIRES: `r` stands behind the message type. `is_accepted` of the RPC.
Reply read_reply(Reader* r, uint32_t version, uint32_t procedure, uint32_t asked_bytes,
                 bool* is_accepted);

// Of a procedure, and of what a compound of version 4 does; empty for one that is unknown.
std::string_view procedure_name(uint32_t version, uint32_t operation);
// Empty for one without a name.
std::string_view status_name(uint32_t status);
std::string_view auth_name(uint32_t flavor);

}  // namespace thymus::dpi::nfs
