#include "fragment/reassembler.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "decode/checksum.h"
#include "decode/reassembled.h"

namespace thymus::fragment {
namespace {

using decode::Anomaly;
using decode::Network;
using decode::PacketView;

constexpr uint32_t kIpv6HeaderBytes = 40;

bool is_v4(const PacketView& view) { return view.network == Network::kIpv4; }

bool is_cut(const PacketView& view) {
  return view.fragment_data_bytes < view.fragment_data_wire_bytes;
}

// The moment at which what was due at `ns` leaves.
int64_t moment_after(int64_t ns) {
  constexpr int64_t kSecond = Reassembler::kSecondNs;
  return (ns + kSecond - 1) / kSecond * kSecond + 1000;
}

void put_be16(uint8_t* at, uint32_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

void make_counted(PacketView* view) {
  view->counts_only = true;
  view->payload_bytes = view->payload_wire_bytes = 0;
  view->embedded_offset = 0;
}

// What the flow's key and first record take from a transport header.
void take_ports(const PacketView& first, PacketView* view) {
  view->protocol = first.protocol;
  view->src_port = first.src_port;
  view->dst_port = first.dst_port;
  view->transport_ok = first.transport_ok;
  view->tcp_flags = first.tcp_flags;
  view->icmp_type = first.icmp_type;
  view->icmp_code = first.icmp_code;
  view->icmp_id = first.icmp_id;
}

// Descending, so that they are taken from the back in ascending order.
void fill_free(std::vector<uint32_t>* free, uint32_t count) {
  free->resize(count);
  std::iota(free->rbegin(), free->rend(), 0u);
}

}  // namespace

Reassembler::Reassembler(const ReassemblerLimits& limits, HashKey secret,
                         decode::DecodeOptions options, PacketTaker* taker)
    : secret_(secret),
      options_(options),
      taker_(taker),
      limits_(limits),
      datagrams_(limits.datagrams),
      chunks_(limits.chunks),
      held_(limits.held),
      buckets_(std::bit_ceil(limits.datagrams), kNone),
      packet_(kHeaderMost + kLargest) {
  fill_free(&free_datagrams_, limits.datagrams);
  fill_free(&free_chunks_, limits.chunks);
  fill_free(&free_held_, limits.held);
  parked_.reserve(limits.held);
}

size_t Reassembler::memory_bytes() const {
  const size_t indices = buckets_.size() + limits_.datagrams + limits_.chunks + 2 * limits_.held;
  return limits_.datagrams * sizeof(Datagram) + limits_.chunks * sizeof(Chunk) +
         limits_.held * sizeof(Held) + indices * sizeof(uint32_t) + packet_.size();
}

void Reassembler::take(const PacketView& fragment) {
  PacketView view = fragment;
  now_ns_ = view.engine_ns;
  Key key;
  if (!make_key(view, &key)) {
    ++counters_.ignored;
    return pass_counted(view);
  }
  uint32_t position = find(key);
  if (position == kNone) {
    position = start(key, view.engine_ns);
  } else if (datagrams_[position].stage == Stage::kComplete) {
    unlink(position);
    reopen(&datagrams_[position], view.engine_ns);
    append(position);
  }
  Datagram& d = datagrams_[position];
  if (view.fragment_offset == 0 && d.header_bytes == 0) learn_first(view, &d);
  store(position, &view);
  if (is_complete(d)) {
    complete(position, view);
  } else if (view.fragment_offset == 0 && is_cut(view)) {
    taker_->on_packet(view);
  } else if (d.has_ports) {
    take_ports(d.first, &view);
    pass_counted(view);
  } else {
    hold(view, &d);
  }
  set_due();
}

bool Reassembler::finish(int64_t engine_ns) {
  while (open_.oldest != kNone) give_up(open_.oldest);
  while (complete_.oldest != kNone) remove(complete_.oldest);
  const bool any = !parked_.empty();
  release_parked(engine_ns);
  set_due();
  return any;
}

// The protocol is that of the IP header: the view's is that of a transport header behind others.
bool Reassembler::make_key(const PacketView& view, Key* key) {
  constexpr size_t kProtocol = 9;
  Reader packet(Bytes{view.frame, view.caplen});
  if (!packet.seek(view.ip_offset)) return false;
  key->src = view.src;
  key->dst = view.dst;
  key->id = view.fragment_id;
  key->tunnel_id = view.tunnel_id;
  key->vlan_outer = view.vlan_outer;
  key->vlan_inner = view.vlan_inner;
  key->protocol = is_v4(view) ? packet.peek_u8(kProtocol) : uint8_t{0};
  key->network = view.network;
  key->tunnel_type = view.tunnel_type;
  key->encap_depth = view.encap_depth;
  return true;
}

uint32_t Reassembler::bucket_of(const Key& key) const {
  uint64_t w[6];
  std::memcpy(w, &key, sizeof w);
  const uint64_t h = fold_multiply(w[0] ^ secret_.k0, w[1] ^ secret_.k1) ^
                     fold_multiply(w[2] ^ secret_.k1 ^ 0x9e3779b97f4a7c15ull, w[3] ^ ~secret_.k0);
  const uint64_t all = fold_multiply(h ^ w[4], w[5] ^ secret_.k0 ^ 0xd6e8feb86659fd93ull);
  return static_cast<uint32_t>((all >> 32) & (buckets_.size() - 1));
}

uint32_t Reassembler::find(const Key& key) const {
  uint32_t position = buckets_[bucket_of(key)];
  while (position != kNone && !(datagrams_[position].key == key)) {
    position = datagrams_[position].next_in_bucket;
  }
  return position;
}

uint32_t Reassembler::start(const Key& key, int64_t engine_ns) {
  while (free_datagrams_.empty()) make_room(kNone);
  const uint32_t position = free_datagrams_.back();
  free_datagrams_.pop_back();
  Datagram& d = datagrams_[position];
  d.key = key;
  d.has_ports = false;
  reopen(&d, engine_ns);
  uint32_t& bucket = buckets_[bucket_of(key)];
  d.next_in_bucket = bucket;
  bucket = position;
  append(position);
  return position;
}

// A datagram of which nothing came. The ports are kept: most that follows a complete datagram under
// its name repeats it, and hosts, too, begin anew with it.
void Reassembler::reopen(Datagram* d, int64_t engine_ns) {
  d->since_ns = engine_ns;
  d->held_first = d->held_last = kNone;
  d->total = kUnknown;
  d->reached = d->n_units = 0;
  std::fill(std::begin(d->chunks), std::end(d->chunks), kNone);
  d->header_bytes = 0;
  d->next_header_at = 0;
  d->stage = Stage::kOpen;
}

void Reassembler::append(uint32_t position) {
  Datagram& d = datagrams_[position];
  List& list = list_of(d);
  d.older = list.newest;
  d.newer = kNone;
  (list.newest == kNone ? list.oldest : datagrams_[list.newest].newer) = position;
  list.newest = position;
}

void Reassembler::unlink(uint32_t position) {
  const Datagram& d = datagrams_[position];
  List& list = list_of(d);
  (d.older == kNone ? list.oldest : datagrams_[d.older].newer) = d.newer;
  (d.newer == kNone ? list.newest : datagrams_[d.newer].older) = d.older;
}

void Reassembler::remove(uint32_t position) {
  Datagram& d = datagrams_[position];
  unlink(position);
  uint32_t* link = &buckets_[bucket_of(d.key)];
  while (*link != position) link = &datagrams_[*link].next_in_bucket;
  *link = d.next_in_bucket;
  free_chunks(&d);
  free_datagrams_.push_back(position);
}

// Gives up the oldest datagram; false when there is none but `except`.
bool Reassembler::make_room(uint32_t except) {
  if (except == kNone && complete_.oldest != kNone) {
    remove(complete_.oldest);
    return true;
  }
  uint32_t position = open_.oldest;
  if (position == except && position != kNone) position = datagrams_[position].newer;
  if (position == kNone) return false;
  ++counters_.evicted;
  park_held(&datagrams_[position]);
  remove(position);
  return true;
}

void Reassembler::learn_first(const PacketView& view, Datagram* d) {
  d->first = view;
  d->has_ports = true;
  release_held(view, d);
  if (!keep_header(view, d)) spoil(d);
}

// Keeps the header as that of a whole packet, but for its length and checksum. A fragment header of
// IPv6 and what follows it stays out; the field that named it names what it named.
bool Reassembler::keep_header(const PacketView& view, Datagram* d) {
  constexpr uint32_t kIpv4Flags = 6, kFragmentHeaderBytes = 8, kNextHeader = 6;
  constexpr uint8_t kReservedAndDontFragment = 0xc0;
  Reader packet(Bytes{view.frame, view.caplen});
  const uint32_t behind = is_v4(view) ? 0 : kFragmentHeaderBytes;
  const uint32_t bytes = view.fragment_data_offset - view.ip_offset - behind;
  if (view.fragment_data_offset < view.ip_offset + behind || bytes > kHeaderMost) return false;
  packet.seek(view.ip_offset);
  const Bytes header = packet.take(bytes);
  if (!packet.ok()) return false;
  std::copy(header.begin(), header.end(), d->header);
  if (is_v4(view)) {
    d->header[kIpv4Flags] &= kReservedAndDontFragment;
    d->header[kIpv4Flags + 1] = 0;
  } else {
    uint32_t field = kNextHeader, at = kIpv6HeaderBytes;
    while (at < bytes && d->header[field] != decode::ip_protocol::kFragment) {
      field = at;
      at += (at + 1 < bytes ? d->header[at + 1] + 1u : kHeaderMost) * kUnitBytes;
    }
    if (at != bytes || d->header[field] != decode::ip_protocol::kFragment) return false;
    d->header[field] = packet.peek_u8();
  }
  d->header_bytes = bytes;
  return true;
}

void Reassembler::store(uint32_t position, PacketView* view) {
  Datagram& d = datagrams_[position];
  if (d.stage != Stage::kOpen) {
    ++counters_.ignored;
    return;
  }
  if (is_cut(*view)) {
    ++counters_.ignored;
    return spoil(&d);
  }
  Reader packet(Bytes{view->frame, view->caplen});
  packet.seek(view->fragment_data_offset);
  uint32_t bytes = view->fragment_data_bytes;
  const uint32_t odd = view->more_fragments ? bytes % kUnitBytes : 0;
  if (is_v4(*view)) bytes -= odd;  // as hosts do
  const uint32_t end = view->fragment_offset + bytes;
  if (bytes == 0 || end > kLargest || (odd != 0 && !is_v4(*view))) {
    ++counters_.ignored;
    return;
  }
  if (!settle_end(*view, end, &d)) return contradict(view, &d);
  Stored stored;
  if (!store_bytes(position, view->fragment_offset, packet.take(bytes), &stored)) {
    ++counters_.ignored;
    return spoil(&d);
  }
  d.reached = std::max(d.reached, end);
  if (stored.differs || (stored.repeated > 0 && stored.fresh > 0)) {
    contradict(view, &d);
  } else if (stored.repeated > 0) {
    ++counters_.ignored;
  }
}

// Whether a fragment that ends at `end` agrees with what is known of the datagram's length.
bool Reassembler::settle_end(const PacketView& view, uint32_t end, Datagram* d) {
  if (d->total != kUnknown) return view.more_fragments ? end <= d->total : end == d->total;
  if (view.more_fragments) return true;
  if (end < d->reached) return false;
  d->total = end;
  return true;
}

// False when there is no memory.
bool Reassembler::store_bytes(uint32_t position, uint32_t offset, Bytes data, Stored* stored) {
  Reader rest(data);
  while (!rest.empty()) {
    const uint32_t index = offset / kChunkBytes, at = offset % kChunkBytes;
    uint32_t& chunk = datagrams_[position].chunks[index];
    if (chunk == kNone) {
      while (free_chunks_.empty()) {
        if (!make_room(position)) return false;
      }
      chunk = free_chunks_.back();
      free_chunks_.pop_back();
      std::fill(std::begin(chunks_[chunk].has), std::end(chunks_[chunk].has), uint64_t{0});
    }
    const Bytes part = rest.take_up_to(kChunkBytes - at);
    store_in_chunk(&chunks_[chunk], at / kUnitBytes, part, stored);
    offset += static_cast<uint32_t>(part.size());
  }
  datagrams_[position].n_units += stored->fresh;
  return true;
}

void Reassembler::store_in_chunk(Chunk* chunk, uint32_t unit, Bytes data, Stored* stored) {
  for (Reader rest(data); !rest.empty(); ++unit) {
    const Bytes bytes = rest.take_up_to(kUnitBytes);
    uint8_t* place = chunk->data + unit * kUnitBytes;
    uint64_t& word = chunk->has[unit / 64];
    const uint64_t bit = uint64_t{1} << unit % 64;
    if (word & bit) {
      ++stored->repeated;
      stored->differs = stored->differs || !std::equal(bytes.begin(), bytes.end(), place);
    } else {
      word |= bit;
      ++stored->fresh;
      std::copy(bytes.begin(), bytes.end(), place);
    }
  }
}

void Reassembler::contradict(PacketView* view, Datagram* d) {
  ++counters_.overlaps;
  view->add_anomaly(is_v4(*view) ? Anomaly::kIpv4FragOverlap : Anomaly::kIpv6FragOverlap);
  if (!is_v4(*view)) spoil(d);
}

void Reassembler::spoil(Datagram* d) {
  d->stage = Stage::kSpoilt;
  free_chunks(d);
}

void Reassembler::free_chunks(Datagram* d) {
  for (uint32_t& chunk : d->chunks) {
    if (chunk != kNone) free_chunks_.push_back(chunk);
    chunk = kNone;
  }
}

bool Reassembler::is_complete(const Datagram& d) const {
  return d.stage == Stage::kOpen && d.header_bytes > 0 && d.total != kUnknown &&
         d.n_units == (d.total + kUnitBytes - 1) / kUnitBytes;
}

// The packet as it was before it was cut into fragments; empty when it is longer than one may be.
Bytes Reassembler::assemble(const Datagram& d) {
  constexpr uint32_t kTotalLength = 2, kChecksum = 10, kPayloadLength = 4;
  const bool v4 = d.key.network == Network::kIpv4;
  const uint32_t claimed = d.header_bytes + d.total - (v4 ? 0 : kIpv6HeaderBytes);
  if (claimed > kLargest) return {};
  std::copy_n(d.header, d.header_bytes, packet_.begin());
  put_be16(&packet_[v4 ? kTotalLength : kPayloadLength], claimed);
  if (v4) {
    put_be16(&packet_[kChecksum], 0);
    const uint16_t sum = decode::internet_sum({packet_.data(), d.header_bytes});
    put_be16(&packet_[kChecksum], static_cast<uint16_t>(~sum));
  }
  for (uint32_t done = 0; done < d.total; done += kChunkBytes) {
    const Chunk& chunk = chunks_[d.chunks[done / kChunkBytes]];
    std::copy_n(chunk.data, std::min(kChunkBytes, d.total - done),
                packet_.begin() + d.header_bytes + done);
  }
  return {packet_.data(), size_t{d.header_bytes} + d.total};
}

// Its content may be a fragment again, of a datagram one tunnel further in; the depth of tunnels
// bounds how often.
void Reassembler::complete(uint32_t position, const PacketView& last) {
  Datagram& d = datagrams_[position];
  const Bytes packet = assemble(d);
  free_chunks(&d);
  if (packet.empty()) {
    d.stage = Stage::kSpoilt;
    ++counters_.ignored;
    PacketView view = last;
    take_ports(d.first, &view);
    return pass_counted(view);
  }
  ++counters_.reassembled;
  unlink(position);
  d.stage = Stage::kComplete;
  d.since_ns = last.engine_ns;
  append(position);
  PacketView whole;
  decode::decode_reassembled(d.first, packet, options_, &whole);
  whole.ts_ns = last.ts_ns;
  whole.engine_ns = last.engine_ns;
  whole.index = last.index;
  whole.origlen = last.origlen;
  whole.bad_checksum = whole.bad_checksum || last.bad_checksum;
  const int kept = std::min(last.n_anomalies, PacketView::kMaxAnomalies);
  for (int i = 0; i < kept; ++i) whole.add_anomaly(last.anomalies[i]);
  if (whole.is_fragment) return take(whole);
  whole.is_fragment = true;
  taker_->on_packet(whole);
}

void Reassembler::pass_counted(const PacketView& view) {
  PacketView counted = view;
  make_counted(&counted);
  taker_->on_packet(counted);
}

void Reassembler::hold(const PacketView& view, Datagram* d) {
  if (free_held_.empty()) return pass_counted(view);
  const uint32_t position = free_held_.back();
  free_held_.pop_back();
  Held& held = held_[position];
  held.view = view;
  make_counted(&held.view);
  held.view.frame = nullptr;
  held.next = kNone;
  (d->held_first == kNone ? d->held_first : held_[d->held_last].next) = position;
  d->held_last = position;
}

void Reassembler::release_held(const PacketView& first, Datagram* d) {
  for (uint32_t position = d->held_first; position != kNone; position = held_[position].next) {
    PacketView& view = held_[position].view;
    view.engine_ns = first.engine_ns;
    view.index = first.index;
    take_ports(first, &view);
    taker_->on_packet(view);
    free_held_.push_back(position);
  }
  d->held_first = d->held_last = kNone;
}

void Reassembler::park_held(Datagram* d) {
  if (d->held_first == kNone) return;
  if (parked_.empty()) parked_since_ns_ = now_ns_;
  PacketView& first = held_[d->held_first].view;
  first.add_anomaly(is_v4(first) ? Anomaly::kIpv4FragIgnored : Anomaly::kIpv6FragIgnored);
  for (uint32_t position = d->held_first; position != kNone; position = held_[position].next) {
    parked_.push_back(position);
  }
  d->held_first = d->held_last = kNone;
}

void Reassembler::give_up(uint32_t position) {
  ++counters_.incomplete;
  park_held(&datagrams_[position]);
  remove(position);
}

void Reassembler::expire(int64_t moment_ns) {
  now_ns_ = moment_ns;
  while (open_.oldest != kNone &&
         moment_after(datagrams_[open_.oldest].since_ns + kTimeoutNs) <= moment_ns) {
    give_up(open_.oldest);
  }
  while (complete_.oldest != kNone &&
         moment_after(datagrams_[complete_.oldest].since_ns + kLateNs) <= moment_ns) {
    remove(complete_.oldest);
  }
  release_parked(moment_ns);
  set_due();
}

void Reassembler::release_parked(int64_t moment_ns) {
  std::sort(parked_.begin(), parked_.end(),
            [this](uint32_t x, uint32_t y) { return held_[x].view.index < held_[y].view.index; });
  for (const uint32_t position : parked_) {
    held_[position].view.engine_ns = moment_ns;
    taker_->on_packet(held_[position].view);
    free_held_.push_back(position);
  }
  parked_.clear();
}

void Reassembler::set_due() {
  due_ns_ = kNever;
  if (open_.oldest != kNone) {
    due_ns_ = moment_after(datagrams_[open_.oldest].since_ns + kTimeoutNs);
  }
  if (complete_.oldest != kNone) {
    due_ns_ = std::min(due_ns_, moment_after(datagrams_[complete_.oldest].since_ns + kLateNs));
  }
  if (!parked_.empty()) due_ns_ = std::min(due_ns_, moment_after(parked_since_ns_));
}

}  // namespace thymus::fragment
