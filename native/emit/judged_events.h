// Which kinds of events detectors judge. Others go to the publish queue only, or nowhere.
#pragma once

#include <bitset>
#include <cstdint>

namespace thymus::emit {

struct JudgedEvents {
  using Kinds = std::bitset<1 << 16>;

  Kinds of_ends;   // go to the shards that judge the two ends, as flows do
  Kinds of_links;  // concern a whole link: go to every shard

  bool has(uint16_t type) const { return of_ends[type] || of_links[type]; }
};

}  // namespace thymus::emit
