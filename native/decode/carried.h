// A packet inside a packet.
#pragma once

#include "decode/layer.h"

namespace thymus::decode {

// How a carrier was recognised, and so what it means when it carries no packet.
enum class Certainty : uint8_t {
  kStated,   // by a protocol number: an anomaly says what is wrong with what it carries
  kGuessed,  // by a port or by trying: then it is no tunnel, and nothing is wrong
};

struct Tunnel {
  Encap type;
  uint16_t ethertype;  // of what it carries (decode/numbers.h)
  uint32_t id = 0;     // what tells tunnels of this type apart
  Certainty certainty = Certainty::kStated;
  uint16_t vlan = kNoVlan;  // VLAN of the carried frame, where the tunnel's header names it
};

// Decodes what `layer` carries. Afterwards the view speaks of the carried packet; when that has no
// sound header, or the carriers are too deep, the view speaks of the carrier as before. Answers
// which of both.
bool decode_carried(Walk& walk, Layer layer, const Tunnel& tunnel);

}  // namespace thymus::decode
