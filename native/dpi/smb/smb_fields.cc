#include "dpi/smb/smb_fields.h"

namespace thymus::dpi {

TextBuilder<36> smb_guid_text(Bytes guid) {
  TextBuilder<36> text;
  Reader r(guid);
  text.add_hex_number(r.le32(), 8).add('-').add_hex_number(r.le16(), 4).add('-');
  text.add_hex_number(r.le16(), 4).add('-').add_hex_number(r.le16(), 4).add('-');
  text.add_hex_number(r.le16(), 4);
  return text.add_hex_number(r.le32(), 8);
}

Reader smb_body(Bytes message, const SmbHeader& h) {
  Reader r(message);
  r.skip(h.bytes());
  return r;
}

Bytes smb_referred(Bytes message, Reader* r) {
  const uint16_t offset = r->le16(), length = r->le16();
  Reader at(message);
  at.seek(offset);
  return at.take(length);
}

SmbPath smb_share_of(Bytes asked, const SmbHeader& question) {
  Reader r = smb_body(asked, question);
  r.skip(4);
  SmbPath path;
  path.add_utf16le(smb_referred(asked, &r));
  return path;
}

SmbPath smb_file_of(Bytes asked, const SmbHeader& question) {
  Reader r = smb_body(asked, question);
  r.skip(44);
  SmbPath path;
  path.add_utf16le(smb_referred(asked, &r));
  return path;
}

Smb1Body smb1_body(Bytes message, const SmbHeader& h) {
  Smb1Body body;
  Reader r = smb_body(message, h);
  body.n_words = r.u8();
  body.words = r.sub(body.n_words * 2);
  const size_t n_bytes = r.le16();
  body.bytes_offset = r.offset();
  body.bytes = r.sub(n_bytes);
  return body;
}

Bytes data_of_smb1(Bytes message, const SmbHeader& h) {
  Smb1Body body = smb1_body(message, h);
  const bool is_write = h.is1(smb1::kWriteAndX);
  const bool is_read = h.is1(smb1::kReadAndX);
  body.words.skip(is_write ? 20 : is_read ? 10 : h.is_response ? 12 : 22);
  const uint16_t length = body.words.le16(), offset = body.words.le16();
  Reader at(message);
  at.seek(offset);
  return at.take_up_to(length);
}

}  // namespace thymus::dpi
