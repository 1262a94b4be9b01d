#include "inject/connection_book.h"

#include <array>
#include <cstring>
#include <utility>

namespace thymus::inject {
namespace {

constexpr Connection kFresh{0, TokenBucket(ConnectionBook::kPerSecond, ConnectionBook::kBurst)};

}  // namespace

ConnectionBook::ConnectionBook(HashKey hash_key) : hash_key_(hash_key), places_(kPlaces, kFresh) {}

bool is_from_lower(const decode::PacketView& s) {
  return std::pair(s.src, s.src_port) < std::pair(s.dst, s.dst_port);
}

Connection& ConnectionBook::of(const decode::PacketView& s) {
  std::array<uint8_t, 36> tuple;
  const bool lower = is_from_lower(s);
  std::memcpy(tuple.data(), (lower ? s.src : s.dst).bytes.data(), 16);
  std::memcpy(tuple.data() + 16, (lower ? s.dst : s.src).bytes.data(), 16);
  std::memcpy(tuple.data() + 32, lower ? &s.src_port : &s.dst_port, 2);
  std::memcpy(tuple.data() + 34, lower ? &s.dst_port : &s.src_port, 2);
  const uint64_t key = siphash24(tuple, hash_key_);
  Connection& place = places_[key % kPlaces];
  if (place.key != key) {
    place = kFresh;
    place.key = key;
  }
  return place;
}

}  // namespace thymus::inject
