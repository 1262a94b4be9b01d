// IPsec: authentication header (RFC 4302) and encapsulating security payload (RFC 4303).
//
//   AH    next header (1)  length (1, in words, less 2)  0 (2)  SPI (4)  sequence (4)  value ...
//   ESP   SPI (4)  sequence (4)  encrypted ...
#include "decode/ipv6.h"
#include "decode/layers.h"
#include "decode/transport_error.h"

namespace thymus::decode {

// What follows is in the clear. The header makes no tunnel of its own, so the packet stays the
// same, but the stack of encapsulations shows it.
void decode_ah(Walk& walk, Layer layer) {
  constexpr size_t kNext = 0, kLength = 1, kFixedBytes = 12;
  const Layer start = layer;
  PacketView& view = walk.view;
  Header<kFixedBytes> header;
  if (!header.read(layer.reader)) return broken_transport(walk, start, Anomaly::kAhPktTooSmall);
  const size_t length = (header.u8<kLength>() + size_t{2}) * 4;
  if (length < kFixedBytes || !layer.reader.skip(length - kFixedBytes)) {
    return broken_transport(walk, start, Anomaly::kAhPktTooSmall);
  }
  if (view.n_encap == kMaxEncapDepth) {
    view.add_anomaly(Anomaly::kTooManyLayers);
    return;
  }
  if (view.n_encap > 0 && view.encap[view.n_encap - 1] == Encap::kAh) {
    view.add_anomaly(Anomaly::kIpv6ExthdrDuplAh);
  }
  view.encap[view.n_encap++] = Encap::kAh;
  view.encap_depth = view.n_encap;
  view.protocol = header.u8<kNext>();
  if (view.network == Network::kIpv6) {
    decode_ipv6_chain(walk, layer, view.protocol);
  } else {
    decode_transport(walk, layer, view.protocol);
  }
}

void decode_esp(Walk& walk, Layer layer) {
  Header<8> header;
  const Layer packet = layer;
  if (!header.read(layer.reader)) broken_transport(walk, packet, Anomaly::kEspPktTooSmall);
}

}  // namespace thymus::decode
