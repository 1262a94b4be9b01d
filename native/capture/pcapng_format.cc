// Block: type, total length, body, total length again; 32 bits each, the body a multiple of them.
//
//   section header    byte-order magic, major, minor, section length, options
//   interface         link type, reserved, snaplen, options
//   enhanced packet   interface, time high, time low, caplen, origlen, data, options
//   simple packet     origlen, data
//   packet (old)      interface (16 bits), drops (16 bits), then as enhanced
#include "capture/pcapng_format.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "capture/time_scale.h"

namespace thymus::capture {
namespace {

namespace block_type {
constexpr uint32_t kSectionHeader = 0x0a0d0d0a, kInterface = 1, kPacket = 2, kSimplePacket = 3,
                   kEnhancedPacket = 6;
}  // namespace block_type

namespace interface_option {
constexpr uint16_t kEnd = 0, kTimeResolution = 9, kTimeOffset = 14;
}  // namespace interface_option

constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr uint16_t kMajor = 1;
constexpr size_t kFramingBytes = 12;  // type and both lengths
constexpr size_t kBlockHeadBytes = 8;
constexpr size_t kMaxInterfaces = 65535;

struct Interface {
  TimeScale scale;
  uint32_t snaplen;
  uint16_t link_type;
  uint16_t index;
};

// Numbers in the byte order of a section.
struct Order {
  bool is_swapped = false;
  uint16_t u16(Reader* r) const { return is_swapped ? r->be16() : r->le16(); }
  uint32_t u32(Reader* r) const { return is_swapped ? r->be32() : r->le32(); }
  uint64_t u64(Reader* r) const { return is_swapped ? r->be64() : r->le64(); }
};

// False when `magic`, read as little endian, is the byte-order magic in neither order.
bool find_order(uint32_t magic, Order* order) {
  order->is_swapped = magic == __builtin_bswap32(kByteOrderMagic);
  return order->is_swapped || magic == kByteOrderMagic;
}

size_t padded(size_t n) { return (n + 3) / 4 * 4; }

// Reads what matters here; options that are broken end the list.
TimeScale read_time_scale(Reader options, Order order) {
  uint8_t resolution = 6;
  int64_t offset_seconds = 0;
  while (options.remaining() >= 4) {
    uint16_t code = order.u16(&options);
    size_t length = order.u16(&options);
    if (code == interface_option::kEnd) break;
    Reader value = options.sub(length);
    options.take_up_to(padded(length) - length);
    if (code == interface_option::kTimeResolution && length == 1) {
      resolution = value.u8();
    } else if (code == interface_option::kTimeOffset && length == 8) {
      offset_seconds = static_cast<int64_t>(order.u64(&value));
    }
  }
  return TimeScale(resolution, offset_seconds);
}

class PcapngFormat final : public Format {
 public:
  ParseStep parse(Bytes at_hand, FrameList* frames) override {
    Reader reader(at_hand);
    while (!frames->full()) {
      size_t start = reader.offset();
      if (reader.remaining() < kFramingBytes) return {start, kFramingBytes, {}};
      BlockHead head{};
      std::string damage = read_head(Reader(reader.rest()), &head);
      if (!damage.empty()) return {start, 1, std::move(damage)};
      if (reader.remaining() < head.length) return {start, head.length, {}};
      damage = read_block(head, reader.sub(head.length), frames);
      if (!damage.empty()) return {start, 1, std::move(damage)};
    }
    return {reader.offset(), 1, {}};
  }

 private:
  struct BlockHead {
    uint32_t type;
    uint32_t length;
    Order order;
  };

  // A section header brings its own byte order; its type reads the same in both.
  std::string read_head(Reader reader, BlockHead* head) const {
    head->order = order_;
    head->type = order_.u32(&reader);
    Bytes length = reader.take(4);
    if (head->type == block_type::kSectionHeader && !find_order(reader.le32(), &head->order)) {
      return "the section header has no byte-order magic";
    }
    Reader length_reader(length);
    head->length = head->order.u32(&length_reader);
    if (head->length < kFramingBytes || head->length % 4 != 0) {
      return "the block claims a length of " + std::to_string(head->length) +
             " bytes, which no block has";
    }
    if (head->length > kMaxPcapngBlockBytes) {
      return "the block claims " + std::to_string(head->length) + " bytes, more than 16 MiB";
    }
    return {};
  }

