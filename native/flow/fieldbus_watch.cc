#include "flow/fieldbus_watch.h"

#include <bit>
#include <limits>

namespace thymus::flow {
namespace {

using decode::PacketView;

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

static_assert(std::has_single_bit(FieldbusWatch::kHeard));

// The same stations may be in use in other networks.
uint64_t hash_of(const PacketView& view, uint64_t what, uint64_t state, HashKey key) {
  uint8_t bytes[40] = {};
  size_t size = 0;
  const auto add = [&](const auto& value) {
    std::memcpy(bytes + size, &value, sizeof value);
    size += sizeof value;
  };
  add(view.src_mac);
  add(view.dst_mac);
  add(view.network);
  add(view.vlan_outer);
  add(view.vlan_inner);
  add(view.tunnel_id);
  add(what);
  add(state);
  return siphash24({bytes, size}, key);
}

}  // namespace

FieldbusWatch::FieldbusWatch(HashKey secret, FieldbusSink* sink)
    : secret_(secret), sink_(sink), heard_(kHeard, Heard{0, kNever}), second_(kNever) {}

void FieldbusWatch::take_message(const PacketView& view) {
  if (view.network == decode::Network::kGoose) {
    dpi::Goose message;
    if (!dpi::read_goose(view.payload(), &message)) {
      ++counters_.invalid;
    } else if (is_news(view, message.appid, uint64_t{message.state} << 1 | message.is_test)) {
      sink_->on_goose(view, message);
    }
    return;
  }
  if (view.network == decode::Network::kProfinet) return take_profinet(view);
  dpi::Ethercat frame;
  if (!dpi::read_ethercat(view.payload(), &frame)) {
    ++counters_.invalid;
  } else if (is_news(view, 0, frame.commands)) {
    sink_->on_ethercat(view, frame);
  }
}

void FieldbusWatch::take_profinet(const PacketView& view) {
  if (!dpi::is_profinet_dcp(view.payload())) return;
  dpi::ProfinetDcp message;
  if (!dpi::read_profinet_dcp(view.payload(), &message)) {
    ++counters_.invalid;
  } else if (is_news(view, uint64_t{message.service} << 8 | message.type,
                     siphash24(message.blocks, secret_))) {
    sink_->on_profinet(view, message);
  }
}

bool FieldbusWatch::is_news(const PacketView& view, uint64_t what, uint64_t state) {
  if (!note_heard(hash_of(view, what, state, secret_), view.engine_ns)) {
    ++counters_.repeated;
    return false;
  }
  const int64_t second = view.engine_ns / kSecondNs;
  if (second != second_) {
    second_ = second;
    n_in_second_ = 0;
  }
  if (n_in_second_ == kSaidPerSecond) {
    ++counters_.left_out;
    return false;
  }
  ++n_in_second_;
  ++counters_.said;
  return true;
}

// False when it is in the table already.
bool FieldbusWatch::note_heard(uint64_t hash, int64_t engine_ns) {
  Heard* const set = &heard_[(hash & (kHeard - 1)) / kWays * kWays];
  Heard* oldest = set;
  for (Heard* entry = set; entry != set + kWays; ++entry) {
    if (entry->hash == hash && entry->heard_ns != kNever) {
      entry->heard_ns = engine_ns;
      return false;
    }
    if (entry->heard_ns < oldest->heard_ns) oldest = entry;
  }
  *oldest = {hash, engine_ns};
  return true;
}

}  // namespace thymus::flow
