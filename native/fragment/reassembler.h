// Puts datagrams together from their fragments (RFC 791, RFC 815; RFC 8200, RFC 5722), in input
// order, before packets are spread over lanes: their flow is known only with the first fragment.
//
// Every fragment leaves as one packet of its datagram's flow, and is counted there:
//   the one that completes its datagram    as the whole datagram, decoded on into its tunnels
//   a first one that the snap length cut   as it is: the rest of the datagram cannot be known
//   all others                             with `counts_only`, and the ports of the first fragment
// A fragment that comes before the first one is held until that comes, and then leaves at its
// moment, right before it. Where the first does not come within kTimeoutNs, is evicted or the input
// ends, what was held leaves without ports, at a moment of its own: one microsecond after a full
// second, when no other packet and no timer speaks, in input order.
//
// Overlaps: the bytes that came first win. What only repeats known bytes is ignored; what overlaps
// otherwise is an anomaly, and ends an IPv6 datagram (RFC 5722). A last fragment that lies before
// known bytes, or at another place than the last one before, is an anomaly and not believed.
//
//   datagrams_ : key, list, header of the first fragment, chunks     found by a hash of the key
//   chunks_    : 2 KiB of a datagram, one bit for every 8 bytes that are there
//   held_      : views that wait for the first fragment of theirs
// All three are reserved at start. When one is full the oldest datagram goes: complete ones, which
// are kept for late repetitions, before incomplete ones.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/hash.h"
#include "base/reserved_array.h"
#include "decode/packet_view.h"

namespace thymus::fragment {

// Takes packets in input order.
class PacketTaker {
 public:
  // The frame of a packet `is_reassembled` lives until the call returns.
  virtual void on_packet(const decode::PacketView& view) = 0;

 protected:
  ~PacketTaker() = default;
};

struct ReassemblerCounters {
  uint64_t reassembled = 0;
  uint64_t incomplete = 0;
  uint64_t evicted = 0;
  uint64_t overlaps = 0;
  uint64_t ignored = 0;
};

struct ReassemblerLimits {
  uint32_t datagrams = 8192;  // at most 2^24
  uint32_t chunks = 16384;    // of 2 KiB; at least 32, at most 2^24
  uint32_t held = 4096;       // views
};

// One thread owns a reassembler. It allocates only when it is made.
class Reassembler {
 public:
  static constexpr int64_t kSecondNs = 1'000'000'000;
  static constexpr int64_t kTimeoutNs = 30 * kSecondNs;  // of engine time, from the first to come
  static constexpr int64_t kLateNs = kSecondNs;          // a complete datagram's ports are kept
  static constexpr int64_t kNever = INT64_MAX;

  // `taker` outlives the reassembler.
  Reassembler(const ReassemblerLimits& limits, HashKey secret, decode::DecodeOptions options,
              PacketTaker* taker);

  // A fragment; gives on what may leave now. REQUIRES: view.is_fragment, times and index are set,
  // and view.engine_ns < due_ns().
  void take(const decode::PacketView& view);
  // Engine time at which something must leave. Not before that of any packet taken.
  int64_t due_ns() const { return due_ns_; }
  // The next packet's engine time is `engine_ns`.
  void advance(int64_t engine_ns) {
    while (due_ns_ <= engine_ns) expire(due_ns_);
  }
  // The input is over: all that is held leaves at this engine time. Answers whether anything did.
  bool finish(int64_t engine_ns);

  const ReassemblerCounters& counters() const { return counters_; }
  // Bytes that may become resident.
  size_t memory_bytes() const;

 private:
  static constexpr uint32_t kNone = 0xffffffff;
  static constexpr uint32_t kUnitBytes = 8;  // fragment offsets count these
  static constexpr uint32_t kChunkBytes = 2048;
  static constexpr uint32_t kChunkUnits = kChunkBytes / kUnitBytes;
  static constexpr uint32_t kLargest = 65535;
  static constexpr uint32_t kChunksOfLargest = (kLargest + 1) / kChunkBytes;
  static constexpr uint32_t kHeaderMost = 256;  // of the IP header with what precedes the fragment
  static constexpr uint32_t kUnknown = 0xffffffff;

