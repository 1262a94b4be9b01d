#include "inject/reset_answerer.h"

#include <algorithm>

namespace thymus::inject {
namespace {

using decode::PacketView;

constexpr uint16_t kLinkTypeEthernet = 1;
// Of an end that was not seen yet; what most systems begin with.
constexpr uint8_t kUsualTtl = 64;
// What is under way when a connection is reset has arrived by then.
constexpr int64_t kOutlivesNs = 1'000'000'000;

bool begins_connection(const PacketView& s) {
  return (s.tcp_flags & decode::tcp_flag::kSyn) && !(s.tcp_flags & decode::tcp_flag::kAck);
}

}  // namespace

ResetAnswerer::ResetAnswerer(uint32_t resets_per_second, HashKey hash_key)
    : bucket_(resets_per_second, resets_per_second), connections_(hash_key) {}

void ResetAnswerer::set_targets(std::span<const ResetTarget> targets) {
  std::vector<TargetState> states(targets.size());
  for (size_t i = 0; i < targets.size(); ++i) {
    const auto before = std::find(targets_.begin(), targets_.end(), targets[i]);
    if (before != targets_.end()) {
      states[i] = states_[static_cast<size_t>(before - targets_.begin())];
    }
  }
  targets_.assign(targets.begin(), targets.end());
  states_ = std::move(states);
  covering_.clear();
  covering_.reserve(targets_.size());
}

bool ResetAnswerer::find(const PacketView& segment) {
  covering_.clear();
  for (uint32_t i = 0; i < targets_.size(); ++i) {
    if (targets_[i].covers(segment)) covering_.push_back(i);
  }
  return !covering_.empty();
}

void ResetAnswerer::note(const Connection& connection, bool was_answered, int64_t now_ns) {
  const bool goes_on = connection.answered_ns != 0 && now_ns - connection.answered_ns > kOutlivesNs;
  for (const uint32_t i : covering_) {
    if (was_answered) ++states_[i].answered;
    if (goes_on) states_[i].outlived_ns = now_ns;
  }
}

Answer ResetAnswerer::answer(Bytes head, uint32_t origlen, int64_t now_ns, const Link& link) {
  Answer out;
  PacketView segment;
  decode::decode_frame(kLinkTypeEthernet, head, origlen, {}, &segment);
  if (segment.protocol != decode::ip_protocol::kTcp || segment.n_encap > 0 || !find(segment)) {
    return out;
  }
  ++counts_.segments;
  if (segment.transport_ok && (segment.tcp_flags & decode::tcp_flag::kRst)) {
    ++counts_.resets_seen;
    return out;
  }
  if (!is_answerable(segment)) {
    ++counts_.unanswerable;
    return out;
  }
  Connection& connection = connections_.of(segment);
  const bool lower = is_from_lower(segment);
  connection.ttl[lower] = segment.ttl;
  if (begins_connection(segment)) connection.answered_ns = 0;
  const bool may = connection.bucket.take(1, now_ns) && bucket_.take(2, now_ns);
  note(connection, may, now_ns);
  if (!may) {
    ++counts_.held_back;
    return out;
  }
  ++counts_.answered;
  if (connection.answered_ns == 0) connection.answered_ns = now_ns;
  const uint8_t other_ttl = connection.ttl[!lower] != 0 ? connection.ttl[!lower] : kUsualTtl;
  // The sender first: while it sends, its receiver's numbers move on and its own do not.
  out.frames = {make_reset(segment, Toward::kSender, link, other_ttl),
                make_reset(segment, Toward::kReceiver, link, segment.ttl)};
  out.n = 2;
  return out;
}

}  // namespace thymus::inject
