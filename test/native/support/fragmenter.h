// Cuts packets into fragments, as routers (IPv4) and hosts (IPv6) do.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace thymus::test {

using Frame = std::vector<uint8_t>;

inline void put_16(Frame* frame, size_t at, size_t value) {
  frame->at(at) = static_cast<uint8_t>(value >> 8);
  frame->at(at + 1) = static_cast<uint8_t>(value);
}

// Bytes [from, to) of what follows the header at `ip_at` of `packet`. Checksums stay wrong.
inline Frame fragment4(const Frame& packet, size_t ip_at, size_t from, size_t to, bool more) {
  const size_t data_at = ip_at + (packet.at(ip_at) & 15) * size_t{4};
  Frame frame(packet.begin(), packet.begin() + static_cast<ptrdiff_t>(data_at));
  for (size_t i = from; i < to; ++i) {
    frame.push_back(data_at + i < packet.size() ? packet[data_at + i] : uint8_t{0});
  }
  put_16(&frame, ip_at + 2, frame.size() - ip_at);
  put_16(&frame, ip_at + 6, from / 8 | (more ? 0x2000 : 0));
  return frame;
}

// The same for IPv6 without extension headers: a fragment header comes after the header.
inline Frame fragment6(const Frame& packet, size_t ip_at, size_t from, size_t to, bool more) {
  const size_t data_at = ip_at + 40;
  Frame frame(packet.begin(), packet.begin() + static_cast<ptrdiff_t>(data_at));
  frame.at(ip_at + 6) = 44;
  frame.insert(frame.end(), {packet.at(ip_at + 6), 0, 0, 0, 0, 0, 0x12, 0x34});
  put_16(&frame, data_at + 2, from | (more ? 1 : 0));
  for (size_t i = from; i < to; ++i) frame.push_back(packet.at(data_at + i));
  put_16(&frame, ip_at + 4, frame.size() - ip_at - 40);
  return frame;
}

// All of it in pieces of `bytes`.
inline std::vector<Frame> fragments_of(const Frame& packet, size_t ip_at, size_t bytes) {
  const bool v4 = packet.at(ip_at) >> 4 == 4;
  const size_t header = v4 ? (packet.at(ip_at) & 15) * size_t{4} : 40;
  const size_t total = packet.size() - ip_at - header;
  std::vector<Frame> out;
  for (size_t from = 0; from < total; from += bytes) {
    const size_t to = std::min(total, from + bytes);
    out.push_back(v4 ? fragment4(packet, ip_at, from, to, to < total)
                     : fragment6(packet, ip_at, from, to, to < total));
  }
  return out;
}

}  // namespace thymus::test
