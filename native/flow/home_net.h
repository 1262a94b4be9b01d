// Which addresses are internal.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/address.h"

namespace thymus::flow {

class HomeNet {
 public:
  static constexpr size_t kNotHome = static_cast<size_t>(-1);

  explicit HomeNet(std::vector<Prefix> prefixes) : prefixes_(std::move(prefixes)) {
    for (size_t i = 0; i < prefixes_.size(); ++i) {
      const Prefix& p = prefixes_[i];
      if (!p.address.is_v4() || p.length < 96) continue;
      const int bits = p.length - 96;
      const uint32_t mask = bits == 0 ? 0 : ~uint32_t{0} << (32 - bits);
      v4_.push_back({p.address.v4_host_order() & mask, mask, i});
    }
  }

  // Position of the first prefix that holds the address, or kNotHome.
  size_t find(const IpAddress& address) const {
    if (address.is_v4()) {
      const uint32_t host = address.v4_host_order();
      for (const V4& p : v4_) {
        if ((host & p.mask) == p.network) return p.position;
      }
      return kNotHome;
    }
    for (size_t i = 0; i < prefixes_.size(); ++i) {
      if (prefixes_[i].contains(address)) return i;
    }
    return kNotHome;
  }
  bool contains(const IpAddress& address) const { return find(address) != kNotHome; }
  const std::vector<Prefix>& prefixes() const { return prefixes_; }

 private:
  struct V4 {
    uint32_t network;
    uint32_t mask;
    size_t position;
  };
  std::vector<Prefix> prefixes_;
  std::vector<V4> v4_;  // the same IPv4 prefixes as masks: two instructions each
};

}  // namespace thymus::flow
