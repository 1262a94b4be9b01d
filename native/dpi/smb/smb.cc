// SMB 1 to 3 over TCP 445 and, in NetBIOS sessions (RFC 1002 4.3), over TCP 139:
//
//   {u8 type, u24 length}, then for type 0 one SMB message or a chain of them
//
// A request waits in a buffer until its response comes; both are read then. What is read from and
// written to files goes by. Contents of encrypted and compressed messages are not seen.
#include "base/generated/events/smb.h"

#include <array>
#include <string_view>

#include "dpi/parser.h"
#include "dpi/smb/security_blob.h"
#include "dpi/smb/smb_message.h"
#include "dpi/smb/smb_names.h"
#include "dpi/smb/smb_state.h"

namespace thymus::dpi {
namespace {

namespace ids = event::smb;

constexpr uint16_t kPorts[] = {445, 139};
constexpr std::string_view kFirstBytes("\x00\x81", 2);
constexpr int kWaiting = 2;  // requests: {u16 length, message}
constexpr int kNames = 3;    // {u8 kind, u8 is pipe, id of 16 bytes, u16 length, name}
constexpr size_t kFrameHeaderBytes = 4;
constexpr size_t kWholeBytes = 8192;  // longer messages that read or write files are not gathered
constexpr size_t kBulkHeadBytes = 256;
constexpr size_t kMaxGathered = 60 * 1024;
constexpr size_t kMaxKeptRequest = 16 * 1024;
constexpr size_t kMaxNamesBytes = 48 * 1024;
constexpr size_t kMaxNameBytes = 1024;
constexpr size_t kNameHeaderBytes = 20;
constexpr int kMaxChain = 32;
constexpr uint32_t kMaxEvents = 20000;

enum NameKind : uint8_t { kFileName = 1, kShareName = 2 };

using Path = TextBuilder<kMaxNameBytes>;

struct Name {
  std::string_view text;
  bool is_pipe = false;
  bool is_known = false;
};

// {data1}-{data2}-... as EVE shows identifiers of SMB: each group reversed.
TextBuilder<36> guid_text(Bytes guid) {
  TextBuilder<36> text;
  Reader r(guid);
  text.add_hex_number(r.le32(), 8).add('-').add_hex_number(r.le16(), 4).add('-');
  text.add_hex_number(r.le16(), 4).add('-').add_hex_number(r.le16(), 4).add('-');
  text.add_hex_number(r.le16(), 4);
  return text.add_hex_number(r.le32(), 8);
}

uint64_t unix_seconds(uint64_t file_time) {
  constexpr uint64_t kPerSecond = 10'000'000, kEpoch = 11'644'473'600;
  const uint64_t seconds = file_time / kPerSecond;
  return seconds > kEpoch ? seconds - kEpoch : 0;
}

// {u16 offset, u16 length} of SMB2, counted from its header.
Bytes referred(Bytes message, Reader* r) {
  const uint16_t offset = r->le16(), length = r->le16();
  Reader at(message);
  at.seek(offset);
  return at.take(length);
}

Reader body_of(Bytes message, const SmbHeader& h) {
  Reader r(message);
  r.skip(h.bytes());
  return r;
}

class Smb {
 public:
  Smb(SmbState* state, Context* context)
      : state_(*state), context_(*context), events_(*context->events) {}

