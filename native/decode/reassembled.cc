#include "decode/reassembled.h"

#include "decode/layers.h"
#include "decode/same_place.h"

namespace thymus::decode {

void decode_reassembled(const PacketView& fragment, Bytes packet, const DecodeOptions& options,
                        PacketView* out) {
  *out = blank_at_same_place(fragment);
  out->frame = packet.data();
  out->caplen = static_cast<uint32_t>(packet.size());
  out->tcp_window_scale = kNoWindowScale;
  out->has_mac = fragment.has_mac;
  out->src_mac = fragment.src_mac;
  out->dst_mac = fragment.dst_mac;
  out->is_reassembled = true;
  Walk walk{*out, options, packet};
  decode_ip(walk, Layer(walk, {0, out->caplen, out->caplen}));
}

}  // namespace thymus::decode
