// What is said of a request and its response.
#include <iterator>

#include "base/generated/events/smb.h"
#include "dpi/smb/security_blob.h"
#include "dpi/smb/session.h"
#include "dpi/smb/smb_fields.h"
#include "dpi/smb/smb_names.h"

namespace thymus::dpi {
namespace {

namespace ids = event::smb;

uint64_t unix_seconds(uint64_t file_time) {
  constexpr uint64_t kPerSecond = 10'000'000, kEpoch = 11'644'473'600;
  const uint64_t seconds = file_time / kPerSecond;
  return seconds > kEpoch ? seconds - kEpoch : 0;
}

}  // namespace

void SmbSession::put_details(Bytes asked, const SmbHeader& question, Bytes message,
                             const SmbHeader& h) {
  if (question.is1(smb1::kNegotiate)) return put_negotiate1(asked, question, message, h);
  if (question.is1(smb1::kSessionSetup)) return put_setup1(asked, question);
  if (question.is1(smb1::kTreeConnect)) return put_tree1(asked, question, message, h);
  if (question.is1(smb1::kNtCreate)) return put_create1(asked, question, message, h);
  if (question.is_smb1) return;
  switch (question.command) {
    case smb2::kNegotiate:
      return put_negotiate(asked, question, message, h);
    case smb2::kSessionSetup:
      return put_setup(asked, question);
    case smb2::kTreeConnect:
      return put_tree(asked, question, message, h);
    case smb2::kCreate:
      return put_create(asked, question, message, h);
    case smb2::kIoctl: {
      Reader r = smb_body(asked, question);
      r.skip(4);
      return events_.put_text(ids::kFunction, smb_function_name(r.le32()).view());
    }
    case smb2::kSetInfo:
      return put_set_info(asked, question);
    default:
      return;
  }
}

void SmbSession::put_negotiate(Bytes asked, const SmbHeader& question, Bytes message,
                               const SmbHeader& h) {
  Reader r = smb_body(asked, question);
  r.skip(2);
  const uint16_t n = r.le16();
  r.skip(8);
  const Bytes client = r.take(16);
  r.skip(8);
  for (uint16_t i = 0; i < n && r.remaining() >= 2; ++i) {
    events_.put_text(ids::kClientDialects, smb_dialect_name(r.le16()).view());
  }
  if (client.size() == 16) events_.put_text(ids::kClientGuid, smb_guid_text(client).view());
  put_server(message, h);
}

void SmbSession::put_server(Bytes message, const SmbHeader& h) {
  Reader r = smb_body(message, h);
  r.skip(8);
  const Bytes server = h.is2(smb2::kNegotiate) && h.is_response ? r.take(16) : Bytes();
  events_.put_text(ids::kServerGuid, server.empty() ? "" : smb_guid_text(server).view());
  if (state_.max_read_size > 0) events_.put(ids::kMaxReadSize, state_.max_read_size);
  if (state_.max_write_size > 0) events_.put(ids::kMaxWriteSize, state_.max_write_size);
}

void SmbSession::put_logon(Bytes blob) {
  NtlmAuthenticate ntlm;
  KerberosTicket ticket;
  if (read_ntlm_authenticate(blob, &ntlm)) {
    events_.open(ids::kNtlmssp);
    events_.put_text(ids::ntlmssp::kDomain, ntlm.domain.view());
    events_.put_text(ids::ntlmssp::kUser, ntlm.user.view());
    events_.put_text(ids::ntlmssp::kHost, ntlm.host.view());
    if (!ntlm.version.empty()) events_.put_text(ids::ntlmssp::kVersion, ntlm.version.view());
    events_.close();
  } else if (read_kerberos_ticket(blob, &ticket)) {
    events_.open(ids::kKerberos);
    events_.put_text(ids::kerberos::kRealm, as_text(ticket.realm));
    for (size_t i = 0; i < ticket.n_names; ++i) {
      events_.put_text(ids::kerberos::kSnames, as_text(ticket.server_names[i]));
    }
    events_.close();
  }
}

void SmbSession::put_setup(Bytes asked, const SmbHeader& question) {
  Reader r = smb_body(asked, question);
  r.skip(12);
  put_logon(smb_referred(asked, &r));
}

void SmbSession::put_tree(Bytes asked, const SmbHeader& question, Bytes message,
                          const SmbHeader& h) {
  Reader r = smb_body(message, h);
  r.skip(2);
  const uint8_t type = h.status == kStatusSuccess ? r.u8() : uint8_t{0};
  const SmbPath path = smb_share_of(asked, question);
  events_.put_text(type == 2 ? ids::kNamedPipe : ids::kShare, smb_shown_share(path.view()));
  constexpr std::string_view kTypes[] = {"UNKNOWN", "FILE", "PIPE", "PRINT"};
  events_.put_text(ids::kShareType, type < std::size(kTypes) ? kTypes[type] : kTypes[0]);
}

void SmbSession::put_opened(std::string_view path, uint32_t disposition, uint32_t options) {
  constexpr std::string_view kDispositions[] = {"FILE_SUPERSEDE", "FILE_OPEN",
                                                "FILE_CREATE",    "FILE_OPEN_IF",
                                                "FILE_OVERWRITE", "FILE_OVERWRITE_IF"};
  const bool is_directory = (options & 1) != 0 && !path.empty();
  events_.put_text(is_directory ? ids::kDirectory : ids::kFilename,
                   path.empty() ? "<share_root>" : path);
  events_.put_text(ids::kDisposition,
                   disposition < std::size(kDispositions) ? kDispositions[disposition] : "UNKNOWN");
  events_.put_text(ids::kAccess, (options & 0x1000) != 0 ? "delete on close" : "normal");
}

// The four times of a create response.
void SmbSession::put_times(Reader* r) {
  for (const uint16_t field : {ids::kCreated, ids::kAccessed, ids::kModified, ids::kChanged}) {
    events_.put(field, unix_seconds(r->le64()));
  }
}

void SmbSession::put_create(Bytes asked, const SmbHeader& question, Bytes message,
                            const SmbHeader& h) {
  Reader r = smb_body(asked, question);
  r.skip(36);
  const uint32_t disposition = r.le32(), options = r.le32();
  put_opened(smb_file_of(asked, question).view(), disposition, options);
  Reader answer = h.status == kStatusSuccess ? smb_body(message, h) : Reader();
  answer.skip(8);
  put_times(&answer);
  answer.skip(8);
  events_.put(ids::kSize, answer.le64());
  answer.skip(8);
  const Bytes file = answer.take(kSmbFileIdBytes);
  events_.put_text(ids::kFuid, file.empty() ? "" : smb_guid_text(file).view());
}

void SmbSession::put_set_info(Bytes asked, const SmbHeader& question) {
  Reader r = smb_body(asked, question);
  r.skip(3);
  const bool is_rename = r.u8() == 10;
  r.skip(12);
  const Bytes file = r.take(kSmbFileIdBytes);
  const Name name = find_name(kFileName, file_key(file));
  const std::string_view old_name = name.is_known ? name.text : "<unknown>";
  if (is_rename) {
    r.skip(16);
    SmbPath new_name;
    new_name.add_utf16le(r.take(r.le32()));
    events_.open(ids::kSetInfo);
    events_.put_text(ids::set_info::kClass, "FILE_INFO");
    events_.put_text(ids::set_info::kInfoLevel, "SMB2_FILE_RENAME_INFO");
    events_.close();
    events_.open(ids::kRename);
    events_.put_text(ids::rename::kFrom, old_name);
    events_.put_text(ids::rename::kTo, new_name.view());
    events_.close();
  } else {
    events_.put_text(ids::kFilename, old_name.empty() ? "<share_root>" : old_name);
    events_.put_text(ids::kAccess, r.u8() != 0 ? "delete on close" : "normal");
  }
  events_.put_text(ids::kFuid, smb_guid_text(file).view());
}

void SmbSession::put_negotiate1(Bytes asked, const SmbHeader& question, Bytes message,
                                const SmbHeader& h) {
  Smb1Body body = smb1_body(asked, question);
  while (!body.bytes.empty() && body.bytes.u8() == 2) {
    TextBuilder<64> dialect;
    take_smb1_text(&body, false, &dialect);
    events_.put_text(ids::kClientDialects, dialect.view());
  }
  put_server(message, h);
}

void SmbSession::put_setup1(Bytes asked, const SmbHeader& question) {
  Smb1Body body = smb1_body(asked, question);
  body.words.skip(14);
  const uint16_t n_blob = body.words.le16();
  if (body.n_words != 12) return;
  put_logon(body.bytes.take_up_to(n_blob));
  TextBuilder<128> system, manager;
  take_smb1_text(&body, question.is_unicode, &system);
  take_smb1_text(&body, question.is_unicode, &manager);
  events_.open(ids::kRequest);
  events_.put_text(ids::request::kNativeOs, system.view());
  events_.put_text(ids::request::kNativeLm, manager.view());
  events_.close();
}

void SmbSession::put_tree1(Bytes asked, const SmbHeader& question, Bytes message,
                           const SmbHeader& h) {
  Smb1Body body = smb1_body(asked, question);
  body.words.skip(6);
  body.bytes.skip(body.words.le16());
  SmbPath path;
  TextBuilder<32> service, answer;
  take_smb1_text(&body, question.is_unicode, &path);
  take_smb1_text(&body, false, &service);
  if (h.is_response && h.status == kStatusSuccess) {
    Smb1Body response = smb1_body(message, h);
    take_smb1_text(&response, false, &answer);
  }
  events_.put_text(answer.view() == "IPC" ? ids::kNamedPipe : ids::kShare, path.view());
  events_.open(ids::kService);
  events_.put_text(ids::service::kRequest, service.view());
  if (!answer.empty()) events_.put_text(ids::service::kResponse, answer.view());
  events_.close();
}

void SmbSession::put_create1(Bytes asked, const SmbHeader& question, Bytes message,
                             const SmbHeader& h) {
  Smb1Body body = smb1_body(asked, question);
  body.words.skip(35);
  const uint32_t disposition = body.words.le32(), options = body.words.le32();
  SmbPath path;
  take_smb1_text(&body, question.is_unicode, &path);
  put_opened(path.view(), disposition, options);
  Reader answer =
      h.is_response && h.status == kStatusSuccess ? smb1_body(message, h).words : Reader();
  answer.skip(5);
  const uint16_t file = answer.le16();
  answer.skip(4);
  put_times(&answer);
  answer.skip(12);
  events_.put(ids::kSize, answer.le64());
  TextBuilder<4> fuid;
  if (answer.ok()) fuid.add_hex_number(file, 4);
  events_.put_text(ids::kFuid, fuid.view());
}

}  // namespace thymus::dpi
