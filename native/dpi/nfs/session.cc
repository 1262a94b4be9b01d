#include "dpi/nfs/session.h"

#include <algorithm>
#include <charconv>

#include "base/generated/events/nfs.h"
#include "base/hash.h"

namespace thymus::dpi::nfs {
namespace {

namespace ids = event::nfs;

uint32_t crc32(Bytes bytes) {
  constexpr uint32_t kPolynomial = 0xedb88320;
  uint32_t crc = 0xffffffff;
  for (const uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kPolynomial : 0);
  }
  return ~crc;
}

// Zero stands for no handle.
uint64_t hash_of(Bytes handle) {
  return handle.empty() ? 0 : siphash24(handle, kReplayHashKey) | 1;
}

void put_hex(uint16_t field, uint32_t v, EventWriter* events) {
  std::array<char, 8> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), v, 16).ptr;
  events->put_text(field, {text.data(), static_cast<size_t>(end - text.data())});
}

void put_transfer(const Transfer& transfer, bool is_whole, EventWriter* events) {
  namespace read = ids::read;
  static_assert(read::kFirst == ids::write::kFirst && read::kChunks == ids::write::kChunks);
  events->open(transfer.is_write ? ids::kWrite : ids::kRead);
  events->put_bool(read::kFirst, true);
  events->put_bool(read::kLast, is_whole);
  events->put(read::kLastXid, transfer.last_xid);
  events->put(read::kChunks, transfer.chunks);
  events->close();
}

void put_rpc(const Transaction& tx, std::string_view status, EventWriter* events) {
  namespace rpc = ids::rpc;
  events->open(ids::kRpc);
  events->put(rpc::kXid, tx.xid);
  events->put_text(rpc::kStatus, status);
  if (const auto auth = auth_name(tx.auth_flavor); !auth.empty()) {
    events->put_text(rpc::kAuthType, auth);
  }
  if (tx.auth_flavor == 1) {
    events->open(rpc::kCreds);
    events->put_text(rpc::creds::kMachineName, tx.machine_name.view());
    events->put(rpc::creds::kUid, tx.uid);
    events->put(rpc::creds::kGid, tx.gid);
    events->close();
  }
  events->close();
}

}  // namespace

void Session::on_call(const Call& call, bool by_responder) {
  const Request& q = call.request;
  const bool is_transfer = q.reads || q.writes;
  if (q.is_counted) ++n_transactions_;
  if (!q.is_event && !is_transfer && !q.ends && !q.names_reply) return;
  const size_t slot = next_call_++ % kCalls;
  Waiting& w = waiting_[slot];
  w = {call.version, call.procedure, q.asked_bytes, q.is_event,        q.names_reply,
       q.reads,      q.writes,       q.ends,        hash_of(q.handle), {}};
  if (q.writes && q.is_stable) w.ends = true;
  fill(call, by_responder, &w.tx);
  xids_[slot] = call.xid;
  waits_[slot] = true;
  if (is_transfer && w.handle != 0) on_chunk(call, w);
  for (const bool is_write : {false, true}) {
    Transfer* transfer = w.ends ? find(w.handle, is_write) : nullptr;
    if (transfer != nullptr) transfer->last_xid = call.xid;
  }
}

void Session::fill(const Call& call, bool by_responder, Transaction* tx) {
  const Request& q = call.request;
  tx->xid = call.xid;
  tx->id = n_transactions_;
  tx->version = call.version;
  tx->operation = q.operation;
  tx->has_handle = !q.handle.empty();
  tx->handle_crc = crc32(q.handle);
  tx->auth_flavor = call.credentials.flavor;
  tx->uid = call.credentials.uid;
  tx->gid = call.credentials.gid;
  tx->is_by_responder = by_responder;
  tx->machine_name.set(call.credentials.machine_name);
  tx->name.set(q.name.empty() ? name_of(hash_of(q.handle)) : q.name);
  tx->new_name.set(q.new_name);
}

// A piece of a file that is read or written, perhaps its first one.
void Session::on_chunk(const Call& call, const Waiting& waiting) {
  Transfer* transfer = find(waiting.handle, waiting.writes);
  if (transfer == nullptr) {
    transfer = &transfers_[next_transfer_++ % kTransfers];
    *transfer = {waiting.handle, 0, 0, waiting.writes, waiting.tx};
    constexpr uint32_t kRead4 = 25, kWrite4 = 38;
    if (call.version == 4) transfer->tx.operation = waiting.writes ? kWrite4 : kRead4;
    transfer->tx.id = ++n_transactions_;
  }
  transfer->last_xid = call.xid;
  ++transfer->chunks;
}

