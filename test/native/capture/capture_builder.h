// Builds captures byte by byte, in either byte order, so that a case says only what it is about.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace thymus::test {

using Buffer = std::vector<uint8_t>;

enum class ByteOrder { kLittle, kBig };

// Numbers in one byte order.
class OrderedBytes {
 public:
  explicit OrderedBytes(ByteOrder order) : order_(order) {}
  OrderedBytes& u8(uint8_t v) { return number(v, 1); }
  OrderedBytes& u16(uint16_t v) { return number(v, 2); }
  OrderedBytes& u32(uint32_t v) { return number(v, 4); }
  OrderedBytes& u64(uint64_t v) { return number(v, 8); }
  OrderedBytes& raw(Bytes bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  OrderedBytes& pad_to_32_bits() {
    while (bytes_.size() % 4 != 0) bytes_.push_back(0);
    return *this;
  }
  const Buffer& bytes() const { return bytes_; }
  size_t size() const { return bytes_.size(); }
  ByteOrder order() const { return order_; }

 private:
  OrderedBytes& number(uint64_t v, unsigned n_bytes) {
    for (unsigned i = 0; i < n_bytes; ++i) {
      unsigned shift = 8 * (order_ == ByteOrder::kBig ? n_bytes - 1 - i : i);
      bytes_.push_back(static_cast<uint8_t>(v >> shift));
    }
    return *this;
  }

  ByteOrder order_;
  Buffer bytes_;
};

// Bytes that differ from place to place and from seed to seed.
inline Buffer payload(size_t n, unsigned seed = 0) {
  Buffer bytes(n);
  for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + seed * 13 + 1);
  return bytes;
}

struct PcapShape {
  uint32_t magic = 0xa1b2c3d4;
  ByteOrder order = ByteOrder::kLittle;
  uint32_t network = 1;
  uint16_t minor = 4;
  size_t extra_header_bytes = 0;  // of each record
};

class PcapBuilder {
 public:
  explicit PcapBuilder(PcapShape shape = {}) : shape_(shape), out_(shape.order) {
    out_.u32(shape.magic).u16(2).u16(shape.minor).u32(0).u32(0).u32(65535).u32(shape.network);
  }
  PcapBuilder& record(uint32_t seconds, uint32_t fraction, const Buffer& data) {
    return record(seconds, fraction, data, static_cast<uint32_t>(data.size()));
  }
  PcapBuilder& record(uint32_t seconds, uint32_t fraction, const Buffer& data, uint32_t origlen) {
    record_header(seconds, fraction, static_cast<uint32_t>(data.size()), origlen);
    out_.raw(data);
    return *this;
  }
  // A header that nothing needs to follow.
  PcapBuilder& record_header(uint32_t seconds, uint32_t fraction, uint32_t third, uint32_t fourth) {
    out_.u32(seconds).u32(fraction).u32(third).u32(fourth).raw(Buffer(shape_.extra_header_bytes));
    return *this;
  }
  PcapBuilder& raw(Bytes bytes) {
    out_.raw(bytes);
    return *this;
  }
  const Buffer& bytes() const { return out_.bytes(); }

 private:
  PcapShape shape_;
  OrderedBytes out_;
};

class PcapngBuilder {
 public:
  // Starts with a section.
  explicit PcapngBuilder(ByteOrder order = ByteOrder::kLittle) : out_(order) { section(order); }

  PcapngBuilder& section(ByteOrder order) {
    OrderedBytes rest(order);
    rest.raw(out_.bytes());
    out_ = rest;
    return block(0x0a0d0d0a, body().u32(0x1a2b3c4d).u16(1).u16(0).u64(~uint64_t{0}));
  }
  PcapngBuilder& interface(uint16_t link_type = 1, uint32_t snaplen = 0) {
    return interface(link_type, snaplen, body());
  }
  PcapngBuilder& interface(uint16_t link_type, uint32_t snaplen, const OrderedBytes& options) {
    return block(1, body().u16(link_type).u16(0).u32(snaplen).raw(options.bytes()));
  }
  // Options of an interface: its clock.
  OrderedBytes clock(uint8_t resolution, int64_t offset_seconds = 0) const {
    OrderedBytes options = body().u16(9).u16(1).u8(resolution).pad_to_32_bits();
    return options.u16(14).u16(8).u64(static_cast<uint64_t>(offset_seconds)).u16(0).u16(0);
  }
  PcapngBuilder& packet(uint32_t interface, uint64_t units, const Buffer& data) {
    return packet(interface, units, data, static_cast<uint32_t>(data.size()));
  }
  PcapngBuilder& packet(uint32_t interface, uint64_t units, const Buffer& data, uint32_t origlen) {
    return block(6, packet_body(body().u32(interface), units, data, origlen));
  }
  PcapngBuilder& old_packet(uint16_t interface, uint64_t units, const Buffer& data) {
    return block(2, packet_body(body().u16(interface).u16(0xffff), units, data,
                                static_cast<uint32_t>(data.size())));
  }
  PcapngBuilder& simple_packet(uint32_t origlen, const Buffer& data) {
    return block(3, body().u32(origlen).raw(data).pad_to_32_bits());
  }
  PcapngBuilder& block(uint32_t type, const OrderedBytes& content) {
    auto length = static_cast<uint32_t>(content.size() + 12);
    out_.u32(type).u32(length).raw(content.bytes()).u32(length);
    return *this;
  }
  PcapngBuilder& raw(Bytes bytes) {
    out_.raw(bytes);
    return *this;
  }
  OrderedBytes body() const { return OrderedBytes(out_.order()); }
  const Buffer& bytes() const { return out_.bytes(); }

 private:
  static OrderedBytes packet_body(OrderedBytes head, uint64_t units, const Buffer& data,
                                  uint32_t origlen) {
    head.u32(static_cast<uint32_t>(units >> 32)).u32(static_cast<uint32_t>(units));
    return head.u32(static_cast<uint32_t>(data.size())).u32(origlen).raw(data).pad_to_32_bits();
  }

  OrderedBytes out_;
};

}  // namespace thymus::test
