#include "dpi/nfs/nfs_message.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>

namespace thymus::dpi::nfs {
namespace {

constexpr uint32_t kAuthSys = 1;
constexpr uint32_t kMaxOpaqueBytes = 1024;
constexpr size_t kHandle2Bytes = 32;
constexpr size_t kMaxOperations = 32;  // of a compound

constexpr std::string_view kNames2[] = {
    "NULL",   "GETATTR", "SETATTR", "ROOT", "LOOKUP",  "READLINK", "READ",  "WRITECACHE", "WRITE",
    "CREATE", "REMOVE",  "RENAME",  "LINK", "SYMLINK", "MKDIR",    "RMDIR", "READDIR",    "STATFS"};
constexpr std::string_view kNames3[] = {
    "NULL",    "GETATTR",     "SETATTR", "LOOKUP", "ACCESS",   "READLINK", "READ",   "WRITE",
    "CREATE",  "MKDIR",       "SYMLINK", "MKNOD",  "REMOVE",   "RMDIR",    "RENAME", "LINK",
    "READDIR", "READDIRPLUS", "FSSTAT",  "FSINFO", "PATHCONF", "COMMIT"};

namespace proc2 {
constexpr uint32_t kGetattr = 1, kLookup = 4, kRead = 6, kWrite = 8, kCreate = 9, kRemove = 10,
                   kRename = 11, kLink = 12, kSymlink = 13, kMkdir = 14, kRmdir = 15;
}  // namespace proc2

namespace proc3 {
constexpr uint32_t kGetattr = 1, kLookup = 3, kRead = 6, kWrite = 7, kCreate = 8, kMknod = 11,
                   kRemove = 12, kRmdir = 13, kRename = 14, kLink = 15, kCommit = 21;
}  // namespace proc3

namespace op4 {
constexpr uint32_t kAccess = 3, kClose = 4, kCommit = 5, kCreate = 6, kGetattr = 9, kGetfh = 10,
                   kLookup = 15, kLookupp = 16, kOpen = 18, kPutfh = 22, kPutpubfh = 23,
                   kPutrootfh = 24, kRead = 25, kReadlink = 27, kRemove = 28, kRename = 29,
                   kRestorefh = 31, kSavefh = 32, kWrite = 38, kSequence = 53;
}  // namespace op4

constexpr uint32_t kFileSync = 2;
constexpr uint32_t kCompound = 1;

Bytes read_opaque(Reader* r) {
  const uint32_t bytes = r->be32();
  if (bytes > kMaxOpaqueBytes) {
    r->fail();
    return {};
  }
  const Bytes value = r->take(bytes);
  r->take_up_to((4 - bytes % 4) % 4);
  return value;
}

std::string_view read_name(Reader* r) { return as_text(read_opaque(r)); }

Bytes read_handle(Reader* r, uint32_t version) {
  return version == 2 ? r->take(kHandle2Bytes) : read_opaque(r);
}

void read_transfer(Reader* r, uint32_t version, Request* q) {
  if (version == 2) {
    if (!q->writes) {
      r->skip(4);  // offset
      q->asked_bytes = r->be32();
    }
    return;
  }
  r->skip(8);
  q->asked_bytes = r->be32();
  if (q->writes) q->is_stable = r->be32() == kFileSync;
}

// Of versions 2 and 3 a procedure is one operation on a handle, many with a name behind it.
void read_procedure(Reader* r, uint32_t version, uint32_t procedure, Request* q) {
  const bool is_2 = version == 2;
  q->operation = procedure;
  q->reads = procedure == (is_2 ? proc2::kRead : proc3::kRead);
  q->writes = procedure == (is_2 ? proc2::kWrite : proc3::kWrite);
  q->ends = !is_2 && procedure == proc3::kCommit;
  q->is_counted = !q->reads && !q->writes && !q->ends;
  q->is_event = q->is_counted && procedure != (is_2 ? proc2::kGetattr : proc3::kGetattr);
  if (procedure == 0) return;
  q->handle = read_handle(r, version);
  if (q->reads || q->writes) read_transfer(r, version, q);
  const bool is_lookup = procedure == (is_2 ? proc2::kLookup : proc3::kLookup);
  const bool is_rename = procedure == (is_2 ? proc2::kRename : proc3::kRename);
  const bool is_link = procedure == (is_2 ? proc2::kLink : proc3::kLink);
  const bool makes = is_2 ? procedure == proc2::kCreate || procedure == proc2::kMkdir
                          : procedure >= proc3::kCreate && procedure <= proc3::kMknod;
  const bool removes = is_2 ? procedure == proc2::kRemove || procedure == proc2::kRmdir ||
                                  procedure == proc2::kSymlink
                            : procedure == proc3::kRemove || procedure == proc3::kRmdir;
  if (is_link) q->handle = read_handle(r, version);
  if (is_lookup || is_rename || is_link || makes || removes) q->name = read_name(r);
  if (is_rename) {
    read_handle(r, version);
    q->new_name = read_name(r);
  }
  q->names_reply = is_lookup || makes;
  // What a search is reported with is the handle that it finds.
  if (is_lookup) q->handle = {};
}

void skip_bitmap(Reader* r) {
  const uint32_t words = r->be32();
  if (words > 8) {
    r->fail();
  } else {
    r->skip(words * 4);
  }
}

// nfs_fh4 of the current directory stays the handle; the name is that of an OPEN without one.
void read_open(Reader* r, Request* q) {
  r->skip(4 + 4 + 4);  // seqid, access, deny
  r->skip(8);          // client
  read_opaque(r);      // owner
  constexpr uint32_t kMakes = 1, kExclusive = 2, kExclusive41 = 3;
  if (r->be32() == kMakes) {
    const uint32_t mode = r->be32();
    if (mode >= kExclusive) r->skip(8);
    if (mode != kExclusive && mode <= kExclusive41) {
      skip_bitmap(r);
      read_opaque(r);
    }
  }
  constexpr uint32_t kClaimNull = 0;
  if (r->be32() != kClaimNull) return;
  q->name = read_name(r);
  q->names_reply = r->ok();
}

// kind of the object: a link has its target, a device two numbers
void read_create(Reader* r, Request* q) {
  constexpr uint32_t kBlock = 3, kCharacter = 4, kLink = 5;
  const uint32_t kind = r->be32();
  if (kind == kLink) read_opaque(r);
  if (kind == kBlock || kind == kCharacter) r->skip(8);
  q->name = read_name(r);
}

void say(uint32_t operation, Request* q) {
  q->operation = operation;
  q->is_event = q->is_counted = true;
}

// False at an operation behind which nothing can be read.
bool read_operation(Reader* r, uint32_t operation, Request* q) {
  switch (operation) {
    case op4::kSequence:
      return r->skip(32);
    case op4::kPutfh:
      q->handle = read_opaque(r);
      return r->ok();
    case op4::kPutrootfh:
    case op4::kPutpubfh:
    case op4::kSavefh:
    case op4::kRestorefh:
    case op4::kGetfh:
    case op4::kLookupp:
    case op4::kReadlink:
      return true;
    case op4::kLookup:
      read_name(r);
      return r->ok();
    case op4::kGetattr:
      skip_bitmap(r);
      return r->ok();
    case op4::kAccess:
      return r->skip(4);
    case op4::kOpen:
      read_open(r, q);
      return r->ok();
    case op4::kRead:
      q->reads = r->skip(16);
      read_transfer(r, 4, q);
      return r->ok();
    case op4::kWrite:  // what follows lies behind the data
      q->writes = r->skip(16);
      r->skip(8);
      q->is_stable = r->be32() == kFileSync;
      return false;
    case op4::kClose:
      q->ends = true;
      return r->skip(4 + 16);
    case op4::kCommit:
      q->ends = true;
      return r->skip(8 + 4);
    case op4::kCreate:
      read_create(r, q);
      if (r->ok()) say(operation, q);
      return false;
    case op4::kRemove:
      q->name = read_name(r);
      if (r->ok()) say(operation, q);
      return false;
    case op4::kRename:
      q->name = read_name(r);
      q->new_name = read_name(r);
      if (r->ok()) say(operation, q);
      return false;
    default:
      return false;
  }
}

void read_compound(Reader* r, Request* q) {
  read_opaque(r);  // tag
  r->skip(4);      // minor version
  const size_t n = std::min<size_t>(r->be32(), kMaxOperations);
  for (size_t i = 0; i < n && r->ok(); ++i) {
    if (!read_operation(r, r->be32(), q)) return;
  }
}

Credentials read_credentials(Reader* r) {
  Credentials c;
  c.flavor = r->be32();
  Reader body(read_opaque(r));
  if (c.flavor == kAuthSys) {
    body.skip(4);  // stamp
    c.machine_name = read_name(&body);
    c.uid = body.be32();
    c.gid = body.be32();
  }
  return c;
}

// What an operation adds to the reply. False: nothing can be read behind it.
bool read_result(Reader* r, uint32_t operation, Reply* reply) {
  switch (operation) {
    case op4::kSequence:
      return r->skip(36);
    case op4::kPutfh:
    case op4::kPutrootfh:
    case op4::kPutpubfh:
    case op4::kSavefh:
    case op4::kRestorefh:
    case op4::kLookup:
    case op4::kLookupp:
      return true;
    case op4::kAccess:
      return r->skip(8);
    case op4::kOpen: {
      r->skip(16 + 20 + 4);  // state, change of the directory, flags
      skip_bitmap(r);
      constexpr uint32_t kNone = 0;
      return r->be32() == kNone && r->ok();  // a delegation
    }
    case op4::kGetfh:
      reply->handle = read_opaque(r);
      return r->ok();
    case op4::kRead:
      reply->is_eof = r->be32() != 0;
      return false;
    default:
      return false;
  }
}

void read_compound_reply(Reader* r, Reply* reply) {
  read_opaque(r);
  const size_t n = std::min<size_t>(r->be32(), kMaxOperations);
  for (size_t i = 0; i < n && r->ok(); ++i) {
    const uint32_t operation = r->be32();
    if (r->be32() != 0 || !read_result(r, operation, reply)) return;
  }
}

bool is_end_of_file(Reader* r, uint32_t version, uint32_t asked_bytes) {
  if (version == 2) {
    r->skip(17 * 4);  // attributes
    const uint32_t got = r->be32();
    return r->ok() && got < asked_bytes;
  }
  if (r->be32() != 0) r->skip(84);
  r->skip(4);  // count
  return r->be32() != 0;
}

}  // namespace

bool read_call(Reader* r, uint32_t xid, Call* call) {
  const uint32_t rpc_version = r->be32();
  const uint32_t program = r->be32();
  call->xid = xid;
  call->version = r->be32();
  call->procedure = r->be32();
  call->credentials = read_credentials(r);
  r->skip(4);  // verifier
  read_opaque(r);
  if (!r->ok() || rpc_version != 2 || program != kProgram) return false;
  if (call->version < kLowestVersion || call->version > kHighestVersion) return false;
  call->request = {};
  if (call->version < 4) {
    read_procedure(r, call->version, call->procedure, &call->request);
  } else if (call->procedure == kCompound) {
    read_compound(r, &call->request);
  }
  return true;
}

Reply read_reply(Reader* r, uint32_t version, uint32_t procedure, uint32_t asked_bytes,
                 bool* is_accepted) {
  Reply reply;
  *is_accepted = r->be32() == 0;
  if (!*is_accepted) return reply;
  r->skip(4);  // verifier
  read_opaque(r);
  if (r->be32() != 0 || procedure == 0) return reply;
  reply.status = r->be32();
  if (version == 4) {
    read_compound_reply(r, &reply);
    return reply;
  }
  if (reply.status != 0) return reply;
  const bool is_2 = version == 2;
  if (procedure == (is_2 ? proc2::kRead : proc3::kRead)) {
    reply.is_eof = is_end_of_file(r, version, asked_bytes);
  } else if (is_2 || procedure == proc3::kLookup || r->be32() != 0) {
    reply.handle = read_handle(r, version);
  }
  return reply;
}

std::string_view procedure_name(uint32_t version, uint32_t operation) {
  if (version == 4) {
    switch (operation) {
      case 0:
        return "NULL";
      case kCompound:
        return "COMPOUND";
      case op4::kCreate:
        return "CREATE";
      case op4::kRead:
        return "READ";
      case op4::kRemove:
        return "REMOVE";
      case op4::kRename:
        return "RENAME";
      case op4::kWrite:
        return "WRITE";
      default:
        return {};
    }
  }
  const std::span<const std::string_view> names =
      version == 2 ? std::span<const std::string_view>(kNames2) : kNames3;
  return operation < names.size() ? names[operation] : std::string_view();
}

std::string_view status_name(uint32_t status) {
  constexpr std::pair<uint32_t, std::string_view> kStatus[] = {
      {0, "OK"},
      {1, "ERR_PERM"},
      {2, "ERR_NOENT"},
      {5, "ERR_IO"},
      {6, "ERR_NXIO"},
      {13, "ERR_ACCES"},
      {17, "ERR_EXIST"},
      {18, "ERR_XDEV"},
      {19, "ERR_NODEV"},
      {20, "ERR_NOTDIR"},
      {21, "ERR_ISDIR"},
      {22, "ERR_INVAL"},
      {27, "ERR_FBIG"},
      {28, "ERR_NOSPC"},
      {30, "ERR_ROFS"},
      {31, "ERR_MLINK"},
      {63, "ERR_NAMETOOLONG"},
      {66, "ERR_NOTEMPTY"},
      {69, "ERR_DQUOT"},
      {70, "ERR_STALE"},
      {71, "ERR_REMOTE"},
      {10001, "ERR_BADHANDLE"},
      {10002, "ERR_NOT_SYNC"},
      {10003, "ERR_BAD_COOKIE"},
      {10004, "ERR_NOTSUPP"},
      {10005, "ERR_TOOSMALL"},
      {10006, "ERR_SERVERFAULT"},
      {10007, "ERR_BADTYPE"},
      {10008, "ERR_JUKEBOX"},
  };
  const auto found = std::find_if(std::begin(kStatus), std::end(kStatus),
                                  [status](const auto& entry) { return entry.first == status; });
  return found == std::end(kStatus) ? std::string_view() : found->second;
}

std::string_view auth_name(uint32_t flavor) {
  switch (flavor) {
    case 0:
      return "NULL";
    case kAuthSys:
      return "UNIX";
    case 2:
      return "SHORT";
    case 3:
      return "DH";
    case 6:
      return "GSS";
    case 7:
      return "TLS";
    default:
      return {};
  }
}

}  // namespace thymus::dpi::nfs
