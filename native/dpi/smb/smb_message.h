// Headers of SMB messages (MS-CIFS 2.2.3, MS-SMB2 2.2.1), all little-endian:
//
//   SMB1  {ff 'SMB', u8 command, u32 status, u8 flags, u16 flags2, u16 pid, u8[8] signature, u16,
//          u16 tree, u16 pid, u16 user, u16 message}
//   SMB2  {fe 'SMB', u16 64, u16 credit charge, u32 status, u16 command, u16 credits, u32 flags,
//          u32 next command, u64 message, u32, u32 tree, u64 session, u8[16] signature}
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace thymus::dpi {

namespace smb1 {
enum Command : uint16_t {
  kClose = 0x04,
  kTrans = 0x25,
  kReadAndX = 0x2e,
  kWriteAndX = 0x2f,
  kTrans2 = 0x32,
  kNegotiate = 0x72,
  kSessionSetup = 0x73,
  kTreeConnect = 0x75,
  kNtCreate = 0xa2,
};
}  // namespace smb1

namespace smb2 {
enum Command : uint16_t {
  kNegotiate = 0,
  kSessionSetup = 1,
  kTreeConnect = 3,
  kCreate = 5,
  kClose = 6,
  kRead = 8,
  kWrite = 9,
  kIoctl = 11,
  kGetInfo = 16,
  kSetInfo = 17,
};
}  // namespace smb2

inline constexpr uint32_t kStatusSuccess = 0;
inline constexpr uint32_t kStatusPending = 0x103;
inline constexpr uint32_t kStatusBufferOverflow = 0x80000005;

struct SmbHeader {
  static constexpr size_t kSmb1Bytes = 32;
  static constexpr size_t kSmb2Bytes = 64;

  bool is_smb1 = false;
  bool is_response = false;
  bool is_unicode = true;
  uint16_t command = 0;
  uint32_t status = 0;
  uint32_t next_command = 0;  // SMB2: where the next message of a chain begins; 0: nowhere
  uint32_t tree = 0;
  uint64_t session = 0;
  uint64_t message = 0;

  size_t bytes() const { return is_smb1 ? kSmb1Bytes : kSmb2Bytes; }
  bool is1(smb1::Command c) const { return is_smb1 && command == c; }
  bool is2(smb2::Command c) const { return !is_smb1 && command == c; }
};

// False when no header of SMB1 or SMB2 stands at the start.
inline bool read_smb_header(Bytes bytes, SmbHeader* h) {
  Reader r(bytes);
  const uint32_t magic = r.be32();
  if (magic == 0xff534d42) {
    h->is_smb1 = true;
    h->command = r.u8();
    h->status = r.le32();
    h->is_response = (r.u8() & 0x80) != 0;
    h->is_unicode = (r.le16() & 0x8000) != 0;
    r.skip(12);
    h->tree = r.le16();
    r.skip(2);
    h->session = r.le16();
    h->message = r.le16();
    return r.ok();
  }
  if (magic != 0xfe534d42 || r.le16() != SmbHeader::kSmb2Bytes) return false;
  h->is_smb1 = false;
  r.skip(2);
  h->status = r.le32();
  h->command = r.le16();
  r.skip(2);
  h->is_response = (r.le32() & 1) != 0;
  h->next_command = r.le32();
  h->message = r.le64();
  r.skip(4);
  h->tree = r.le32();
  h->session = r.le64();
  r.skip(16);
  return r.ok();
}

}  // namespace thymus::dpi
