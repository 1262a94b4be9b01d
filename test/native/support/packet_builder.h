// Builds packets layer by layer, from the outside in, for tests: lengths and checksums of a layer
// are filled in when the packet is taken, unless a test sets them wrong on purpose.
//
//   Packet().ethernet().ipv4("10.0.0.1", "10.0.0.2").udp(40000, 53).text("hello").bytes()
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>

#include "base/address.h"
#include "base/bytes.h"

namespace thymus::test {

inline IpAddress ip_address(const std::string& text) {
  uint8_t raw[16] = {};
  const bool is_v6 = text.find(':') != std::string::npos;
  inet_pton(is_v6 ? AF_INET6 : AF_INET, text.c_str(), raw);
  return is_v6 ? IpAddress::v6(raw) : IpAddress::v4(raw);
}

class Packet {
 public:
  // Plain bytes.
  Packet& u8(unsigned v) {
    bytes_.push_back(static_cast<uint8_t>(v));
    return *this;
  }
  Packet& be16(unsigned v) { return u8(v >> 8 & 0xff).u8(v & 0xff); }
  Packet& be32(uint32_t v) { return be16(v >> 16).be16(v & 0xffff); }
  Packet& le16(unsigned v) { return u8(v & 0xff).u8(v >> 8 & 0xff); }
  Packet& le32(uint32_t v) { return le16(v & 0xffff).le16(v >> 16); }
  Packet& zeros(size_t n) {
    bytes_.insert(bytes_.end(), n, 0);
    return *this;
  }
  Packet& text(std::string_view s) {
    bytes_.insert(bytes_.end(), s.begin(), s.end());
    return *this;
  }
  Packet& raw(const std::vector<uint8_t>& b) {
    bytes_.insert(bytes_.end(), b.begin(), b.end());
    return *this;
  }

  // Layers.
  Packet& ethernet(unsigned type = 0x0800) {
    return raw({0x02, 0, 0, 0, 0, 0x02}).raw({0x02, 0, 0, 0, 0, 0x01}).be16(type);
  }
  Packet& vlan(unsigned id, unsigned type = 0x0800) { return be16(id).be16(type); }
  Packet& ipv4(const std::string& src, const std::string& dst, unsigned protocol = 17,
               const std::vector<uint8_t>& options = {}) {
    layers_.push_back({Kind::kIpv4, bytes_.size()});
    u8(0x40 | (5 + static_cast<unsigned>(options.size() / 4))).u8(0x10).be16(0);
    be16(0x1234).be16(0).u8(64).u8(protocol).be16(0);
    return address(src).address(dst).raw(options);
  }
  Packet& ipv6(const std::string& src, const std::string& dst, unsigned next = 17) {
    layers_.push_back({Kind::kIpv6, bytes_.size()});
    be32(0x6ab00000).be16(0).u8(next).u8(61);
    return address(src).address(dst);
  }
  Packet& udp(unsigned src_port, unsigned dst_port) {
    layers_.push_back({Kind::kUdp, bytes_.size()});
    return be16(src_port).be16(dst_port).be16(0).be16(0);
  }
  Packet& tcp(unsigned src_port, unsigned dst_port, unsigned flags,
              const std::vector<uint8_t>& options = {}) {
    layers_.push_back({Kind::kTcp, bytes_.size()});
    be16(src_port).be16(dst_port).be32(1000).be32(2000);
    u8((5 + static_cast<unsigned>(options.size() / 4)) << 4).u8(flags);
    return be16(8192).be16(0).be16(0).raw(options);
  }
  Packet& icmp(unsigned type, unsigned code, unsigned id = 0) {
    layers_.push_back({Kind::kIcmp, bytes_.size()});
    return u8(type).u8(code).be16(0).be16(id).be16(1);
  }
  Packet& icmpv6(unsigned type, unsigned code, unsigned id = 0) {
    layers_.push_back({Kind::kIcmpV6, bytes_.size()});
    return u8(type).u8(code).be16(0).be16(id).be16(1);
  }

  // The bytes so far, with lengths and checksums of all layers, innermost first.
  std::vector<uint8_t> bytes() const {
    Packet whole = *this;
    for (size_t i = layers_.size(); i-- > 0;) whole.finish(i);
    return whole.bytes_;
  }
  // Then changes one byte.
  std::vector<uint8_t> with(size_t at, unsigned value) const {
    std::vector<uint8_t> b = bytes();
    b.at(at) = static_cast<uint8_t>(value);
    return b;
  }
  size_t size() const { return bytes_.size(); }

 private:
  enum class Kind { kIpv4, kIpv6, kUdp, kTcp, kIcmp, kIcmpV6 };
  struct Start {
    Kind kind;
    size_t at;
  };

  Packet& address(const std::string& text) {
    const IpAddress a = ip_address(text);
    return raw({a.bytes.begin() + (a.is_v4() ? 12 : 0), a.bytes.end()});
  }
  void put16(size_t at, size_t v) {
    bytes_[at] = static_cast<uint8_t>(v >> 8);
    bytes_[at + 1] = static_cast<uint8_t>(v);
  }
  uint64_t sum(size_t from, size_t to) const {
    uint64_t total = 0;
    for (size_t i = from; i < to; ++i) {
      total += (i - from) % 2 == 0 ? unsigned{bytes_[i]} << 8 : bytes_[i];
    }
    return total;
  }
  static uint16_t inverted(uint64_t total) {
    while (total >> 16) total = (total & 0xffff) + (total >> 16);
    return static_cast<uint16_t>(~total);
  }
  uint64_t pseudo_header(size_t layer, unsigned protocol) const {
    const Start ip = layers_[layer - 1];
    const uint64_t length = bytes_.size() - layers_[layer].at + protocol;
    return ip.kind == Kind::kIpv4 ? length + sum(ip.at + 12, ip.at + 20)
                                  : length + sum(ip.at + 8, ip.at + 40);
  }
  void put_checksum(size_t layer, size_t field, unsigned protocol) {
    const size_t at = layers_[layer].at;
    const bool is_in_ip = layer > 0 && layers_[layer - 1].kind <= Kind::kIpv6;
    const uint64_t start = protocol == 1 || !is_in_ip ? 0 : pseudo_header(layer, protocol);
    put16(at + field, inverted(start + sum(at, bytes_.size())));
  }
  void finish(size_t layer) {
    const size_t at = layers_[layer].at;
    switch (layers_[layer].kind) {
      case Kind::kIpv4:
        put16(at + 2, bytes_.size() - at);
        put16(at + 10, inverted(sum(at, at + (bytes_[at] & 15) * 4)));
        break;
      case Kind::kIpv6:
        put16(at + 4, bytes_.size() - at - 40);
        break;
      case Kind::kUdp:
        put16(at + 4, bytes_.size() - at);
        put_checksum(layer, 6, 17);
        break;
      case Kind::kTcp:
        put_checksum(layer, 16, 6);
        break;
      case Kind::kIcmp:
        put_checksum(layer, 2, 1);
        break;
      case Kind::kIcmpV6:
        put_checksum(layer, 2, 58);
        break;
    }
  }

  std::vector<uint8_t> bytes_;
  std::vector<Start> layers_;
};

}  // namespace thymus::test
