// Generic routing encapsulation (RFC 2784, RFC 2890, RFC 1701), PPTP's (RFC 2637) and NVGRE
// (RFC 7637).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-----+-+-------+-----+-------------------------------+
//   |C|R|K|S|s|recur|A| flags | ver |           ethertype           |
//   +-+-+-+-+-+-----+-+-------+-----+-------------------------------+
//   C or R: checksum (2), offset (2)    K: key (4)    S: sequence (4)
//   R: source routes: family (2)  offset (1)  length (1)  value, until a length of zero
//   version 1: K holds payload length (2) and call id (2); A: acknowledgment (4)
#include "decode/carried.h"
#include "decode/erspan.h"
#include "decode/layers.h"
#include "decode/numbers.h"
#include "decode/transport_error.h"

namespace thymus::decode {
namespace {

constexpr uint16_t kChecksum = 0x8000, kRouting = 0x4000, kKey = 0x2000, kSequence = 0x1000,
                   kRecursion = 0x0700, kAcknowledgment = 0x0080, kVersion = 0x0007;

// NVGRE and keyed GRE look the same; NVGRE reserves the networks below 0x1000.
bool is_nvgre(uint16_t flags, uint16_t type, uint32_t key) {
  constexpr uint32_t kFirstNetwork = 0x1000;
  return type == ethertype::kTransparentBridging && flags == kKey && key >> 8 >= kFirstNetwork;
}

bool skip_source_routes(Reader& reader) {
  while (reader.ok()) {
    reader.skip(3);
    const uint8_t length = reader.u8();
    if (length == 0) return reader.ok();
    reader.skip(length);
  }
  return false;
}

void decode_inner(Walk& walk, const Layer& layer, uint16_t flags, uint16_t type, uint32_t key) {
  if (type == ethertype::kErspan2) {
    decode_erspan2(walk, layer, flags & kSequence);
  } else if (type == ethertype::kErspan3) {
    decode_erspan3(walk, layer);
  } else if (is_nvgre(flags, type, key)) {
    decode_carried(walk, layer, {.type = Encap::kNvgre, .ethertype = type, .id = key >> 8});
  } else if (type >= ethertype::kFirstType) {
    decode_carried(walk, layer, {.type = Encap::kGre, .ethertype = type, .id = key});
  }
}

void decode_version0(Walk& walk, Layer layer, uint16_t flags, uint16_t type) {
  const Layer start = layer;
  Reader& reader = layer.reader;
  if (flags & kRecursion) walk.view.add_anomaly(Anomaly::kGreVersion0Recur);
  if (flags & (kChecksum | kRouting)) reader.skip(4);
  const uint32_t key = flags & kKey ? reader.be32() : 0;
  if (flags & kSequence) reader.skip(4);
  if (!reader.ok()) return broken_transport(walk, start, Anomaly::kGrePktTooSmall);
  if ((flags & kRouting) && !skip_source_routes(reader)) {
    return broken_transport(walk, start, Anomaly::kGreVersion0MalformedSreHdr);
  }
  decode_inner(walk, layer, flags, type, key);
}

void decode_pptp(Walk& walk, Layer layer, uint16_t flags, uint16_t type) {
  const Layer start = layer;
  Reader& reader = layer.reader;
  if (!(flags & kKey)) return broken_transport(walk, start, Anomaly::kGreVersion1NoKey);
  if (type != ethertype::kPpp) {
    return broken_transport(walk, start, Anomaly::kGreVersion1WrongProtocol);
  }
  const uint16_t length = reader.be16();
  const uint16_t call = reader.be16();
  if (flags & kSequence) reader.skip(4);
  if (flags & kAcknowledgment) reader.skip(4);
  if (!reader.ok()) return broken_transport(walk, start, Anomaly::kGrePktTooSmall);
  if (!(flags & kSequence) || length == 0) return;  // only acknowledges
  layer.limit(std::min<uint32_t>(length, layer.wire_bytes()));
  decode_carried(walk, layer, {.type = Encap::kGre, .ethertype = type, .id = call});
}

}  // namespace

void decode_gre(Walk& walk, Layer layer) {
  constexpr size_t kFlags = 0, kType = 2;
  const Layer start = layer;
  Header<4> header;
  if (!header.read(layer.reader)) return broken_transport(walk, start, Anomaly::kGrePktTooSmall);
  const uint16_t flags = header.be16<kFlags>(), type = header.be16<kType>();
  switch (flags & kVersion) {
    case 0:
      return decode_version0(walk, layer, flags, type);
    case 1:
      return decode_pptp(walk, layer, flags, type);
    default:
      return broken_transport(walk, start, Anomaly::kGreWrongVersion);
  }
}

}  // namespace thymus::decode