  std::string read_block(const BlockHead& head, Reader block, FrameList* frames) {
    block.skip(kBlockHeadBytes);
    Reader body = block.sub(head.length - kFramingBytes);
    if (head.order.u32(&block) != head.length) return "the two lengths of the block differ";
    switch (head.type) {
      case block_type::kEnhancedPacket:
        return read_packet(body, order_.u32(&body), frames);
      case block_type::kSimplePacket:
        return read_simple_packet(body, frames);
      case block_type::kPacket: {
        uint32_t interface = order_.u16(&body);
        body.skip(2);
        return read_packet(body, interface, frames);
      }
      case block_type::kInterface:
        return read_interface(body);
      case block_type::kSectionHeader:
        return read_section(body, head.order);
      default:
        return {};
    }
  }

  std::string read_section(Reader body, Order order) {
    body.skip(4);
    uint16_t major = order.u16(&body);
    if (!body.ok() || major != kMajor) return "the section has an unknown version";
    order_ = order;
    section_interfaces_.clear();
    return {};
  }

  std::string read_interface(Reader body) {
    uint16_t link_type = order_.u16(&body);
    body.skip(2);
    uint32_t snaplen = order_.u32(&body);
    if (!body.ok()) return "the interface description is too short";
    if (n_interfaces_ == kMaxInterfaces) return "the capture has more than 65535 interfaces";
    section_interfaces_.push_back({read_time_scale(body, order_), snaplen, link_type,
                                   static_cast<uint16_t>(n_interfaces_++)});
    return {};
  }

  // Enhanced packets and old ones have the same body once the interface is read.
  std::string read_packet(Reader body, uint32_t interface_id, FrameList* frames) {
    uint64_t high = order_.u32(&body);
    uint64_t low = order_.u32(&body);
    uint32_t caplen = order_.u32(&body);
    uint32_t origlen = order_.u32(&body);
    if (!body.ok()) return "the packet block is too short";
    if (interface_id >= section_interfaces_.size()) return unknown_interface(interface_id);
    const Interface& interface = section_interfaces_[interface_id];
    last_ts_ns_ = interface.scale.to_ns(high << 32 | low);
    return push(body, interface, caplen, origlen, frames);
  }

  // It has no time stamp: the time of the frame before it is the nearest that is known.
  std::string read_simple_packet(Reader body, FrameList* frames) {
    uint32_t origlen = order_.u32(&body);
    if (!body.ok()) return "the packet block is too short";
    if (section_interfaces_.empty()) return unknown_interface(0);
    const Interface& interface = section_interfaces_.front();
    uint32_t snaplen = interface.snaplen == 0 ? kMaxFrameBytes : interface.snaplen;
    uint32_t caplen = std::min({origlen, snaplen, kMaxFrameBytes});
    return push(body, interface, caplen, origlen, frames);
  }

  std::string push(Reader data, const Interface& interface, uint32_t caplen, uint32_t origlen,
                   FrameList* frames) {
    if (caplen > kMaxFrameBytes || caplen > data.remaining()) {
      return "the packet claims " + std::to_string(caplen) + " captured bytes in a block of " +
             std::to_string(data.all().size() + kFramingBytes);
    }
    frames->push({.data = data.take(caplen).data(),
                  .ts_ns = last_ts_ns_,
                  .caplen = caplen,
                  .origlen = std::max(caplen, origlen),
                  .link_type = interface.link_type,
                  .interface = interface.index,
                  .source = 0});
    return {};
  }

  static std::string unknown_interface(uint32_t id) {
    return "the packet names interface " + std::to_string(id) + ", which was not described";
  }

  Order order_;
  std::vector<Interface> section_interfaces_;
  size_t n_interfaces_ = 0;
  int64_t last_ts_ns_ = 0;
};

}  // namespace

bool is_pcapng_magic(Bytes head) {
  Reader reader(head);
  return reader.le32() == block_type::kSectionHeader;
}

bool is_pcapng_section(Bytes header) {
  Reader reader(header);
  reader.skip(kBlockHeadBytes);
  Order order;
  if (!find_order(reader.le32(), &order)) return false;
  uint16_t major = order.u16(&reader);
  return reader.ok() && major == kMajor;
}

std::unique_ptr<Format> make_pcapng_format() { return std::make_unique<PcapngFormat>(); }

}  // namespace thymus::capture
