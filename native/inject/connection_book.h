// What is remembered of connections that were answered, so that none of them takes all that may be
// sent, and so that it is noticed when one goes on.
#pragma once

#include <cstdint>
#include <vector>

#include "base/hash.h"
#include "decode/packet_view.h"
#include "inject/token_bucket.h"

namespace thymus::inject {

struct Connection {
  uint64_t key = 0;
  TokenBucket bucket;
  int64_t answered_ns = 0;  // the first time since its SYN; 0: not yet
  uint8_t ttl[2] = {0, 0};  // last seen of what its lower and its upper end sends; 0: nothing
};

// A table of fixed size. A connection that comes to the place of another one takes it over: what
// is lost is a bound that the one for all of them stands behind.
class ConnectionBook {
 public:
  static constexpr size_t kPlaces = 4096;
  // Of one connection: enough to win races for its sequence numbers, too few to starve others.
  static constexpr uint32_t kPerSecond = 20, kBurst = 16;

  explicit ConnectionBook(HashKey hash_key);
  // The same for both directions.
  Connection& of(const decode::PacketView& segment);

 private:
  HashKey hash_key_;
  std::vector<Connection> places_;
};

// Whether the source is the lower end: the index into Connection::ttl.
bool is_from_lower(const decode::PacketView& segment);

}  // namespace thymus::inject
