// ARP for IPv4 on Ethernet (RFC 826). The message itself is the payload.
//
//   hardware (2)  protocol (2)  hardware length (1)  protocol length (1)  operation (2)
//   sender station (6)  sender address (4)  target station (6)  target address (4)
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {

bool decode_arp(Walk& walk, Layer layer) {
  constexpr size_t kProtocol = 2, kHardwareLength = 4, kProtocolLength = 5, kSender = 14,
                   kTarget = 24, kMessageBytes = 28;
  Header<kMessageBytes> message;
  Layer body = layer;
  if (!message.read(layer.reader)) return walk.broken(Anomaly::kArpPktTooSmall);
  if (message.be16<kProtocol>() != ethertype::kIpv4 || message.u8<kHardwareLength>() != 6 ||
      message.u8<kProtocolLength>() != 4) {
    return walk.broken(Anomaly::kArpUnsupportedPkt);
  }
  walk.view.network = Network::kArp;
  walk.view.src = IpAddress::v4(message.at<kSender, 4>());
  walk.view.dst = IpAddress::v4(message.at<kTarget, 4>());
  body.limit(kMessageBytes);
  set_payload(walk.view, body);
  return true;
}

}  // namespace thymus::decode
