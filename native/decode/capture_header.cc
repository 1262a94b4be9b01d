// Headers that a capturing program or device put before the packet.
//
//   SLIP      direction (1)  compression header (15)
//   NFLOG     family (1)  version 0 (1)  resource (2)
//             then fields: length of all (2)  type (2)  value, padded to a multiple of 4; in the
//             byte order of the capturing host
//   PPI       version 0 (1)  flags (1)  length (2)  link type (4), little-endian, then fields
//   Juniper   4d 47 43  flags (1)  [length of extensions (2)  extensions]  [family (4)]
#include "decode/layers.h"

namespace thymus::decode {
namespace {

// Length and type of an NFLOG field in the byte order in which the length fits.
struct NflogField {
  uint16_t length;
  uint16_t type;
};

NflogField read_nflog_field(Reader& reader) {
  constexpr size_t kHeaderBytes = 4;
  Header<kHeaderBytes> header;
  if (!header.read(reader)) return {0, 0};
  const size_t left = reader.remaining() + kHeaderBytes;
  if (header.le16<0>() <= left) return {header.le16<0>(), header.le16<2>()};
  return {header.be16<0>(), header.be16<2>()};
}

}  // namespace

bool decode_slip(Walk& walk, Layer layer) {
  constexpr size_t kHeaderBytes = 16;
  if (!layer.reader.skip(kHeaderBytes)) return walk.broken(Anomaly::kLinkHeaderTooSmall);
  return decode_ip(walk, layer);
}

bool decode_nflog(Walk& walk, Layer layer) {
  constexpr size_t kHeaderBytes = 4, kFieldHeaderBytes = 4;
  constexpr uint16_t kPayload = 9, kTypeMask = 0x7fff;
  if (!layer.reader.skip(kHeaderBytes)) return walk.broken(Anomaly::kLinkHeaderTooSmall);
  while (!layer.reader.empty()) {
    const NflogField field = read_nflog_field(layer.reader);
    if (field.length < kFieldHeaderBytes) return walk.broken(Anomaly::kLinkHeaderTooSmall);
    const uint32_t value_bytes = field.length - static_cast<uint32_t>(kFieldHeaderBytes);
    if ((field.type & kTypeMask) == kPayload) {
      layer.limit(std::min(value_bytes, layer.wire_bytes()));
      return decode_ip(walk, layer);
    }
    layer.reader.take_up_to((value_bytes + 3u) & ~3u);
  }
  return walk.broken(Anomaly::kLinkHeaderTooSmall);
}

bool decode_ppi(Walk& walk, Layer layer) {
  constexpr size_t kLength = 2, kLinkType = 4, kHeaderBytes = 8;
  constexpr uint32_t kPpi = 192;
  Header<kHeaderBytes> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kLinkHeaderTooSmall);
  const size_t length = header.le16<kLength>();
  const uint32_t link_type = header.le32<kLinkType>();
  if (length < kHeaderBytes || !layer.reader.skip(length - kHeaderBytes)) {
    return walk.broken(Anomaly::kLinkHeaderTooSmall);
  }
  if (link_type == kPpi || link_type > 0xffff) return walk.broken(Anomaly::kUnknownLinkType);
  return decode_link(walk, layer, static_cast<uint16_t>(link_type));
}

bool decode_juniper_ethernet(Walk& walk, Layer layer) {
  constexpr uint32_t kMagic = 0x4d4743;
  constexpr uint8_t kHasExtensions = 0x80, kHasNoLink = 0x02;
  if (layer.reader.be24() != kMagic) return walk.broken(Anomaly::kLinkHeaderTooSmall);
  const uint8_t flags = layer.reader.u8();
  if (flags & kHasExtensions) layer.reader.skip(layer.reader.be16());
  if (flags & kHasNoLink) layer.reader.skip(4);
  if (!layer.reader.ok()) return walk.broken(Anomaly::kLinkHeaderTooSmall);
  return flags & kHasNoLink ? decode_ip(walk, layer) : decode_ethernet(walk, layer);
}

}  // namespace thymus::decode
