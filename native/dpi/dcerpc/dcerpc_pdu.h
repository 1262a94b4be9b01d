// PDUs of DCE/RPC (DCE 1.1 C706, MS-RPCE): connection-oriented, version 5, over TCP and in named
// pipes of SMB.
//
//   {u8 version 5, u8 minor, u8 type, u8 flags, u8 drep[4], u16 fragment length,
//    u16 auth length, u32 call id}, then by type:
//   REQUEST        {u32 alloc hint, u16 context, u16 opnum, stub}
//   RESPONSE       {u32 alloc hint, u16 context, u8 cancel count, u8, stub}
//   BIND, ALTER_CONTEXT            {u16, u16, u32 group, u8 n, u8[3],
//                                   n x {u16 context, u8 n syntaxes, u8, uuid, u16 major,
//                                        u16 minor, n syntaxes x 20 bytes}}
//   BINDACK, ALTER_CONTEXT_RESP    {u16, u16, u32 group, u16 length, address, padding to 4, u8 n,
//                                   u8[3], n x {u16 result, u16 reason, 20 bytes}}
//
// Numbers are in the byte order that drep names.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/text_builder.h"

namespace thymus::dpi {

enum class DcerpcType : uint8_t {
  kRequest = 0,
  kResponse = 2,
  kFault = 3,
  kBind = 11,
  kBindAck = 12,
  kBindNak = 13,
  kAlterContext = 14,
  kAlterContextResp = 15,
};
inline constexpr uint8_t kLastDcerpcType = 20;

// "ALTER_CONTEXT_RESP"; "UNKNOWN" behind the last one.
std::string_view dcerpc_type_name(uint8_t type);

// Reads numbers in the order of a PDU.
class DcerpcReader : public Reader {
 public:
  DcerpcReader(Bytes bytes, bool is_little) : Reader(bytes), is_little_(is_little) {}
  uint16_t u16() { return is_little_ ? le16() : be16(); }
  uint32_t u32() { return is_little_ ? le32() : be32(); }

 private:
  bool is_little_;
};

struct DcerpcHeader {
  static constexpr size_t kBytes = 16;

  uint8_t minor_version = 0;
  uint8_t type = 0;
  uint8_t flags = 0;
  bool is_little = false;
  uint16_t fragment_bytes = 0;  // with the header
  uint32_t call_id = 0;

  bool is(DcerpcType t) const { return type == static_cast<uint8_t>(t); }
  bool is_first() const { return (flags & 1) != 0; }
  bool is_last() const { return (flags & 2) != 0; }
  bool is_from_client() const;
};

// False when no PDU begins here; less than DcerpcHeader::kBytes are none.
bool read_dcerpc_header(Bytes bytes, DcerpcHeader* header);

// As it is sent; `is_little` tells how to show it.
struct DcerpcUuid {
  std::array<uint8_t, 16> bytes;
  bool is_little;

  TextBuilder<36> text() const;
};

struct DcerpcInterface {
  DcerpcUuid uuid;
  uint32_t call_id;  // of the bind
  uint16_t context;
  uint16_t version;
  uint16_t minor_version;
  uint16_t position;  // in its bind
  uint16_t ack_result;
  uint16_t ack_reason;
  bool is_acked;

  TextBuilder<16> version_text() const;
};

// The interfaces that the client of one connection or pipe has bound.
class DcerpcInterfaces {
 public:
  static constexpr size_t kMax = 32;

  // `body`: of a BIND or ALTER_CONTEXT, behind the header. A context that is bound anew replaces
  // the old one. False when the list is cut.
  bool on_bind(const DcerpcHeader& header, Bytes body);
  // Likewise of its answer.
  bool on_ack(const DcerpcHeader& header, Bytes body);
  std::span<const DcerpcInterface> all() const { return {entries_.data(), size_t{size_}}; }

 private:
  void add(const DcerpcInterface& entry);

  std::array<DcerpcInterface, kMax> entries_;
  uint16_t size_;
};

}  // namespace thymus::dpi
