#include "flow/segment_sketch.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/hash.h"
#include "flow/reflector_ports.h"

namespace thymus::flow {
namespace {

namespace ip = decode::ip_protocol;
namespace tcp = decode::tcp_flag;

constexpr uint32_t kTableMask = SegmentSketch::kDestinations * 2 - 1;
static_assert(std::has_single_bit(SegmentSketch::kDestinations));

uint64_t hash(const IpAddress& a) {
  return fold_multiply(a.high() ^ kReplayHashKey.k0, a.low() ^ kReplayHashKey.k1);
}

void mark(uint64_t bits[4], uint64_t source_hash) {
  bits[source_hash >> 6 & 3] |= uint64_t{1} << (source_hash & 63);
}

// Linear counting (Whang, Vander-Zanden, Taylor 1990) over 256 bits.
uint32_t distinct(const uint64_t bits[4]) {
  int ones = 0;
  for (int i = 0; i < 4; ++i) ones += std::popcount(bits[i]);
  const double zeros = std::max(0.5, 256.0 - ones);
  return static_cast<uint32_t>(std::lround(256.0 * std::log(256.0 / zeros)));
}

void add_in(const decode::PacketView& view, SketchCounts* c) {
  ++c->packets_in;
  c->bytes_in += view.origlen;
  if (view.protocol == ip::kUdp) {
    ++c->udp_packets_in;
    if (view.transport_ok && is_reflector_port(view.src_port)) {
      ++c->reflector_packets_in;
      c->reflector_bytes_in += view.origlen;
    }
  }
  if (view.protocol == ip::kIcmp || view.protocol == ip::kIcmpV6) ++c->icmp_packets_in;
  if (view.protocol != ip::kTcp || !view.transport_ok) return;
  if ((view.tcp_flags & (tcp::kSyn | tcp::kAck)) == tcp::kSyn) ++c->syn_in;
  if ((view.tcp_flags & (tcp::kSyn | tcp::kAck | tcp::kRst)) == tcp::kAck) ++c->ack_in;
}

}  // namespace

SegmentSketch::SegmentSketch(const HomeNet* home, SketchSink* sink)
    : home_(home),
      sink_(sink),
      segments_(home->prefixes().size() + 1),
      tags_(kTableMask + 1),
      table_(new Destination[kTableMask + 1]()) {
  used_.reserve(kDestinations);
  candidates_.reserve(kDestinations);
  top_.reserve(2 * kTop);
}

void SegmentSketch::open_window(int64_t engine_ns) {
  if (window_end_ns_ != INT64_MIN) close_window();
  settle(engine_ns);
  window_end_ns_ = (engine_ns / kWindowNs + 1) * kWindowNs;
  if (++window_ == 0x10000) {
    window_ = 1;
    std::fill(tags_.begin(), tags_.end(), 0);
  }
}

void SegmentSketch::count(const decode::PacketView& view) {
  advance(view.engine_ns);
  index_last_ = view.index;
  if (!view.is_ip()) return;
  count_in(view);
  const bool answer = view.protocol == ip::kTcp && view.transport_ok &&
                      (view.tcp_flags & (tcp::kSyn | tcp::kAck)) == (tcp::kSyn | tcp::kAck);
  const bool reset = view.protocol == ip::kTcp && view.tcp_flags & tcp::kRst;
  if (answer || reset) count_answer(view);
}

void SegmentSketch::finish() {
  if (window_end_ns_ != INT64_MIN) close_window();
  window_end_ns_ = INT64_MIN;
  settle_ns_ = INT64_MAX;
}

uint32_t SegmentSketch::segment_of(const IpAddress& address, const IpAddress& other) const {
  const size_t found = home_->find(address);
  if (found != HomeNet::kNotHome) return static_cast<uint32_t>(found);
  const auto transit = static_cast<uint32_t>(segments_.size() - 1);
  return home_->contains(other) ? UINT32_MAX : transit;
}

// Null when the address is outside every segment, the table is full, or it is new and not wanted.
SegmentSketch::Destination* SegmentSketch::destination(const IpAddress& address,
                                                       const decode::PacketView& view,
                                                       bool create) {
  const uint64_t h = hash(address);
  const uint32_t tag = window_ << 16 | (static_cast<uint32_t>(h >> 48));
  auto i = static_cast<uint32_t>(h) & kTableMask;
  for (; tags_[i] >> 16 == window_; i = (i + 1) & kTableMask) {
    if (tags_[i] == tag && table_[i].address == address) return &table_[i];
  }
  if (!create) return nullptr;
  const uint32_t segment = segment_of(address, address == view.dst ? view.src : view.dst);
  if (segment == UINT32_MAX) return nullptr;
  if (used_.size() == kDestinations) {
    ++segments_[segment].destinations_dropped;
    ++drops_;
    add_in(view, &segments_[segment].totals);
    segments_[segment].sources.add(hash(view.src));
    return nullptr;
  }
  used_.push_back(i);
  tags_[i] = tag;
  table_[i] = Destination{address, {}, {}, segment};
  return &table_[i];
}

void SegmentSketch::count_in(const decode::PacketView& view) {
  Destination* d = destination(view.dst, view, true);
  if (d == nullptr) return;
  const uint64_t source = hash(view.src);
  add_in(view, &d->counts);
  mark(d->source_bits, source >> 32);
  segments_[d->segment].sources.add(source);
}

void SegmentSketch::count_answer(const decode::PacketView& view) {
  Destination* d = destination(view.src, view, false);
  if (d == nullptr) return;
  ++(view.tcp_flags & tcp::kRst ? d->counts.rst_out : d->counts.syn_ack_out);
}

void SegmentSketch::close_window() {
  for (const uint32_t i : used_) {
    const Destination& d = table_[i];
    Segment& s = segments_[d.segment];
    s.totals.syn_in += d.counts.syn_in;
    s.totals.syn_ack_out += d.counts.syn_ack_out;
    s.totals.ack_in += d.counts.ack_in;
    s.totals.rst_out += d.counts.rst_out;
    s.totals.packets_in += d.counts.packets_in;
    s.totals.udp_packets_in += d.counts.udp_packets_in;
    s.totals.icmp_packets_in += d.counts.icmp_packets_in;
    s.totals.reflector_packets_in += d.counts.reflector_packets_in;
    s.totals.reflector_bytes_in += d.counts.reflector_bytes_in;
    s.totals.bytes_in += d.counts.bytes_in;
  }
  for (uint32_t segment = 0; segment < segments_.size(); ++segment) {
    const SketchCounts totals = segments_[segment].totals;
    if (totals.packets_in == 0) continue;
    close_segment(segment);
    if (settle_ns_ <= window_end_ns_) settle_ns_ = INT64_MAX;
    if (totals.syn_in == 0) continue;
    settle_ns_ = window_end_ns_ + kSettleNs;
    settle_segment_ = segment;
  }
  used_.clear();
}

// Says that nothing came for so long, where nothing else has said that time went on.
void SegmentSketch::settle(int64_t engine_ns) {
  if (settle_ns_ > engine_ns) return;
  window_end_ns_ = settle_ns_;
  settle_ns_ = INT64_MAX;
  close_segment(settle_segment_);
}

void SegmentSketch::close_segment(uint32_t segment) {
  collect_top(segment);
  Segment& s = segments_[segment];
  const bool transit = segment + 1 == segments_.size();
  sink_->on_window({transit ? Prefix{} : home_->prefixes()[segment], window_end_ns_, index_last_,
                    segment, s.totals, s.sources.estimate(), s.destinations_dropped, top_});
  s.totals = {};
  s.sources.clear();
  s.destinations_dropped = 0;
}

void SegmentSketch::collect_top(uint32_t segment) {
  candidates_.clear();
  for (const uint32_t i : used_) {
    const Destination& d = table_[i];
    if (d.segment != segment) continue;
    if (d.counts.syn_in >= kSynFloor || d.counts.packets_in >= kPacketFloor) {
      candidates_.push_back(&d);
    }
  }
  const auto keep = [this](auto count_of) {
    const size_t n = std::min(kTop, candidates_.size());
    std::partial_sort(candidates_.begin(), candidates_.begin() + static_cast<ptrdiff_t>(n),
                      candidates_.end(), [&](const Destination* x, const Destination* y) {
                        const auto cx = count_of(*x), cy = count_of(*y);
                        return cx != cy ? cx > cy : x->address < y->address;
                      });
    for (size_t i = 0; i < n; ++i) {
      const Destination& d = *candidates_[i];
      top_.push_back({d.address, d.counts, distinct(d.source_bits)});
    }
  };
  top_.clear();
  keep([](const Destination& d) { return d.counts.syn_in; });
  keep([](const Destination& d) { return d.counts.packets_in; });
  std::sort(top_.begin(), top_.end(),
            [](const SketchTop& x, const SketchTop& y) { return x.address < y.address; });
  top_.erase(
      std::unique(top_.begin(), top_.end(),
                  [](const SketchTop& x, const SketchTop& y) { return x.address == y.address; }),
      top_.end());
}

}  // namespace thymus::flow
