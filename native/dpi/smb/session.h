// The steps of one call on a flow of SMB.
//
// Buffers: 0 and 1 the message under way of the originator and of the responder; 2 requests that
// wait, each {u16 length, message}; 3 names, each {u8 kind, u8 is pipe, id of 16 bytes, u16 length,
// name}.
#pragma once

#include <string_view>

#include "dpi/parser.h"
#include "dpi/smb/smb_message.h"
#include "dpi/smb/smb_state.h"

namespace thymus::dpi {

class SmbSession {
 public:
  SmbSession(SmbState* state, Context* context)
      : state_(*state), context_(*context), events_(*context->events) {}

  // One message, of which the last `missing` bytes come later.
  void on_message(Bytes message, uint64_t missing, int side);
  // The flow ends: what is open is reported.
  void flush();

 private:
  enum NameKind : uint8_t { kFileName = 1, kShareName = 2 };
  using Key = std::array<uint8_t, kSmbFileIdBytes>;
  struct Name {
    std::string_view text;
    bool is_pipe = false;
    bool is_known = false;
  };
  struct Content {
    Bytes file;
    uint64_t offset;
    Bytes data;
    uint64_t missing;
    bool is_write;
  };

  void on_request(Bytes message, const SmbHeader& h, uint64_t missing, int side);
  void keep(Bytes message, const SmbHeader& h);
  SmbRequest* room_for_request();
  void drop_all_waiting();
  Bytes kept(const SmbRequest& request) const;
  void forget(SmbRequest* request);
  SmbRequest* find_request(const SmbHeader& h);
  void on_response(Bytes message, const SmbHeader& h, uint64_t missing, int side);

  void begin(uint32_t id, bool is_smb1, uint16_t command);
  void put_status(uint32_t status);
  bool may_write();
  void write(const SmbRequest& request, Bytes message, const SmbHeader& h);
  void write_unanswered(SmbRequest* request);
  void learn(Bytes asked, const SmbHeader& question, Bytes message, const SmbHeader& h);

  void put_details(Bytes asked, const SmbHeader& question, Bytes message, const SmbHeader& h);
  void put_negotiate(Bytes asked, const SmbHeader& question, Bytes message, const SmbHeader& h);
  void put_server(Bytes message, const SmbHeader& h);
  void put_logon(Bytes blob);
  void put_setup(Bytes asked, const SmbHeader& question);
  void put_tree(Bytes asked, const SmbHeader& question, Bytes message, const SmbHeader& h);
  void put_opened(std::string_view path, uint32_t disposition, uint32_t options);
  void put_times(Reader* r);
  void put_create(Bytes asked, const SmbHeader& question, Bytes message, const SmbHeader& h);
  void put_set_info(Bytes asked, const SmbHeader& question);
  void put_negotiate1(Bytes asked, const SmbHeader& question, Bytes message, const SmbHeader& h);
  void put_setup1(Bytes asked, const SmbHeader& question);
  void put_tree1(Bytes asked, const SmbHeader& question, Bytes message, const SmbHeader& h);
  void put_create1(Bytes asked, const SmbHeader& question, Bytes message, const SmbHeader& h);

  // DCERPC in named pipes. False: the data are something else.
  SmbCall* find_call(uint32_t call_id, uint8_t type);
  bool on_pdu_of_client(Bytes data, const SmbHeader& h);
  SmbCall* begin_call(const DcerpcHeader& pdu, const SmbHeader& h);
  bool on_pdu_of_server(Bytes data, const SmbHeader& h);
  void write_call(SmbCall* call, const DcerpcHeader* answer, const SmbHeader* h);
  void put_interface(const DcerpcInterface& i, bool with_ack);

  void on_write(Bytes message, const SmbHeader& h, uint64_t missing, int side);
  void on_read(Bytes message, const SmbHeader& h, Bytes asked, uint64_t missing, int side);
  void on_content(const Content& c, const SmbHeader& h, int side);
  SmbFile* file_for(const Content& c, const SmbHeader& h);
  void on_close(Bytes id);
  void close(SmbFile* file, FileState state);

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
  void add_name(NameKind kind, const Key& key, bool is_pipe, std::string_view text);
  // The newest of a key; valid until a name is added.
  Name find_name(NameKind kind, const Key& key) const;

  SmbState& state_;
  Context& context_;
  EventWriter& events_;
};

}  // namespace thymus::dpi
