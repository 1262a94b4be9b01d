// GTP-U version 1 (3GPP TS 29.281).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-----+-+-+-+-+-+---------------+-------------------------------+
//   |  1  |1|0|E|S|N| message type  |  length of all after the TEID |
//   +-----+-+-+-+-+-+---------------+-------------------------------+
//   |                 tunnel endpoint identifier (TEID)             |
//   +-------------------------------+---------------+---------------+
//   |  sequence number (E, S or N)  | N-PDU number  | next extension|
//   +-------------------------------+---------------+---------------+
//   extension: length (1, in words, of all)  ...  next extension (1)
#include "decode/carried.h"
#include "decode/layers.h"
#include "decode/numbers.h"

namespace thymus::decode {
namespace {

bool skip_extensions(Reader& reader, uint8_t next) {
  while (next != 0) {
    const size_t bytes = reader.u8() * size_t{4};
    if (bytes < 4 || !reader.skip(bytes - 2)) return false;
    next = reader.u8();
  }
  return reader.ok();
}

}  // namespace

bool decode_gtpu(Walk& walk, Layer layer) {
  constexpr size_t kFlags = 0, kType = 1, kLength = 2, kTeid = 4;
  constexpr uint8_t kVersionMask = 0xf0, kVersion1Gtp = 0x30, kOptional = 0x07, kUserPacket = 0xff;
  Header<8> header;
  if (!header.read(layer.reader)) return false;
  if ((header.u8<kFlags>() & kVersionMask) != kVersion1Gtp) return false;
  if (header.u8<kType>() != kUserPacket) return false;
  if (header.be16<kLength>() > layer.wire_bytes()) return false;
  layer.limit(header.be16<kLength>());
  if (header.u8<kFlags>() & kOptional) {
    layer.reader.skip(3);
    const uint8_t next = layer.reader.u8();
    if (!layer.reader.ok() || !skip_extensions(layer.reader, next)) return false;
  }
  return decode_carried(walk, layer,
                        {.type = Encap::kGtpU,
                         .ethertype = ethertype::kAnyIp,
                         .id = header.be32<kTeid>(),
                         .certainty = Certainty::kGuessed});
}

}  // namespace thymus::decode
