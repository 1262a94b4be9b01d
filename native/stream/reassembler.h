// TCP reassembly (RFC 9293, 3.4 and 3.10.7.4): segments as captured in, bytes in order out.
//
// Bytes in order are shown at once. Bytes behind a hole are copied into blocks and wait until the
// hole is filled. It is given up when the receiver acknowledges what is behind it (it got what the
// capture did not), when more waits than is kept, or when the flow ends: then a gap is told and
// what waits is shown. Bytes that the snap length cut off are a hole that nobody waits for.
//
// Of bytes that come twice the first seen are shown, as far as both are known: those that wait are
// compared with what comes later and differences are reported, those that were shown are forgotten.
//
// A flow costs 16 bytes while nothing waits. Work per segment is bounded by kMostPieces.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "stream/pool.h"

namespace thymus::stream {

// Takes one direction's bytes. It may not call the reassembler.
class Receiver {
 public:
  // The next bytes, valid during the call. False: neither direction is of interest any more.
  virtual bool on_bytes(Bytes bytes, uint32_t seq) = 0;
  // Bytes are missing before what on_bytes will show next. False: as above.
  virtual bool on_gap() = 0;

 protected:
  ~Receiver() = default;
};

// What was noticed, ORed.
using Faults = uint8_t;
namespace fault {
inline constexpr Faults kGap = 1,  // a hole was given up
    kDifferentData = 2,            // a retransmission has other bytes than those that wait
    kLimit = 4;                    // more would have to wait than is kept
}  // namespace fault

// Both directions of a stream. Its flow keeps it, zeroed at the start.
struct State {
  uint32_t next[2];  // sequence number of the next byte to show
  uint32_t kept;     // handle of what waits, 0 when nothing does
  uint8_t flags;     // private to the reassembler
};

// A segment of one direction as it was captured.
struct Segment {
  uint32_t seq;
  Bytes data;           // its payload, or as much of it as the snap length left
  uint32_t wire_bytes;  // length of its whole payload, at least data.size()
  bool is_syn;
  bool is_fin;
};

struct Counters {
  uint64_t kept = 0;            // segments that had to wait
  uint64_t gaps = 0;            // holes that were given up
  uint64_t gap_bytes = 0;       // length of those
  uint64_t different_data = 0;  // segments with other bytes than those that wait
  uint64_t limit_reached = 0;   // segments for which there was no room
  uint64_t ignored = 0;         // segments beyond any window or behind the end of their stream
};

// One thread owns a reassembler and the states it works on.
class Reassembler {
 public:
  static constexpr size_t kBlockBytes = 2048;
  static constexpr size_t kMostPieces = 128;  // per direction: 256 KiB in blocks that are full
  // The largest window of RFC 7323 (2.2). What lies farther off belongs to no stream of this flow.
  static constexpr int32_t kMostAhead = 1 << 30;

  // `limit_bytes`: of payload that waits, of all flows.
  explicit Reassembler(size_t limit_bytes);

  // True: the next segment in this direction may be shown without asking, if it begins at
  // `state.next`, is whole and has neither SYN nor FIN; the owner then moves `next`.
  bool is_plain(int dir, const State& state) const;

  // The owner showed bytes itself, as is_plain allows: no SYN moves the beginning any more.
  void note_shown(int dir, State* state);
  // The other side's SYN-ACK says which byte comes first.
  void expect_first(int dir, uint32_t seq, State* state);
  // Shows what can be shown and keeps what must wait. Ends with no call when `receiver` said false:
  // nothing waits then.
  Faults push(int dir, const Segment& segment, State* state, Receiver* receiver);
  // The other side acknowledged the bytes of direction `dir` up to `ack`.
  Faults acknowledge(int dir, uint32_t ack, State* state, Receiver* receiver);
  // The flow ends: shows what waits in direction `dir`, gaps before it.
  Faults flush(int dir, State* state, Receiver* receiver);
  // Throws away what waits.
  void forget(State* state);

  const Counters& counters() const { return counters_; }
  size_t bytes_waiting() const { return blocks_.taken() * kBlockBytes; }

 private:
  // Neighbouring bytes in one block. Pieces of a direction are disjoint, in order, and begin behind
  // the byte that comes next.
  struct Piece {
    uint32_t seq;
    uint32_t block;
    uint16_t bytes;
    uint16_t cut_bytes;  // behind it, known not to be captured
    uint32_t end() const { return seq + bytes; }
  };
  struct Waiting {
    uint32_t n;
    uint32_t fin_seq;
    bool has_fin;
    Piece pieces[kMostPieces];
  };
  struct Kept {
    Waiting waiting[2];
  };
  struct Block {
    uint8_t bytes[kBlockBytes];
  };
  // Bytes on their way in.
  struct Run {
    uint32_t seq;
    Bytes rest;
  };
  struct Call {
    int dir;
    State* state;
    Receiver* receiver;
    Faults faults = 0;
    bool wanted = true;
    uint32_t& next() const { return state->next[dir]; }
  };

  Waiting* waiting(const Call& call);
  Waiting* make_waiting(const Call& call);
  void show(Bytes bytes, Call* call);
  void give_up_until(uint32_t seq, Call* call);
  void show_in_order(Bytes rest, uint32_t cut_end, Call* call);
  void keep(Run run, uint32_t cut_end, Call* call);
  bool insert(Run* run, uint32_t cut_end, Waiting* held, Call* call);
  bool add_piece(size_t at, const Run& run, size_t n, Waiting* held);
  void compare(const Piece& piece, size_t offset, Bytes bytes, Call* call);
  void note_fin(uint32_t seq, Call* call);
  void end_at_fin(Call* call);
  void drop(Waiting* held);
  Faults leave(Call* call);

  Pool<Kept> kept_;
  Pool<Block> blocks_;
  Counters counters_;
};

}  // namespace thymus::stream
