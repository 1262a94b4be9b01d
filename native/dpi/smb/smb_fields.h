// Where the fields of SMB messages lie that several steps need.
#pragma once

#include <string_view>

#include "base/text_builder.h"
#include "dpi/smb/smb_message.h"
#include "dpi/text.h"

namespace thymus::dpi {

inline constexpr size_t kMaxSmbNameBytes = 1024;
using SmbPath = TextBuilder<kMaxSmbNameBytes>;

// {data1}-{data2}-... as EVE shows identifiers of SMB: each group reversed.
TextBuilder<36> smb_guid_text(Bytes guid);
// Behind the header.
Reader smb_body(Bytes message, const SmbHeader& h);
// {u16 offset, u16 length} of SMB2, counted from its header.
Bytes smb_referred(Bytes message, Reader* r);
// The share of a TREE_CONNECT request and the file of a CREATE request of SMB2.
SmbPath smb_share_of(Bytes asked, const SmbHeader& question);
SmbPath smb_file_of(Bytes asked, const SmbHeader& question);
// EVE shows one of the two backslashes at the start.
inline std::string_view smb_shown_share(std::string_view path) {
  return path.size() > 1 ? path.substr(1) : path;
}

// The parameter words of an SMB1 message, and the bytes behind them.
struct Smb1Body {
  Reader words;
  Reader bytes;
  size_t n_words = 0;
  size_t bytes_offset = 0;
};
Smb1Body smb1_body(Bytes message, const SmbHeader& h);
// What a TRANS, WRITE_ANDX or READ_ANDX carries.
Bytes data_of_smb1(Bytes message, const SmbHeader& h);

// Text up to its zero; UTF-16 begins at an even offset.
template <size_t N>
void take_smb1_text(Smb1Body* body, bool is_unicode, TextBuilder<N>* out) {
  Reader& r = body->bytes;
  if (!is_unicode) {
    const size_t n = as_text(r.rest()).find('\0');
    out->add_bytes(r.take_up_to(n == std::string_view::npos ? r.remaining() : n + 1));
    return;
  }
  if ((body->bytes_offset + r.offset()) % 2 != 0) r.skip(1);
  const Reader start = r;
  size_t n = 0;
  while (r.remaining() >= 2 && r.le16() != 0) n += 2;
  Reader text = start;
  out->add_utf16le(text.take_up_to(n));
}

}  // namespace thymus::dpi
