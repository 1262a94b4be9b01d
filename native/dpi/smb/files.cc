// Contents of files that are read and written.
#include <algorithm>

#include "base/generated/events/smb.h"
#include "dpi/smb/session.h"
#include "dpi/smb/smb_fields.h"

namespace thymus::dpi {
namespace {

namespace ids = event::smb;

}  // namespace

void SmbSession::on_write(Bytes message, const SmbHeader& h, uint64_t missing, int side) {
  Reader r = smb_body(message, h);
  r.skip(2);
  const uint16_t data_offset = r.le16();
  r.skip(4);
  const uint64_t offset = r.le64();
  const Bytes file = r.take(kSmbFileIdBytes);
  Reader at(message);
  at.seek(data_offset);
  const Bytes data = at.rest();
  if (!r.ok() || !at.ok() || on_pdu_of_client(data, h)) return;
  on_content({file, offset, data, missing, true}, h, side);
}

void SmbSession::on_read(Bytes message, const SmbHeader& h, Bytes asked, uint64_t missing,
                         int side) {
  if (h.status != kStatusSuccess && h.status != kStatusBufferOverflow) return;
  SmbHeader question;
  if (!read_smb_header(asked, &question)) return;
  Reader request = smb_body(asked, question);
  request.skip(8);
  const uint64_t offset = request.le64();
  const Bytes file = request.take(kSmbFileIdBytes);
  Reader r = smb_body(message, h);
  r.skip(2);
  const uint8_t data_offset = r.u8();
  r.skip(1);
  const uint32_t length = r.le32();
  Reader at(message);
  at.seek(data_offset);
  const Bytes data = at.take_up_to(length);
  if (!r.ok() || !request.ok() || on_pdu_of_server(data, h)) return;
  on_content({file, offset, data, missing, false}, h, side);
}

void SmbSession::on_content(const Content& c, const SmbHeader& h, int side) {
  const Name share = find_name(kShareName, share_key(h));
  const Name name = find_name(kFileName, file_key(c.file));
  if (share.is_pipe || name.is_pipe) return;
  SmbFile* file = file_for(c, h);
  if (c.offset > file->tracker.size()) file->tracker.add_gap(c.offset - file->tracker.size());
  const uint64_t known = file->tracker.size() - c.offset;
  if (known < c.data.size()) file->tracker.add(c.data.subspan(static_cast<size_t>(known)));
  if (c.missing > 0) {
    const auto index = static_cast<size_t>(file - state_.files.data());
    state_.body_file[side] = static_cast<uint8_t>(index + 1);
  }
}

SmbFile* SmbSession::file_for(const Content& c, const SmbHeader& h) {
  SmbFile* room = nullptr;
  for (SmbFile& file : state_.files) {
    if (!file.is_used) {
      room = &file;
    } else if (file.is_write == c.is_write && as_text(file.file) == as_text(c.file)) {
      return &file;
    }
  }
  if (room == nullptr) {
    room = &state_.files[state_.victim++ % kMaxSmbFiles];
    close(room, FileState::kTruncated);
  }
  *room = {};
  std::copy(c.file.begin(), c.file.end(), room->file.begin());
  room->session = h.session;
  room->tree = h.tree;
  room->is_write = c.is_write;
  room->is_used = true;
  room->id = ++state_.n_ids;
  room->tracker.open(context_.digests);
  return room;
}

void SmbSession::on_close(Bytes id) {
  for (SmbFile& file : state_.files) {
    if (file.is_used && as_text(file.file) == as_text(id)) close(&file, FileState::kClosed);
  }
}

void SmbSession::close(SmbFile* file, FileState state) {
  const auto number = static_cast<uint8_t>(file - state_.files.data() + 1);
  for (uint8_t& owner : state_.body_file) {
    if (owner == number) owner = 0;
  }
  file->is_used = false;
  file->tracker.close(state);
  const Name known = find_name(kFileName, file_key(file->file));
  const std::string_view name = known.is_known ? known.text : file->is_write ? "" : "<unknown>";
  if (!may_write()) return;
  begin(file->id, false, file->is_write ? smb2::kWrite : smb2::kRead);
  if (state == FileState::kClosed) put_status(kStatusSuccess);
  events_.put(ids::kSessionId, file->session);
  events_.put(ids::kTreeId, file->tree);
  events_.put_text(ids::kFilename, name);
  events_.put_text(ids::kShare, smb_shown_share(find_name(kShareName, key_of(*file)).text));
  events_.put_text(ids::kFuid, smb_guid_text(file->file).view());
  events_.end();
  const bool client_sends = file->is_write;
  const Side sender =
      client_sends == state_.client_is_responder ? Side::kResponder : Side::kOriginator;
  begin_fileinfo(file->tracker, {AppId::kSmb, name, file->id - 1, sender}, &events_);
  events_.end();
}

}  // namespace thymus::dpi
