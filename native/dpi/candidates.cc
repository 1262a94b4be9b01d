#include "dpi/candidates.h"

#include <bit>
#include <vector>

namespace thymus::dpi {
namespace {

// A set of positions in parsers().
class ParserSet {
 public:
  void add(size_t i) { words_[i / 64] |= uint64_t{1} << (i % 64); }
  void add(const ParserSet& other) {
    for (size_t w = 0; w < words_.size(); ++w) words_[w] |= other.words_[w];
  }
  // Appends the positions that are in this set and not in `without`.
  size_t list(const ParserSet& without, uint8_t* out) const {
    size_t n = 0;
    for (size_t w = 0; w < words_.size(); ++w) {
      for (uint64_t bits = words_[w] & ~without.words_[w]; bits != 0; bits &= bits - 1) {
        out[n++] = static_cast<uint8_t>(w * 64 + static_cast<size_t>(std::countr_zero(bits)));
      }
    }
    return n;
  }

 private:
  std::array<uint64_t, 4> words_{};
};

class Tables {
 public:
  explicit Tables(Transport transport) : port_sets_(1) {
    const auto all = parsers();
    for (size_t i = 0; i < all.size(); ++i) {
      const Parser& parser = *all[i];
      if (!speaks_over(parser, transport)) continue;
      for (const uint16_t port : parser.ports) add_port(port, i);
      if (parser.first_bytes.empty()) {
        for (ParserSet& set : by_byte_) set.add(i);
      }
      for (const char byte : parser.first_bytes) by_byte_[static_cast<uint8_t>(byte)].add(i);
    }
  }

  std::span<const uint8_t> ask(const Segment& first, uint8_t* out) const {
    ParserSet preferred = port_sets_[set_of_port_[first.src_port]];
    preferred.add(port_sets_[set_of_port_[first.dst_port]]);
    size_t n = preferred.list({}, out);
    n += by_byte_[Reader(first.data).peek_u8()].list(preferred, out + n);
    return {out, n};
  }
  bool has(uint16_t port) const { return set_of_port_[port] != 0; }

 private:
  void add_port(uint16_t port, size_t parser) {
    uint16_t& set = set_of_port_[port];
    if (set == 0) {
      set = static_cast<uint16_t>(port_sets_.size());
      port_sets_.emplace_back();
    }
    port_sets_[set].add(parser);
  }

  std::array<ParserSet, 256> by_byte_{};
  std::array<uint16_t, 65536> set_of_port_{};  // 0: nobody's port
  std::vector<ParserSet> port_sets_;
};

const Tables& tables(Transport transport) {
  static const Tables tcp(Transport::kTcp), udp(Transport::kUdp), sctp(Transport::kSctp);
  return transport == Transport::kTcp ? tcp : transport == Transport::kUdp ? udp : sctp;
}

}  // namespace

std::span<const uint8_t> candidates(const Segment& first, std::array<uint8_t, kMaxParsers>* room) {
  return tables(first.transport).ask(first, room->data());
}

bool is_service_port(uint16_t port, Transport transport) { return tables(transport).has(port); }

int parser_for(AppId app, Transport transport) {
  const auto all = parsers();
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i]->app == app && speaks_over(*all[i], transport)) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace thymus::dpi
