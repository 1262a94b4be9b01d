#include "dpi/smb/session.h"

#include "base/generated/events/smb.h"
#include "dpi/smb/smb_fields.h"
#include "dpi/smb/smb_names.h"

namespace thymus::dpi {
namespace {

namespace ids = event::smb;

constexpr int kWaiting = 2;
constexpr int kNames = 3;
constexpr size_t kMaxKeptRequest = 16 * 1024;
constexpr size_t kMaxNamesBytes = 48 * 1024;
constexpr size_t kNameHeaderBytes = 20;
constexpr int kMaxChain = 32;
constexpr uint32_t kMaxEvents = 20000;

// Renames and deletions; other changes of attributes are not.
bool is_shown_set_info(Bytes message, const SmbHeader& h) {
  Reader r = smb_body(message, h);
  r.skip(2);
  const uint8_t type = r.u8(), level = r.u8();
  return type == 1 && (level == 10 || level == 13);
}

}  // namespace

void SmbSession::on_message(Bytes message, uint64_t missing, int side) {
  for (int i = 0; i < kMaxChain; ++i) {
    SmbHeader h;
    if (!read_smb_header(message, &h)) return;
    const bool has_next = h.next_command != 0 && h.next_command < message.size();
    const Bytes one = has_next ? message.first(h.next_command) : message;
    if (h.is_response) {
      on_response(one, h, has_next ? 0 : missing, side);
    } else {
      on_request(one, h, has_next ? 0 : missing, side);
    }
    if (!has_next) return;
    message = message.subspan(h.next_command);
  }
}

void SmbSession::flush() {
  for (SmbRequest& request : state_.requests) {
    if (request.is_used) write_unanswered(&request);
  }
  for (SmbCall& call : state_.calls) {
    if (call.is_used) write_call(&call, nullptr, nullptr);
  }
  for (SmbFile& file : state_.files) {
    if (file.is_used) close(&file, FileState::kTruncated);
  }
}

void SmbSession::on_request(Bytes message, const SmbHeader& h, uint64_t missing, int side) {
  Reader r = smb_body(message, h);
  if (h.is2(smb2::kWrite)) return on_write(message, h, missing, side);
  if (h.is2(smb2::kClose)) {
    r.skip(8);
    on_close(r.take(kSmbFileIdBytes));
  }
  if (h.is2(smb2::kGetInfo)) return;
  if (h.is2(smb2::kSetInfo) && !is_shown_set_info(message, h)) return;
  if (h.is2(smb2::kIoctl)) {
    r.skip(24);
    Reader at(message);
    at.seek(r.le32());
    if (on_pdu_of_client(at.take(r.le32()), h)) return;
  }
  if (h.is1(smb1::kTrans) || h.is1(smb1::kWriteAndX) || h.is1(smb1::kTrans2)) {
    on_pdu_of_client(data_of_smb1(message, h), h);
    return;
  }
  if (h.is1(smb1::kReadAndX)) return;
  keep(message, h);
}

void SmbSession::keep(Bytes message, const SmbHeader& h) {
  message = Reader(message).take_up_to(kMaxKeptRequest);
  SmbRequest* request = room_for_request();
  Buffers* buffers = context_.buffers;
  const std::array<uint8_t, 2> length{static_cast<uint8_t>(message.size() >> 8),
                                      static_cast<uint8_t>(message.size())};
  if (buffers->view(kWaiting).size() + 2 + message.size() > kMaxBufferBytes) drop_all_waiting();
  const size_t before = buffers->view(kWaiting).size();
  if (!buffers->append(kWaiting, length)) return;
  if (!buffers->append(kWaiting, message)) {
    state_.consumed_bytes += static_cast<uint32_t>(before + length.size());
    buffers->clear(kWaiting);
    for (SmbRequest& other : state_.requests) other.is_used = false;
    return;
  }
  const bool has_event = !h.is2(smb2::kRead);
  *request = {h.message,
              has_event ? ++state_.n_ids : 0,
              state_.consumed_bytes + static_cast<uint32_t>(before),
              h.command,
              h.is_smb1,
              true};
}

SmbRequest* SmbSession::room_for_request() {
  for (SmbRequest& request : state_.requests) {
    if (!request.is_used) return &request;
  }
  SmbRequest* oldest = state_.requests.data();
  for (SmbRequest& request : state_.requests) {
    if (static_cast<int32_t>(request.begin - oldest->begin) < 0) oldest = &request;
  }
  write_unanswered(oldest);
  forget(oldest);
  return oldest;
}

void SmbSession::drop_all_waiting() {
  for (SmbRequest& request : state_.requests) {
    if (request.is_used) write_unanswered(&request);
  }
  state_.consumed_bytes += static_cast<uint32_t>(context_.buffers->view(kWaiting).size());
  context_.buffers->clear(kWaiting);
}

Bytes SmbSession::kept(const SmbRequest& request) const {
  Reader r(context_.buffers->view(kWaiting));
  r.skip(std::min<size_t>(request.begin - state_.consumed_bytes, r.remaining()));
  return r.take(r.be16());
}

void SmbSession::forget(SmbRequest* request) {
  request->is_used = false;
  size_t n = context_.buffers->view(kWaiting).size();
  for (const SmbRequest& other : state_.requests) {
    if (other.is_used) n = std::min<size_t>(n, other.begin - state_.consumed_bytes);
  }
  context_.buffers->consume(kWaiting, n);
  state_.consumed_bytes += static_cast<uint32_t>(n);
}

SmbRequest* SmbSession::find_request(const SmbHeader& h) {
  for (SmbRequest& request : state_.requests) {
    const bool is_negotiation =
        h.is2(smb2::kNegotiate) && request.is_smb1 && request.command == smb1::kNegotiate;
    if (request.is_used &&
        (is_negotiation || (request.is_smb1 == h.is_smb1 && request.message == h.message &&
                            request.command == h.command))) {
      return &request;
    }
  }
  return nullptr;
}

void SmbSession::on_response(Bytes message, const SmbHeader& h, uint64_t missing, int side) {
  if (h.status == kStatusPending) return;
  if (h.is2(smb2::kIoctl)) {
    Reader r = smb_body(message, h);
    r.skip(32);
    Reader at(message);
    at.seek(r.le32());
    if (on_pdu_of_server(at.take(r.le32()), h)) return;
  }
  if (h.is1(smb1::kTrans) || h.is1(smb1::kReadAndX)) {
    on_pdu_of_server(data_of_smb1(message, h), h);
    return;
  }
  SmbRequest* request = find_request(h);
  if (request == nullptr) return;
  if (h.is2(smb2::kRead)) {
    on_read(message, h, kept(*request), missing, side);
  } else {
    write(*request, message, h);
  }
  forget(request);
}

void SmbSession::begin(uint32_t id, bool is_smb1, uint16_t command) {
  events_.begin(event::kSmb, state_.client_is_responder ? Side::kResponder : Side::kOriginator);
  events_.put(ids::kId, id);
  events_.put_text(ids::kDialect, state_.dialect == 0   ? "unknown"
                                  : state_.dialect == 1 ? "NT LM 0.12"
                                                        : smb_dialect_name(state_.dialect).view());
  events_.put_text(ids::kCommand, smb_command_name(is_smb1, command).view());
}

void SmbSession::put_status(uint32_t status) {
  events_.put_text(ids::kStatus, smb_status_name(status).view());
  TextBuilder<16> code("0x");
  events_.put_text(ids::kStatusCode, code.add_number(status, 16).view());
}

bool SmbSession::may_write() { return state_.n_events < kMaxEvents && ++state_.n_events > 0; }

void SmbSession::write(const SmbRequest& request, Bytes message, const SmbHeader& h) {
  const Bytes asked = kept(request);
  SmbHeader question;
  if (!read_smb_header(asked, &question)) return;
  learn(asked, question, message, h);
  if (!may_write()) return;
  begin(request.id, request.is_smb1, request.command);
  put_status(h.status);
  const bool tells_ids = h.is2(smb2::kSessionSetup) || h.is2(smb2::kTreeConnect) || h.is_smb1;
  events_.put(ids::kSessionId, tells_ids ? h.session : question.session);
  events_.put(ids::kTreeId, tells_ids ? h.tree : question.tree);
  put_details(asked, question, message, h);
  events_.end();
}

void SmbSession::write_unanswered(SmbRequest* request) {
  request->is_used = false;
  const Bytes asked = kept(*request);
  SmbHeader question;
  if (request->id == 0 || !read_smb_header(asked, &question) || !may_write()) return;
  begin(request->id, request->is_smb1, request->command);
  events_.put(ids::kSessionId, question.session);
  events_.put(ids::kTreeId, question.tree);
  put_details(asked, question, {}, {});
  events_.end();
}

// What later messages need: the dialect, names of shares and files.
void SmbSession::learn(Bytes asked, const SmbHeader& question, Bytes message, const SmbHeader& h) {
  if (h.status != kStatusSuccess) return;
  Reader r = smb_body(message, h);
  if (h.is2(smb2::kNegotiate)) {
    r.skip(4);
    state_.dialect = r.le16();
    r.skip(26);
    state_.max_read_size = r.le32();
    state_.max_write_size = r.le32();
  } else if (h.is1(smb1::kNegotiate)) {
    state_.dialect = 1;
  } else if (h.is2(smb2::kTreeConnect)) {
    r.skip(2);
    const bool is_pipe = r.u8() == 2;
    add_name(kShareName, share_key(h), is_pipe, smb_share_of(asked, question).view());
  } else if (h.is2(smb2::kCreate)) {
    r.skip(64);
    const Bytes file = r.take(kSmbFileIdBytes);
    if (!r.ok()) return;
    const Name share = find_name(kShareName, share_key(question));
    add_name(kFileName, file_key(file), share.is_pipe, smb_file_of(asked, question).view());
  }
}

void SmbSession::add_name(NameKind kind, const Key& key, bool is_pipe, std::string_view text) {
  Buffers* buffers = context_.buffers;
  while (buffers->view(kNames).size() + kNameHeaderBytes + text.size() > kMaxNamesBytes) {
    Reader oldest(buffers->view(kNames));
    oldest.skip(kNameHeaderBytes - 2);
    buffers->consume(kNames, kNameHeaderBytes + oldest.be16());
  }
  std::array<uint8_t, kNameHeaderBytes + kMaxSmbNameBytes> entry{};
  entry[0] = kind;
  entry[1] = is_pipe;
  std::copy(key.begin(), key.end(), entry.begin() + 2);
  entry[18] = static_cast<uint8_t>(text.size() >> 8);
  entry[19] = static_cast<uint8_t>(text.size());
  std::copy(text.begin(), text.end(), entry.begin() + kNameHeaderBytes);
  buffers->append(kNames, {entry.data(), kNameHeaderBytes + text.size()});
}

SmbSession::Name SmbSession::find_name(NameKind kind, const Key& key) const {
  Name found;
  Reader r(context_.buffers->view(kNames));
  while (!r.empty()) {
    const uint8_t entry_kind = r.u8();
    const bool is_pipe = r.u8() != 0;
    const Bytes entry_key = r.take(key.size());
    const Bytes text = r.take(r.be16());
    if (entry_kind == kind && as_text(entry_key) == as_text(key)) {
      found = {as_text(text), is_pipe, true};
    }
  }
  return found;
}

}  // namespace thymus::dpi