  // What RFC 791 and RFC 8200 tell datagrams apart by, and where they were met.
  struct Key {
    IpAddress src;
    IpAddress dst;
    uint32_t id;
    uint32_t tunnel_id;
    uint16_t vlan_outer;
    uint16_t vlan_inner;
    uint8_t protocol;  // IPv4 only
    decode::Network network;
    decode::Encap tunnel_type;
    uint8_t encap_depth;
    bool operator==(const Key& o) const { return std::memcmp(this, &o, sizeof *this) == 0; }
  };
  static_assert(sizeof(Key) == 48);

  enum class Stage : uint8_t {
    kOpen,
    kSpoilt,  // can no longer be completed; its fragments still count for its flow
    kComplete,
  };

  struct Datagram {
    Key key;
    uint32_t next_in_bucket;  // or in the list of free ones
    uint32_t older;
    uint32_t newer;
    int64_t since_ns;  // of its first fragment to come; once complete, of its completion
    uint32_t held_first;
    uint32_t held_last;
    uint32_t total;    // bytes after the header; kUnknown before the last fragment
    uint32_t reached;  // one past the highest byte
    uint32_t n_units;
    uint32_t chunks[kChunksOfLargest];
    uint32_t header_bytes;  // 0: the first fragment was not stored yet
    uint32_t next_header_at;
    Stage stage;
    bool has_ports;  // `first` is set
    decode::PacketView first;
    uint8_t header[kHeaderMost];
  };
  struct Chunk {
    uint64_t has[kChunkUnits / 64];
    uint8_t data[kChunkBytes];
  };
  struct Held {
    decode::PacketView view;
    uint32_t next;
  };
  // Datagrams by age, through `older` and `newer`.
  struct List {
    uint32_t oldest = kNone;
    uint32_t newest = kNone;
  };
  // What a fragment did to the bytes of its datagram.
  struct Stored {
    uint32_t fresh = 0;
    uint32_t repeated = 0;
    bool differs = false;
  };

  static bool make_key(const decode::PacketView& view, Key* key);
  uint32_t bucket_of(const Key& key) const;
  uint32_t find(const Key& key) const;
  uint32_t start(const Key& key, int64_t engine_ns);
  void reopen(Datagram* d, int64_t engine_ns);
  List& list_of(const Datagram& d) { return d.stage == Stage::kComplete ? complete_ : open_; }
  void append(uint32_t position);
  void unlink(uint32_t position);
  void remove(uint32_t position);
  bool make_room(uint32_t except);

  void learn_first(const decode::PacketView& view, Datagram* d);
  bool keep_header(const decode::PacketView& view, Datagram* d);
  void store(uint32_t position, decode::PacketView* view);
  bool settle_end(const decode::PacketView& view, uint32_t end, Datagram* d);
  bool store_bytes(uint32_t position, uint32_t offset, Bytes data, Stored* stored);
  void store_in_chunk(Chunk* chunk, uint32_t unit, Bytes data, Stored* stored);
  void contradict(decode::PacketView* view, Datagram* d);
  void spoil(Datagram* d);
  void free_chunks(Datagram* d);
  bool is_complete(const Datagram& d) const;
  Bytes assemble(const Datagram& d);
  void complete(uint32_t position, const decode::PacketView& last);

  void pass_counted(const decode::PacketView& view);
  void hold(const decode::PacketView& view, Datagram* d);
  void release_held(const decode::PacketView& first, Datagram* d);
  void park_held(Datagram* d);
  void give_up(uint32_t position);
  void expire(int64_t moment_ns);
  void release_parked(int64_t moment_ns);
  void set_due();

  HashKey secret_;
  decode::DecodeOptions options_;
  PacketTaker* taker_;
  ReassemblerLimits limits_;
  ReservedArray<Datagram> datagrams_;
  ReservedArray<Chunk> chunks_;
  ReservedArray<Held> held_;
  std::vector<uint32_t> buckets_;
  std::vector<uint32_t> free_datagrams_;
  std::vector<uint32_t> free_chunks_;
  std::vector<uint32_t> free_held_;
  std::vector<uint32_t> parked_;  // held views that leave at the next full second
  std::vector<uint8_t> packet_;   // the datagram that was put together last
  List open_;
  List complete_;
  int64_t now_ns_ = 0;
  int64_t parked_since_ns_ = 0;
  int64_t due_ns_ = kNever;
  ReassemblerCounters counters_;
};

}  // namespace thymus::fragment
