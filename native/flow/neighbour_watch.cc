#include "flow/neighbour_watch.h"

#include <bit>
#include <limits>

namespace thymus::flow {
namespace {

using decode::Neighbour;
using decode::NeighbourMessage;
using decode::PacketView;

constexpr int64_t kSecondNs = 1'000'000'000;

static_assert(std::has_single_bit(NeighbourWatch::kSaid));
static_assert(std::has_single_bit(NeighbourWatch::kBindings));

bool is_known(const MacAddress& mac) { return mac != MacAddress{}; }

// What belongs to one hash, put together without padding.
class HashedBytes {
 public:
  HashedBytes& add(Bytes bytes) {
    std::memcpy(bytes_.data() + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
    return *this;
  }
  template <typename Number>
  HashedBytes& add_number(Number number) {
    std::memcpy(bytes_.data() + size_, &number, sizeof number);
    size_ += sizeof number;
    return *this;
  }
  // The same addresses may be in use in other networks.
  HashedBytes& add_place(const PacketView& view) {
    return add_number(view.vlan_outer).add_number(view.vlan_inner).add_number(view.tunnel_id);
  }
  uint64_t hash(HashKey key) const { return siphash24({bytes_.data(), size_}, key); }

 private:
  std::array<uint8_t, 64> bytes_;
  size_t size_ = 0;
};

uint64_t hash_of(const PacketView& view, const Neighbour& n, HashKey key) {
  return HashedBytes()
      .add(n.sender.bytes)
      .add(n.target.bytes)
      .add(n.sender_mac)
      .add(n.target_mac)
      .add_number(n.message)
      .add_number(n.opcode)
      .add_place(view)
      .hash(key);
}

struct Claim {
  IpAddress address;
  MacAddress mac;
};

// Which address the message says to be at which station. Asking whether an address is free, or with
// one that is not known yet, says nothing.
Claim claim_of(const Neighbour& n) {
  const bool is_about_target = n.message == NeighbourMessage::kNeighbourAdvertisement;
  const Claim claim =
      is_about_target ? Claim{n.target, n.target_mac} : Claim{n.sender, n.sender_mac};
  const bool is_v4_any = claim.address.is_v4() && claim.address.v4_host_order() == 0;
  if (claim.address.is_unspecified() || is_v4_any) return {};
  return claim;
}

}  // namespace

NeighbourWatch::NeighbourWatch(HashKey secret, NeighbourSink* sink)
    : secret_(secret),
      sink_(sink),
      said_(kSaid, Said{0, std::numeric_limits<int64_t>::min()}),
      bindings_(kBindings) {}

void NeighbourWatch::take_message(const PacketView& view) {
  Neighbour n;
  if (!decode::read_neighbour(view, &n)) {
    ++counters_.invalid;
    return;
  }
  const Claim claim = claim_of(n);
  MacAddress previous{};
  if (is_known(claim.mac)) {
    const uint64_t hash = HashedBytes().add(claim.address.bytes).add_place(view).hash(secret_);
    previous = bind(hash, claim.mac, view.engine_ns);
  }
  switch (note_said(hash_of(view, n, secret_), view.engine_ns / kSecondNs)) {
    case Place::kNew:
      ++counters_.said;
      sink_->on_neighbour(view, n, previous);
      break;
    case Place::kRepeated:
      ++counters_.repeated;
      break;
    case Place::kNoRoom:
      ++counters_.left_out;
      break;
  }
}

// Entries of earlier seconds are free.
NeighbourWatch::Place NeighbourWatch::note_said(uint64_t hash, int64_t second) {
  Said* const set = &said_[(hash & (kSaid - 1)) / kWays * kWays];
  Said* room = nullptr;
  for (Said* entry = set; entry != set + kWays; ++entry) {
    if (entry->second != second) {
      room = entry;
    } else if (entry->hash == hash) {
      return Place::kRepeated;
    }
  }
  if (room == nullptr) return Place::kNoRoom;
  *room = {hash, second};
  return Place::kNew;
}

// The station that had the address until now, when it is another one.
MacAddress NeighbourWatch::bind(uint64_t hash, const MacAddress& mac, int64_t engine_ns) {
  Binding* const set = &bindings_[(hash & (kBindings - 1)) / kWays * kWays];
  Binding* oldest = set;
  for (Binding* entry = set; entry != set + kWays; ++entry) {
    if (is_known(entry->mac) && entry->hash == hash) {
      const MacAddress before = entry->mac;
      entry->mac = mac;
      entry->heard_ns = engine_ns;
      return before == mac ? MacAddress{} : before;
    }
    if (is_known(oldest->mac) && (!is_known(entry->mac) || entry->heard_ns < oldest->heard_ns)) {
      oldest = entry;
    }
  }
  *oldest = {hash, engine_ns, mac};
  return {};
}

}  // namespace thymus::flow
