// The calls of one connection that wait for their replies, the files that are being read and
// written, and the names of handles. All tables are small rings: what is oldest gives way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/event_writer.h"
#include "dpi/nfs/nfs_message.h"

namespace thymus::dpi::nfs {

template <size_t kMost>
struct KeptText {
  static_assert(kMost <= 255);
  uint8_t size;
  std::array<char, kMost> bytes;

  void set(std::string_view text) {
    size = static_cast<uint8_t>(text.size() < kMost ? text.size() : kMost);
    for (size_t i = 0; i < size; ++i) bytes[i] = text[i];
  }
  std::string_view view() const { return {bytes.data(), size}; }
};

struct Transaction {
  uint32_t xid;
  uint32_t id;  // counted from 1 in the flow
  uint32_t version;
  uint32_t operation;
  uint32_t handle_crc;  // CRC-32 (IEEE 802.3)
  uint32_t auth_flavor;
  uint32_t uid;
  uint32_t gid;
  bool has_handle;
  bool is_by_responder;  // the responder of the flow is the client
  KeptText<64> machine_name;
  KeptText<255> name;
  KeptText<255> new_name;
};

// Reads or writes of one file.
struct Transfer {
  uint64_t handle;  // hash; 0: not in use
  uint32_t last_xid;
  uint32_t chunks;
  bool is_write;
  Transaction tx;
};

class Session {
 public:
  // A zeroed session is an empty one.
  void on_call(const Call& call, bool by_responder);
  void on_reply(Reader* r, uint32_t xid, EventWriter* events);
  // Files that nobody closed are reported.
  void on_end(EventWriter* events);
  uint32_t n_events() const { return n_events_; }

 private:
  static constexpr size_t kCalls = 64;
  static constexpr size_t kTransfers = 16;
  static constexpr size_t kNames = 64;

  struct Waiting {
    uint32_t version;
    uint32_t procedure;
    uint32_t asked_bytes;
    bool is_event;
    bool names_reply;
    bool reads;
    bool writes;
    bool ends;
    uint64_t handle;
    Transaction tx;
  };
  struct Name {
    uint64_t handle;
    KeptText<255> text;
  };

  void fill(const Call& call, bool by_responder, Transaction* tx);
  std::string_view name_of(uint64_t handle) const;
  void learn(uint64_t handle, std::string_view name);
  Transfer* find(uint64_t handle, bool is_write);
  void on_chunk(const Call& call, const Waiting& waiting);
  void finish(Transfer* transfer, bool is_whole, uint32_t status, EventWriter* events);
  void write(const Transaction& tx, const Transfer* transfer, bool is_whole, std::string_view rpc,
             uint32_t status, EventWriter* events);

  std::array<uint32_t, kCalls> xids_;
  std::array<bool, kCalls> waits_;
  std::array<Waiting, kCalls> waiting_;
  std::array<Transfer, kTransfers> transfers_;
  std::array<Name, kNames> names_;
  uint32_t next_call_;
  uint32_t next_transfer_;
  uint32_t next_name_;
  uint32_t n_transactions_;
  uint32_t n_events_;
};

}  // namespace thymus::dpi::nfs