  // One message, of which the last `missing` bytes come later.
  void on_message(Bytes message, uint64_t missing, int side) {
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

  void flush() {
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

 private:
  // ---- requests

  void on_request(Bytes message, const SmbHeader& h, uint64_t missing, int side) {
    Reader r = body_of(message, h);
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

  // Renames and deletions; other changes of attributes are not.
  static bool is_shown_set_info(Bytes message, const SmbHeader& h) {
    Reader r = body_of(message, h);
    r.skip(2);
    const uint8_t type = r.u8(), level = r.u8();
    return type == 1 && (level == 10 || level == 13);
  }

  void keep(Bytes message, const SmbHeader& h) {
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

  SmbRequest* room_for_request() {
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

  void drop_all_waiting() {
    for (SmbRequest& request : state_.requests) {
      if (request.is_used) write_unanswered(&request);
    }
    state_.consumed_bytes += static_cast<uint32_t>(context_.buffers->view(kWaiting).size());
    context_.buffers->clear(kWaiting);
  }

  Bytes kept(const SmbRequest& request) const {
    Reader r(context_.buffers->view(kWaiting));
    r.skip(std::min<size_t>(request.begin - state_.consumed_bytes, r.remaining()));
    return r.take(r.be16());
  }

  void forget(SmbRequest* request) {
    request->is_used = false;
    size_t n = context_.buffers->view(kWaiting).size();
    for (const SmbRequest& other : state_.requests) {
      if (other.is_used) n = std::min<size_t>(n, other.begin - state_.consumed_bytes);
    }
    context_.buffers->consume(kWaiting, n);
    state_.consumed_bytes += static_cast<uint32_t>(n);
  }

  SmbRequest* find_request(const SmbHeader& h) {
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

  // ---- responses

  void on_response(Bytes message, const SmbHeader& h, uint64_t missing, int side) {
    if (h.status == kStatusPending) return;
    if (h.is2(smb2::kIoctl)) {
      Reader r = body_of(message, h);
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

  // ---- events

  void begin(uint32_t id, bool is_smb1, uint16_t command) {
    events_.begin(event::kSmb, state_.client_is_responder ? Side::kResponder : Side::kOriginator);
    events_.put(ids::kId, id);
    events_.put_text(ids::kDialect, state_.dialect == 0 ? "unknown"
                                    : state_.dialect == 1
                                        ? "NT LM 0.12"
                                        : smb_dialect_name(state_.dialect).view());
    events_.put_text(ids::kCommand, smb_command_name(is_smb1, command).view());
  }

  void put_status(uint32_t status) {
    events_.put_text(ids::kStatus, smb_status_name(status).view());
    TextBuilder<16> code("0x");
    events_.put_text(ids::kStatusCode, code.add_number(status, 16).view());
  }

  bool may_write() { return state_.n_events < kMaxEvents && ++state_.n_events > 0; }

  void write(const SmbRequest& request, Bytes message, const SmbHeader& h) {
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

  void write_unanswered(SmbRequest* request) {
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
  void learn(Bytes asked, const SmbHeader& question, Bytes message, const SmbHeader& h) {
    if (h.status != kStatusSuccess) return;
    Reader r = body_of(message, h);
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
      add_name(kShareName, share_key(h), is_pipe, share_of(asked, question).view());
    } else if (h.is2(smb2::kCreate)) {
      r.skip(64);
      const Bytes file = r.take(kSmbFileIdBytes);
      if (!r.ok()) return;
      const Name share = find_name(kShareName, share_key(question));
      add_name(kFileName, file_key(file), share.is_pipe, file_of(asked, question).view());
    }
  }

  void put_details(Bytes asked, const SmbHeader& question, Bytes message, const SmbHeader& h) {
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
        Reader r = body_of(asked, question);
        r.skip(4);
        return events_.put_text(ids::kFunction, smb_function_name(r.le32()).view());
      }
      case smb2::kSetInfo:
        return put_set_info(asked, question);
      default:
        return;
    }
  }

  void put_negotiate(Bytes asked, const SmbHeader& question, Bytes message, const SmbHeader& h) {
    Reader r = body_of(asked, question);
    r.skip(2);
    const uint16_t n = r.le16();
    r.skip(8);
    const Bytes client = r.take(16);
    r.skip(8);
    for (uint16_t i = 0; i < n && r.remaining() >= 2; ++i) {
      events_.put_text(ids::kClientDialects, smb_dialect_name(r.le16()).view());
    }
    if (client.size() == 16) events_.put_text(ids::kClientGuid, guid_text(client).view());
    put_server(message, h);
  }

  void put_server(Bytes message, const SmbHeader& h) {
    Reader r = body_of(message, h);
    r.skip(8);
    const Bytes server = h.is2(smb2::kNegotiate) && h.is_response ? r.take(16) : Bytes();
    events_.put_text(ids::kServerGuid, server.empty() ? "" : guid_text(server).view());
    if (state_.max_read_size > 0) events_.put(ids::kMaxReadSize, state_.max_read_size);
    if (state_.max_write_size > 0) events_.put(ids::kMaxWriteSize, state_.max_write_size);
  }

  void put_logon(Bytes blob) {
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

  void put_setup(Bytes asked, const SmbHeader& question) {
    Reader r = body_of(asked, question);
    r.skip(12);
    put_logon(referred(asked, &r));
  }

  static Path share_of(Bytes asked, const SmbHeader& question) {
    Reader r = body_of(asked, question);
    r.skip(4);
    Path path;
    path.add_utf16le(referred(asked, &r));
    return path;
  }

  // EVE shows one of the two backslashes at the start.
  static std::string_view shown_share(std::string_view path) {
    return path.size() > 1 ? path.substr(1) : path;
  }

  void put_tree(Bytes asked, const SmbHeader& question, Bytes message, const SmbHeader& h) {
    Reader r = body_of(message, h);
    r.skip(2);
    const uint8_t type = h.status == kStatusSuccess ? r.u8() : uint8_t{0};
    const Path path = share_of(asked, question);
    events_.put_text(type == 2 ? ids::kNamedPipe : ids::kShare, shown_share(path.view()));
    constexpr std::string_view kTypes[] = {"UNKNOWN", "FILE", "PIPE", "PRINT"};
    events_.put_text(ids::kShareType, type < std::size(kTypes) ? kTypes[type] : kTypes[0]);
  }

  static Path file_of(Bytes asked, const SmbHeader& question) {
    Reader r = body_of(asked, question);
    r.skip(44);
    Path path;
    path.add_utf16le(referred(asked, &r));
    return path;
  }

  void put_opened(std::string_view path, uint32_t disposition, uint32_t options) {
    constexpr std::string_view kDispositions[] = {"FILE_SUPERSEDE", "FILE_OPEN",
                                                  "FILE_CREATE",    "FILE_OPEN_IF",
                                                  "FILE_OVERWRITE", "FILE_OVERWRITE_IF"};
    const bool is_directory = (options & 1) != 0 && !path.empty();
    events_.put_text(is_directory ? ids::kDirectory : ids::kFilename,
                     path.empty() ? "<share_root>" : path);
    events_.put_text(ids::kDisposition, disposition < std::size(kDispositions)
                                            ? kDispositions[disposition]
                                            : "UNKNOWN");
    events_.put_text(ids::kAccess, (options & 0x1000) != 0 ? "delete on close" : "normal");
  }

  // The four times of a create response.
  void put_times(Reader* r) {
    for (const uint16_t field : {ids::kCreated, ids::kAccessed, ids::kModified, ids::kChanged}) {
      events_.put(field, unix_seconds(r->le64()));
    }
  }

  void put_create(Bytes asked, const SmbHeader& question, Bytes message, const SmbHeader& h) {
    Reader r = body_of(asked, question);
    r.skip(36);
    const uint32_t disposition = r.le32(), options = r.le32();
    put_opened(file_of(asked, question).view(), disposition, options);
    Reader answer = h.status == kStatusSuccess ? body_of(message, h) : Reader();
    answer.skip(8);
    put_times(&answer);
    answer.skip(8);
    events_.put(ids::kSize, answer.le64());
    answer.skip(8);
    const Bytes file = answer.take(kSmbFileIdBytes);
    events_.put_text(ids::kFuid, file.empty() ? "" : guid_text(file).view());
  }

  void put_set_info(Bytes asked, const SmbHeader& question) {
    Reader r = body_of(asked, question);
    r.skip(3);
    const bool is_rename = r.u8() == 10;
    r.skip(12);
    const Bytes file = r.take(kSmbFileIdBytes);
    const Name name = find_name(kFileName, file_key(file));
    const std::string_view old_name = name.is_known ? name.text : "<unknown>";
    if (is_rename) {
      r.skip(16);
      Path new_name;
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
    events_.put_text(ids::kFuid, guid_text(file).view());
  }

  // ---- SMB1

  // The parameter words of a message, and the bytes behind them.
  struct Smb1Body {
    Reader words;
    Reader bytes;
    size_t n_words = 0;
    size_t bytes_offset = 0;
  };
  static Smb1Body smb1_body(Bytes message, const SmbHeader& h) {
    Smb1Body body;
    Reader r = body_of(message, h);
    body.n_words = r.u8();
    body.words = r.sub(body.n_words * 2);
    const size_t n_bytes = r.le16();
    body.bytes_offset = r.offset();
    body.bytes = r.sub(n_bytes);
    return body;
  }

  // Text up to its zero; UTF-16 begins at an even offset.
  template <size_t N>
  static void take_text(Smb1Body* body, bool is_unicode, TextBuilder<N>* out) {
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

  void put_negotiate1(Bytes asked, const SmbHeader& question, Bytes message, const SmbHeader& h) {
    Smb1Body body = smb1_body(asked, question);
    while (!body.bytes.empty() && body.bytes.u8() == 2) {
      TextBuilder<64> dialect;
      take_text(&body, false, &dialect);
      events_.put_text(ids::kClientDialects, dialect.view());
    }
    put_server(message, h);
  }

  void put_setup1(Bytes asked, const SmbHeader& question) {
    Smb1Body body = smb1_body(asked, question);
    body.words.skip(14);
    const uint16_t n_blob = body.words.le16();
    if (body.n_words != 12) return;
    put_logon(body.bytes.take_up_to(n_blob));
    TextBuilder<128> system, manager;
    take_text(&body, question.is_unicode, &system);
    take_text(&body, question.is_unicode, &manager);
    events_.open(ids::kRequest);
    events_.put_text(ids::request::kNativeOs, system.view());
    events_.put_text(ids::request::kNativeLm, manager.view());
    events_.close();
  }

  void put_tree1(Bytes asked, const SmbHeader& question, Bytes message, const SmbHeader& h) {
    Smb1Body body = smb1_body(asked, question);
    body.words.skip(6);
    body.bytes.skip(body.words.le16());
    Path path;
    TextBuilder<32> service, answer;
    take_text(&body, question.is_unicode, &path);
    take_text(&body, false, &service);
    if (h.is_response && h.status == kStatusSuccess) {
      Smb1Body response = smb1_body(message, h);
      take_text(&response, false, &answer);
    }
    events_.put_text(answer.view() == "IPC" ? ids::kNamedPipe : ids::kShare, path.view());
    events_.open(ids::kService);
    events_.put_text(ids::service::kRequest, service.view());
    if (!answer.empty()) events_.put_text(ids::service::kResponse, answer.view());
    events_.close();
  }

  void put_create1(Bytes asked, const SmbHeader& question, Bytes message, const SmbHeader& h) {
    Smb1Body body = smb1_body(asked, question);
    body.words.skip(35);
    const uint32_t disposition = body.words.le32(), options = body.words.le32();
    Path path;
    take_text(&body, question.is_unicode, &path);
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

  // What a TRANS, WRITE_ANDX or READ_ANDX carries.
  static Bytes data_of_smb1(Bytes message, const SmbHeader& h) {
    Smb1Body body = smb1_body(message, h);
    const bool is_write = h.is1(smb1::kWriteAndX);
    const bool is_read = h.is1(smb1::kReadAndX);
    body.words.skip(is_write ? 20 : is_read ? 10 : h.is_response ? 12 : 22);
    const uint16_t length = body.words.le16(), offset = body.words.le16();
    Reader at(message);
    at.seek(offset);
    return at.take_up_to(length);
  }

  // ---- named pipes

  SmbCall* find_call(uint32_t call_id, uint8_t type) {
    for (SmbCall& call : state_.calls) {
      if (call.is_used && call.call_id == call_id && call.type == type) return &call;
    }
    return nullptr;
  }

  bool on_pdu_of_client(Bytes data, const SmbHeader& h) {
    DcerpcHeader pdu;
    if (!read_dcerpc_header(data, &pdu)) return false;
    const Bytes body = data.subspan(DcerpcHeader::kBytes);
    SmbCall* call = find_call(pdu.call_id, pdu.type);
    const bool goes_on = call != nullptr && pdu.is(DcerpcType::kRequest) && !pdu.is_first();
    if (!goes_on) call = begin_call(pdu, h);
    if (pdu.is(DcerpcType::kBind) || pdu.is(DcerpcType::kAlterContext)) {
      state_.interfaces.on_bind(pdu, body);
    } else if (pdu.is(DcerpcType::kRequest)) {
      DcerpcReader r(body, pdu.is_little);
      r.skip(4);
      call->context = r.u16();
      call->opnum = r.u16();
      call->request_bytes += static_cast<uint32_t>(r.remaining());
    }
    ++call->request_fragments;
    return true;
  }

  SmbCall* begin_call(const DcerpcHeader& pdu, const SmbHeader& h) {
    SmbCall* room = nullptr;
    for (SmbCall& call : state_.calls) {
      if (!call.is_used) room = &call;
    }
    if (room == nullptr) {
      room = &state_.calls[state_.victim++ % kMaxSmbCalls];
      write_call(room, nullptr, nullptr);
    }
    *room = {};
    room->session = h.session;
    room->tree = h.tree;
    room->call_id = pdu.call_id;
    room->id = ++state_.n_ids;
    room->command = h.command;
    room->is_smb1 = h.is_smb1;
    room->type = pdu.type;
    room->is_used = true;
    return room;
  }

  bool on_pdu_of_server(Bytes data, const SmbHeader& h) {
    DcerpcHeader pdu;
    if (!read_dcerpc_header(data, &pdu)) return false;
    const Bytes body = data.subspan(DcerpcHeader::kBytes);
    DcerpcType asked = DcerpcType::kRequest;
    if (pdu.is(DcerpcType::kBindAck) || pdu.is(DcerpcType::kBindNak)) asked = DcerpcType::kBind;
    if (pdu.is(DcerpcType::kAlterContextResp)) asked = DcerpcType::kAlterContext;
    if (pdu.is(DcerpcType::kBindAck) || pdu.is(DcerpcType::kAlterContextResp)) {
      state_.interfaces.on_ack(pdu, body);
    }
    SmbCall* call = find_call(pdu.call_id, static_cast<uint8_t>(asked));
    if (call == nullptr) return false;
    ++call->response_fragments;
    if (pdu.is(DcerpcType::kResponse)) {
      DcerpcReader r(body, pdu.is_little);
      r.skip(8);
      call->response_bytes += static_cast<uint32_t>(r.remaining());
      if (!pdu.is_last()) return true;
    }
    write_call(call, &pdu, &h);
    return true;
  }

  void write_call(SmbCall* call, const DcerpcHeader* answer, const SmbHeader* h) {
    namespace rpc = ids::dcerpc;
    call->is_used = false;
    if (!may_write()) return;
    const bool is_call = call->type == static_cast<uint8_t>(DcerpcType::kRequest);
    const bool is_bind = call->type == static_cast<uint8_t>(DcerpcType::kBind);
    begin(call->id, call->is_smb1, call->command);
    if (h != nullptr) put_status(h->status);
    events_.put(ids::kSessionId, call->session);
    events_.put(ids::kTreeId, call->tree);
    events_.open(ids::kDcerpc);
    events_.put_text(rpc::kRequest, dcerpc_type_name(call->type));
    events_.put_text(rpc::kResponse,
                     answer != nullptr ? dcerpc_type_name(answer->type) : "UNREPLIED");
    if (is_call) {
      events_.put(rpc::kOpnum, call->opnum);
      events_.open(rpc::kReq);
      events_.put(rpc::req::kFragCnt, call->request_fragments);
      events_.put(rpc::req::kStubDataSize, call->request_bytes);
      events_.close();
    }
    for (const DcerpcInterface& i : state_.interfaces.all()) {
      if (is_bind || (is_call && i.context == call->context)) put_interface(i, is_bind);
    }
    if (answer != nullptr && answer->is(DcerpcType::kResponse)) {
      events_.open(rpc::kRes);
      events_.put(rpc::res::kFragCnt, call->response_fragments);
      events_.put(rpc::res::kStubDataSize, call->response_bytes);
      events_.close();
    }
    events_.put(rpc::kCallId, call->call_id);
    events_.close();
    events_.end();
  }

  void put_interface(const DcerpcInterface& i, bool with_ack) {
    namespace rpc = ids::dcerpc::interfaces;
    events_.open(ids::dcerpc::kInterfaces);
    events_.put_text(rpc::kUuid, i.uuid.text().view());
    events_.put_text(rpc::kVersion, i.version_text().view());
    if (with_ack && i.is_acked) {
      events_.put(rpc::kAckResult, i.ack_result);
      events_.put(rpc::kAckReason, i.ack_reason);
    }
    events_.close();
  }

  // ---- files

  void on_write(Bytes message, const SmbHeader& h, uint64_t missing, int side) {
    Reader r = body_of(message, h);
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

  void on_read(Bytes message, const SmbHeader& h, Bytes asked, uint64_t missing, int side) {
    if (h.status != kStatusSuccess && h.status != kStatusBufferOverflow) return;
    SmbHeader question;
    if (!read_smb_header(asked, &question)) return;
    Reader request = body_of(asked, question);
    request.skip(8);
    const uint64_t offset = request.le64();
    const Bytes file = request.take(kSmbFileIdBytes);
    Reader r = body_of(message, h);
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

  struct Content {
    Bytes file;
    uint64_t offset;
    Bytes data;
    uint64_t missing;
    bool is_write;
  };

  void on_content(const Content& c, const SmbHeader& h, int side) {
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

  SmbFile* file_for(const Content& c, const SmbHeader& h) {
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

  void on_close(Bytes id) {
    for (SmbFile& file : state_.files) {
      if (file.is_used && as_text(file.file) == as_text(id)) close(&file, FileState::kClosed);
    }
  }

  void close(SmbFile* file, FileState state) {
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
    events_.put_text(ids::kShare, shown_share(find_name(kShareName, key_of(*file)).text));
    events_.put_text(ids::kFuid, guid_text(file->file).view());
    events_.end();
    const bool client_sends = file->is_write;
    const Side sender =
        client_sends == state_.client_is_responder ? Side::kResponder : Side::kOriginator;
    begin_fileinfo(file->tracker, {AppId::kSmb, name, file->id - 1, sender}, &events_);
    events_.end();
  }

  // ---- names

  using Key = std::array<uint8_t, kSmbFileIdBytes>;

  static Key file_key(Bytes file) {
    Key key{};
    std::copy_n(file.begin(), std::min(file.size(), key.size()), key.begin());
    return key;
  }
  static Key tree_key(uint64_t session, uint32_t tree) {
    Key key{};
    std::memcpy(key.data(), &session, sizeof session);
    std::memcpy(key.data() + sizeof session, &tree, sizeof tree);
    return key;
  }
  static Key share_key(const SmbHeader& h) { return tree_key(h.session, h.tree); }
  static Key key_of(const SmbFile& file) { return tree_key(file.session, file.tree); }

  void add_name(NameKind kind, const Key& key, bool is_pipe, std::string_view text) {
    Buffers* buffers = context_.buffers;
    while (buffers->view(kNames).size() + kNameHeaderBytes + text.size() > kMaxNamesBytes) {
      Reader oldest(buffers->view(kNames));
      oldest.skip(kNameHeaderBytes - 2);
      buffers->consume(kNames, kNameHeaderBytes + oldest.be16());
    }
    std::array<uint8_t, kNameHeaderBytes + kMaxNameBytes> entry{};
    entry[0] = kind;
    entry[1] = is_pipe;
    std::copy(key.begin(), key.end(), entry.begin() + 2);
    entry[18] = static_cast<uint8_t>(text.size() >> 8);
    entry[19] = static_cast<uint8_t>(text.size());
    std::copy(text.begin(), text.end(), entry.begin() + kNameHeaderBytes);
    buffers->append(kNames, {entry.data(), kNameHeaderBytes + text.size()});
  }

  // The newest of a key; valid until a name is added.
  Name find_name(NameKind kind, const Key& key) const {
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

  SmbState& state_;
  Context& context_;
  EventWriter& events_;
};

// ---- framing

enum class Start : uint8_t { kNo, kCut, kYes };

// Whether a NetBIOS session message with SMB in it, or a session request, begins here.
Start looks_like_smb(Bytes bytes) {
  Reader r(bytes);
  const uint8_t type = r.u8();
  r.skip(3);
  const uint8_t magic = r.u8();
  const uint32_t smb = r.be24();
  if (!bytes.empty() && type >= 0x81 && type <= 0x85) {
    return bytes.size() < kFrameHeaderBytes ? Start::kCut : Start::kYes;
  }
  if (type != 0) return Start::kNo;
  if (!r.ok()) return Start::kCut;
  return smb == 0x534d42 && magic >= 0xfc ? Start::kYes : Start::kNo;
}

// File contents that may be long: they are used as they come.
bool is_bulk(Bytes message) {
  SmbHeader h;
  if (!read_smb_header(message, &h)) return false;
  return h.is2(smb2::kRead) || h.is2(smb2::kWrite) || h.is1(smb1::kReadAndX) ||
         h.is1(smb1::kWriteAndX);
}

size_t pass_body(SmbState* state, int side, Bytes bytes) {
  const auto n = static_cast<size_t>(std::min<uint64_t>(state->body_left[side], bytes.size()));
  state->body_left[side] -= n;
  if (const uint8_t file = state->body_file[side]; file != 0) {
    state->files[file - 1].tracker.add(bytes.first(n));
  }
  if (state->body_left[side] == 0) state->body_file[side] = 0;
  return n;
}

size_t take_one(SmbState* state, Context* context, int side, Bytes bytes, bool* is_broken) {
  if (*is_broken) return 0;
  if (state->body_left[side] > 0) return pass_body(state, side, bytes);
  const Start start = looks_like_smb(bytes);
  *is_broken = start == Start::kNo;
  if (start != Start::kYes) return 0;
  Reader r(bytes);
  const uint8_t type = r.u8();
  const size_t length = r.be24();
  if (type != 0) {
    state->body_left[side] = length;
    return kFrameHeaderBytes;
  }
  const size_t total = kFrameHeaderBytes + length;
  const size_t here = std::min(total, bytes.size());
  const Bytes message = bytes.first(here).subspan(kFrameHeaderBytes);
  const bool may_be_bulk = total > kWholeBytes;
  if (here < total) {
    if (!may_be_bulk || here < kBulkHeadBytes) return 0;
    if (total <= kMaxGathered && !is_bulk(message)) return 0;
  }
  SmbHeader h;
  if (read_smb_header(message, &h) && !state->is_sure) {
    state->client_is_responder = h.is_response == (side == 0);
  }
  state->is_sure = true;
  Smb(state, context).on_message(message, total - here, side);
  state->body_left[side] = total - here;
  return here;
}

Likelihood probe(const Segment& first) {
  const Start start = looks_like_smb(first.data);
  const bool on_port = first.has_port(445) || first.has_port(139);
  const bool is_session = Reader(first.data).u8() != 0;
  if (is_session) {
    Reader r(first.data);
    r.skip(1);
    const uint32_t length = r.be24();
    return on_port && start == Start::kYes && length <= 72 ? Likelihood::kLikely : Likelihood::kNo;
  }
  if (start == Start::kYes) return Likelihood::kLikely;
  return start == Start::kCut && on_port ? Likelihood::kMaybe : Likelihood::kNo;
}

Answer on_data(void* state_bytes, const Segment& segment, Context* context) {
  auto* state = static_cast<SmbState*>(state_bytes);
  const int side = segment.from_originator ? 0 : 1;
  if (state->is_lost[side]) {
    if (looks_like_smb(segment.data) != Start::kYes) return Answer::kAccept;
    state->is_lost[side] = false;
  }
  bool is_broken = false;
  // In pieces, so that the rest of a message fits its buffer.
  Reader r(segment.data);
  while (!r.empty() && !is_broken) {
    const Bytes piece = r.take_up_to(size_t{4} * 1024);
    if (!take_messages(context, side, piece, [&](Bytes bytes) {
          return take_one(state, context, side, bytes, &is_broken);
        })) {
      is_broken = true;
    }
  }
  if (!is_broken) return state->is_sure ? Answer::kAccept : Answer::kNeedMore;
  if (!state->is_sure) return Answer::kReject;
  state->is_lost[side] = true;
  context->buffers->clear(side);
  return Answer::kAccept;
}

bool on_gap(void* state_bytes, bool from_originator, Context* context) {
  auto* state = static_cast<SmbState*>(state_bytes);
  const int side = from_originator ? 0 : 1;
  state->is_lost[side] = true;
  state->body_left[side] = 0;
  state->body_file[side] = 0;
  context->buffers->clear(side);
  return true;
}

void on_end(void* state_bytes, Context* context) {
  Smb(static_cast<SmbState*>(state_bytes), context).flush();
}

}  // namespace

extern const Parser kSmb;

const Parser kSmb{
    .app = AppId::kSmb,
    .state_bytes = sizeof(SmbState),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .on_end = on_end,
    .first_bytes = kFirstBytes,
    .ports = kPorts,
};

}  // namespace thymus::dpi
