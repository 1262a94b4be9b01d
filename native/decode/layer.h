// What every decoder is given: the frame's journey so far, and the bytes of its own layer.
#pragma once

#include <algorithm>

#include "base/bytes.h"
#include "decode/header.h"
#include "decode/packet_view.h"

namespace thymus::decode {

// Where a layer lies in the frame: its captured bytes end at `end`, and on the wire it ended at
// `wire_end`, which is never before that. Three numbers that stay in registers, because a reader
// handed from function to function is copied through the stack, which cost the usual path 12 ns.
struct Extent {
  uint32_t begin;
  uint32_t end;
  uint32_t wire_end;

  uint32_t captured_bytes() const { return end - begin; }
  uint32_t wire_bytes() const { return wire_end - begin; }
  bool is_whole() const { return end == wire_end; }

  // From here the layer has `n` bytes by its own account: what follows is padding or a trailer,
  // and what is missing was not captured.
  void limit(uint32_t n) {
    wire_end = begin + n;
    end = std::min(end, wire_end);
  }
};

// One frame on its way through its layers.
struct Walk {
  PacketView& view;
  const DecodeOptions& options;
  Bytes frame;
  // Whether the transport checksum can be computed: the packet is whole, no fragment, and its
  // final destination is known. Set by each IP header.
  bool can_verify_transport = false;
  // Layers below IP so far. Each costs stack, so they are bounded.
  uint8_t n_link_layers = 0;
  static constexpr uint8_t kMaxLinkLayers = 32;

  Bytes bytes(Extent extent) const { return frame.subspan(extent.begin, extent.captured_bytes()); }
  // Takes `header` from the start of `extent`; false, with nothing taken, when it is cut.
  template <size_t N>
  [[nodiscard]] bool read(Extent& extent, Header<N>& header) const {
    Reader reader(bytes(extent));
    if (!header.read(reader)) return false;
    extent.begin += N;
    return true;
  }
  // Takes at most `n` bytes.
  Bytes take_up_to(Extent& extent, uint32_t n) const {
    n = std::min(n, extent.captured_bytes());
    extent.begin += n;
    return frame.subspan(extent.begin - n, n);
  }

  // Notes why a layer cannot be read, and says so to the layer below.
  bool broken(Anomaly anomaly) {
    view.add_anomaly(anomaly);
    return false;
  }
};

// The same for the decoders off the usual path, which read it piece by piece. The reader's span
// starts at the frame's first byte, so that its offset is the frame's.
struct Layer {
  Reader reader;
  uint32_t wire_end;

  Layer(const Walk& walk, Extent extent)
      : reader(walk.frame.first(extent.end)), wire_end(extent.wire_end) {
    reader.seek(extent.begin);
  }
  // What is left of it.
  operator Extent() const {
    return {offset(), static_cast<uint32_t>(reader.all().size()), wire_end};
  }

  uint32_t offset() const { return static_cast<uint32_t>(reader.offset()); }
  uint32_t captured_bytes() const { return static_cast<uint32_t>(reader.remaining()); }
  uint32_t wire_bytes() const { return wire_end - offset(); }
  bool is_whole() const { return captured_bytes() == wire_bytes(); }
  void limit(uint32_t n) {
    Extent extent = *this;
    extent.limit(n);
    wire_end = extent.wire_end;
    reader = Reader(reader.all().first(extent.end));
    reader.seek(extent.begin);
  }
};

inline void set_payload(PacketView& view, Extent extent) {
  view.payload_offset = extent.begin;
  view.payload_bytes = extent.captured_bytes();
  view.payload_wire_bytes = extent.wire_bytes();
}

inline void set_fragment_data(PacketView& view, Extent extent) {
  view.fragment_data_offset = extent.begin;
  view.fragment_data_bytes = extent.captured_bytes();
  view.fragment_data_wire_bytes = extent.wire_bytes();
}

}  // namespace thymus::decode
