// Geneve (RFC 8926).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +---+-----------+-+-+-----------+-------------------------------+
//   | 0 |  options  |O|C|  reserved |           ethertype           |  options: in words
//   +---+-----------+-+-+-----------+-------------------------------+
//   |       virtual network identifier              |   reserved    |
//   +-----------------------------------------------+---------------+
#include "decode/carried.h"
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {

bool decode_geneve(Walk& walk, Layer layer) {
  constexpr size_t kVersion = 0, kType = 2, kVni = 4;
  Header<8> header;
  if (!header.read(layer.reader) || header.u8<kVersion>() >> 6 != 0) return false;
  const uint16_t type = header.be16<kType>();
  if (type < ethertype::kFirstType) return false;
  if (!layer.reader.skip((header.u8<kVersion>() & 0x3f) * size_t{4})) return false;
  return decode_carried(walk, layer,
                        {.type = Encap::kGeneve,
                         .ethertype = type,
                         .id = header.be24<kVni>(),
                         .certainty = Certainty::kGuessed});
}

}  // namespace thymus::decode