void Session::on_reply(Reader* r, uint32_t xid, EventWriter* events) {
  const auto found = std::find(xids_.begin(), xids_.end(), xid);
  const auto slot = static_cast<size_t>(found - xids_.begin());
  if (slot == kCalls || !waits_[slot]) return;
  waits_[slot] = false;
  xids_[slot] = 0;
  Waiting& w = waiting_[slot];
  bool is_accepted = false;
  const Reply reply = read_reply(r, w.version, w.procedure, w.asked_bytes, &is_accepted);
  if (w.names_reply && !reply.handle.empty()) {
    learn(hash_of(reply.handle), w.tx.name.view());
    if (!w.tx.has_handle) {
      w.tx.has_handle = true;
      w.tx.handle_crc = crc32(reply.handle);
    }
  }
  const bool failed = !is_accepted || reply.status != 0;
  if (w.reads && (reply.is_eof || failed)) {
    finish(find(w.handle, false), !failed, reply.status, events);
  }
  if (w.ends || (w.writes && failed)) {
    finish(find(w.handle, true), !failed, reply.status, events);
  }
  if (w.ends && !w.writes) finish(find(w.handle, false), !failed, reply.status, events);
  if (w.is_event) {
    write(w.tx, nullptr, true, is_accepted ? "ACCEPTED" : "DENIED", reply.status, events);
  }
}

void Session::on_end(EventWriter* events) {
  for (size_t i = 0; i < kTransfers; ++i) {
    Transfer& transfer = transfers_[(next_transfer_ + i) % kTransfers];
    if (transfer.handle != 0) finish(&transfer, false, 0, events);
  }
}

std::string_view Session::name_of(uint64_t handle) const {
  if (handle == 0) return {};
  for (const Name& name : names_) {
    if (name.handle == handle) return name.text.view();
  }
  return {};
}

void Session::learn(uint64_t handle, std::string_view name) {
  const auto known = std::find_if(names_.begin(), names_.end(),
                                  [handle](const Name& n) { return n.handle == handle; });
  Name& place = known != names_.end() ? *known : names_[next_name_++ % kNames];
  place.handle = handle;
  place.text.set(name);
}

Transfer* Session::find(uint64_t handle, bool is_write) {
  if (handle == 0) return nullptr;
  for (Transfer& transfer : transfers_) {
    if (transfer.handle == handle && transfer.is_write == is_write) return &transfer;
  }
  return nullptr;
}

void Session::finish(Transfer* transfer, bool is_whole, uint32_t status, EventWriter* events) {
  if (transfer == nullptr) return;
  write(transfer->tx, transfer, is_whole, "ACCEPTED", status, events);
  transfer->handle = 0;
}

void Session::write(const Transaction& tx, const Transfer* transfer, bool is_whole,
                    std::string_view rpc, uint32_t status, EventWriter* events) {
  constexpr uint32_t kMaxEvents = 20'000;
  if (n_events_ >= kMaxEvents) return;
  ++n_events_;
  events->begin(event::kNfs, tx.is_by_responder ? Side::kResponder : Side::kOriginator);
  events->put(ids::kVersion, tx.version);
  if (const auto name = procedure_name(tx.version, tx.operation); !name.empty()) {
    events->put_text(ids::kProcedure, name);
  }
  events->put_text(ids::kFilename, tx.name.view());
  if (tx.has_handle) put_hex(ids::kHhash, tx.handle_crc, events);
  events->put(ids::kId, tx.id);
  events->put_bool(ids::kFileTx, transfer != nullptr);
  events->put_text(ids::kType, "response");
  const std::string_view said = status_name(status);
  if (!said.empty()) events->put_text(ids::kStatus, said);
  if (transfer != nullptr) put_transfer(*transfer, is_whole, events);
  if (tx.new_name.size > 0) {
    events->open(ids::kRename);
    events->put_text(ids::rename::kFrom, tx.name.view());
    events->put_text(ids::rename::kTo, tx.new_name.view());
    events->close();
  }
  put_rpc(tx, rpc, events);
  events->end();
}

}  // namespace thymus::dpi::nfs
