// Builds Ethernet frames with IPv4 and TCP or UDP, checksums included.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace thymus::bench {

inline constexpr uint8_t kProtocolTcp = 6, kProtocolUdp = 17;

class BigEndianBytes {
 public:
  void clear() { bytes_.clear(); }
  void u8(uint8_t v) { bytes_.push_back(v); }
  void u16(uint16_t v) {
    u8(static_cast<uint8_t>(v >> 8));
    u8(static_cast<uint8_t>(v));
  }
  void u32(uint32_t v) {
    u16(static_cast<uint16_t>(v >> 16));
    u16(static_cast<uint16_t>(v));
  }
  void raw(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  void text(std::string_view text) { bytes_.insert(bytes_.end(), text.begin(), text.end()); }
  void put16(size_t at, uint16_t v) {
    bytes_[at] = static_cast<uint8_t>(v >> 8);
    bytes_[at + 1] = static_cast<uint8_t>(v);
  }
  size_t size() const { return bytes_.size(); }
  Bytes from(size_t at) const { return Bytes(bytes_).subspan(at); }

 private:
  std::vector<uint8_t> bytes_;
};

// The Internet checksum (RFC 1071) of `bytes`, after `sum` of what is not among them.
inline uint16_t checksum(Bytes bytes, uint32_t sum = 0) {
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) sum += thymus::load_be16(bytes.data() + i);
  if (bytes.size() % 2 != 0) sum += uint32_t{bytes.back()} << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

struct Endpoint {
  uint32_t address;
  uint16_t port;
};

struct TcpFields {
  uint32_t seq;
  uint32_t ack;
  uint8_t flags;
};

// One frame at a time; a frame lies in the builder until the next.
class FrameBuilder {
 public:
  Bytes tcp(const Endpoint& from, const Endpoint& to, const TcpFields& fields, Bytes payload) {
    constexpr uint16_t kHeaderBytes = 20, kWindow = 64240;
    begin(from, to, kProtocolTcp, kHeaderBytes + payload.size());
    frame_.u32(fields.seq);
    frame_.u32(fields.ack);
    frame_.u8(kHeaderBytes / 4 << 4);
    frame_.u8(fields.flags);
    frame_.u16(kWindow);
    frame_.u32(0);  // checksum, urgent pointer
    return end(from, to, kProtocolTcp, payload, kTransportAt + 16);
  }
  Bytes udp(const Endpoint& from, const Endpoint& to, Bytes payload) {
    constexpr uint16_t kHeaderBytes = 8;
    begin(from, to, kProtocolUdp, kHeaderBytes + payload.size());
    frame_.u16(static_cast<uint16_t>(kHeaderBytes + payload.size()));
    frame_.u16(0);  // checksum
    return end(from, to, kProtocolUdp, payload, kTransportAt + 6);
  }

 private:
  static constexpr size_t kIpAt = 14, kIpHeaderBytes = 20, kTransportAt = kIpAt + kIpHeaderBytes;

  void begin(const Endpoint& from, const Endpoint& to, uint8_t protocol, size_t transport_bytes) {
    frame_.clear();
    mac(to.address);
    mac(from.address);
    frame_.u16(0x0800);
    frame_.u16(0x4500);  // version, header length, service
    frame_.u16(static_cast<uint16_t>(kIpHeaderBytes + transport_bytes));
    frame_.u32(0x00004000);  // identification, do not fragment
    frame_.u8(64);           // time to live
    frame_.u8(protocol);
    frame_.u16(0);  // checksum
    frame_.u32(from.address);
    frame_.u32(to.address);
    frame_.put16(kIpAt + 10, checksum(frame_.from(kIpAt)));
    frame_.u16(from.port);
    frame_.u16(to.port);
  }
  Bytes end(const Endpoint& from, const Endpoint& to, uint8_t protocol, Bytes payload,
            size_t checksum_at) {
    frame_.raw(payload);
    Bytes transport = frame_.from(kTransportAt);
    uint32_t pseudo = (from.address >> 16) + (from.address & 0xffff) + (to.address >> 16) +
                      (to.address & 0xffff) + protocol + static_cast<uint32_t>(transport.size());
    uint16_t sum = checksum(transport, pseudo);
    if (protocol == kProtocolUdp && sum == 0) sum = 0xffff;  // zero would mean that there is none
    frame_.put16(checksum_at, sum);
    return frame_.from(0);
  }
  // A locally administered address made from the IP address.
  void mac(uint32_t address) {
    frame_.u16(0x0200);
    frame_.u32(address);
  }

  BigEndianBytes frame_;
};

}  // namespace thymus::bench
