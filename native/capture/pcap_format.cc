// File header                            Record header
//   0 magic                                0 seconds
//   4 major (16 bits), 6 minor (16 bits)   4 micro- or nanoseconds
//   8 time zone, 12 accuracy: unused       8 caplen
//  16 snaplen                             12 origlen
//  20 FCS bits, link type (low 16 bits)   16 modified pcap only: interface, protocol, type, 1 pad
#include "capture/pcap_format.h"

#include <algorithm>
#include <utility>

namespace thymus::capture {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

struct Variant {
  uint32_t magic;
  uint8_t record_header_bytes;
  uint32_t fraction_ns;  // of one unit of the second time field
};
constexpr Variant kVariants[] = {
    {0xa1b2c3d4, 16, 1000},  // pcap
    {0xa1b23c4d, 16, 1},     // pcap with nanoseconds
    {0xa1b2cd34, 24, 1000},  // modified pcap (Kuznetzov)
};

struct Magic {
  const Variant* variant;
  bool is_swapped;
};

Magic find_magic(uint32_t value) {
  for (const Variant& v : kVariants) {
    if (value == v.magic) return {&v, false};
    if (value == __builtin_bswap32(v.magic)) return {&v, true};
  }
  return {nullptr, false};
}

// Writers before version 2.3 put origlen first; some of version 2.3 did as well.
enum class LengthOrder { kCaplenFirst, kOriglenFirst, kUnknown };

LengthOrder length_order(uint16_t minor) {
  if (minor < 3) return LengthOrder::kOriglenFirst;
  return minor == 3 ? LengthOrder::kUnknown : LengthOrder::kCaplenFirst;
}

template <bool kSwapped>
class PcapFormat final : public Format {
 public:
  PcapFormat(const Variant& variant, LengthOrder order, uint16_t link_type)
      : record_header_bytes_(variant.record_header_bytes),
        fraction_ns_(variant.fraction_ns),
        order_(order),
        link_type_(link_type) {}

  ParseStep parse(Bytes at_hand, FrameList* frames) override {
    Reader reader(at_hand);
    while (!frames->full()) {
      size_t start = reader.offset();
      Bytes header = reader.take(record_header_bytes_);
      if (!reader.ok()) return {start, record_header_bytes_, {}};
      Frame frame = read_header(header.data());
      if (frame.caplen > kMaxFrameBytes) [[unlikely]]
        return {start, 1, damage(frame.caplen)};
      frame.data = reader.take(frame.caplen).data();
      if (!reader.ok()) return {start, record_header_bytes_ + frame.caplen, {}};
      frames->push(frame);
    }
    return {reader.offset(), 1, {}};
  }

 private:
  static uint32_t load32(const uint8_t* p) { return kSwapped ? load_be32(p) : load_le32(p); }

  Frame read_header(const uint8_t* header) const {
    Frame frame{};
    // Broken writers give fractions beyond a second; they may not carry time far ahead.
    int64_t fraction_ns = std::min(load32(header + 4) * fraction_ns_, kNsPerSecond - 1);
    frame.ts_ns = load32(header) * kNsPerSecond + fraction_ns;
    frame.caplen = load32(header + 8);
    frame.origlen = load32(header + 12);
    frame.link_type = link_type_;
    if (order_ != LengthOrder::kCaplenFirst || frame.caplen > frame.origlen) [[unlikely]]
      settle_lengths(&frame);
    return frame;
  }

  void settle_lengths(Frame* frame) const {
    bool is_other_way_round = order_ == LengthOrder::kOriglenFirst ||
                              (order_ == LengthOrder::kUnknown && frame->caplen > frame->origlen);
    if (is_other_way_round) std::swap(frame->caplen, frame->origlen);
    frame->origlen = std::max(frame->origlen, frame->caplen);
  }

  static std::string damage(uint32_t caplen) {
    return "the record claims " + std::to_string(caplen) +
           " captured bytes, which is more than a frame can have";
  }

  const size_t record_header_bytes_;
  const int64_t fraction_ns_;
  const LengthOrder order_;
  const uint16_t link_type_;
};

}  // namespace

bool is_pcap_magic(Bytes head) {
  Reader reader(head);
  uint32_t magic = reader.le32();
  return reader.ok() && find_magic(magic).variant;
}

std::unique_ptr<Format> make_pcap_format(Bytes header) {
  Reader reader(header);
  Magic magic = find_magic(reader.le32());
  uint16_t major = magic.is_swapped ? reader.be16() : reader.le16();
  uint16_t minor = magic.is_swapped ? reader.be16() : reader.le16();
  reader.skip(12);
  uint32_t network = magic.is_swapped ? reader.be32() : reader.le32();
  constexpr uint16_t kMajor = 2;
  if (!reader.ok() || major != kMajor) return nullptr;
  auto link_type = static_cast<uint16_t>(network);
  LengthOrder order = length_order(minor);
  if (magic.is_swapped) {
    return std::make_unique<PcapFormat<true>>(*magic.variant, order, link_type);
  }
  return std::make_unique<PcapFormat<false>>(*magic.variant, order, link_type);
}

}  // namespace thymus::capture
