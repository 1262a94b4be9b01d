// What a parser may use during one call: the event writer, buffers for what it must keep of a
// stream, what it found out about its flow, and flows that it knows will come.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/event_writer.h"
#include "base/hash.h"
#include "dpi/app.h"
#include "dpi/file/file_digests.h"

namespace thymus::dpi {

inline constexpr int kBuffers = 4;  // of one flow
inline constexpr size_t kMaxBufferBytes = 64 * 1024;
inline constexpr size_t kMaxScratchBytes = 128 * 1024;
inline constexpr size_t kMaxNoteBytes = 96;

// Bytes that a flow keeps between calls, given back when its parser is detached. Numbered from 0 to
// kBuffers - 1.
class Buffers {
 public:
  virtual Bytes view(int buffer) const = 0;
  // Keeps `bytes` behind what is there. False, and nothing is kept, when the buffer would exceed
  // kMaxBufferBytes or memory is used up; the latter is counted.
  virtual bool append(int buffer, Bytes bytes) = 0;
  // Forgets the first n bytes. REQUIRES: n <= view(buffer).size().
  virtual void consume(int buffer, size_t n) = 0;
  void clear(int buffer) { consume(buffer, view(buffer).size()); }
  // Memory for the working state of a decoder, one piece for each flow: zeroed at first, it stays
  // where it is until another size is asked for. Zero gives it back. Empty when memory is used up,
  // which is counted. REQUIRES: bytes <= kMaxScratchBytes.
  virtual std::span<uint8_t> scratch(size_t bytes) = 0;

 protected:
  ~Buffers() = default;
};

// What goes into the flow's record. Zero: nothing new. Cleared before each call.
struct FlowFacts {
  AppId app = AppId::kUnknown;      // where the content says more than the parser's own name
  uint64_t name_hash = 0;           // of the registrable name that the client asks for
  uint64_t client_fingerprint = 0;  // JA4, HASSH, own hashes
  uint8_t tls_version = 0;          // minor version + 1 of SSL 3.x
};

// A flow between the same two hosts that will come within a minute: an FTP data connection.
struct Expectation {
  AppId app;
  bool server_is_originator;  // who listens: the side that is the originator of this flow, or not
  bool tcp;
  uint16_t server_port;
};

class Expectations {
 public:
  // Keeps the newest kMaxExpectations of a lane. REQUIRES: note.size() <= kMaxNoteBytes.
  virtual void expect(const Expectation& expectation, Bytes note) = 0;

 protected:
  ~Expectations() = default;
};

struct ParserOptions {
  bool digests = false;           // MD5, SHA-1 and SHA-256 of files
  bool clear_identities = false;  // of subscribers; else they are hashed
  HashKey identity_key = kReplayHashKey;
};

struct Context {
  EventWriter* events;
  Buffers* buffers;
  Expectations* expectations;
  const ParserOptions* options;
  FlowFacts facts;
  // With Answer::kHandOver: who goes on, and with how much of the segment's end.
  AppId next = AppId::kUnknown;
  size_t next_bytes = 0;
  // What the flow was taken for before this call; after a hand-over that of who handed it over.
  AppId flow_app = AppId::kUnknown;
  FileDigests* digests = nullptr;  // null when nobody asks for them
};

// One anomaly event. `code` is one of anomaly_code::k...
void write_anomaly(uint16_t code, EventWriter* events);
// The same of the transaction `tx_id`, counted from 0 in the flow.
void write_tx_anomaly(uint16_t code, uint64_t tx_id, Side side, EventWriter* events);

// Shows `take` all that a direction has: what was kept in `buffer`, then `fresh`. It returns how
// many bytes it used, 0 when the message is not whole yet, and is called again while it uses some;
// the rest is kept. Where nothing was kept and `fresh` holds whole messages nothing is copied.
// False when the rest could not be kept: the caller cannot go on in this direction.
template <typename Take>
bool take_messages(Context* context, int buffer, Bytes fresh, Take&& take) {
  Bytes all = fresh;
  const bool kept = !context->buffers->view(buffer).empty();
  if (kept) {
    if (!context->buffers->append(buffer, fresh)) return false;
    all = context->buffers->view(buffer);
  }
  size_t used = 0;
  while (used < all.size()) {
    const size_t n = take(all.subspan(used));
    if (n == 0) break;
    used += std::min(n, all.size() - used);
  }
  if (kept) {
    context->buffers->consume(buffer, used);
    return true;
  }
  return used == all.size() || context->buffers->append(buffer, all.subspan(used));
}

}  // namespace thymus::dpi
