// Wireless LAN data frames (IEEE 802.11, section 9.2). Encrypted ones carry nothing to be read.
//
//   frame control (2)  duration (2)  address 1 (6)  address 2 (6)  address 3 (6)  sequence (2)
//   [address 4 (6)]  [QoS control (2)  [HT control (4)]]  LLC ...
//
//   frame control: version (2 bits)  type (2)  subtype (4)
//                  to DS, from DS, more fragments, retry, power, more data, protected, order
#include "decode/layers.h"

namespace thymus::decode {
namespace {

constexpr uint8_t kVersionAndType = 0x0f, kData = 0x08, kNoData = 0x40, kQos = 0x80;
constexpr uint8_t kToDs = 0x01, kFromDs = 0x02, kMoreFragments = 0x04, kProtected = 0x40,
                  kOrder = 0x80;

void set_stations(PacketView& view, const uint8_t* source, const uint8_t* destination) {
  std::memcpy(view.src_mac.data(), source, 6);
  std::memcpy(view.dst_mac.data(), destination, 6);
  view.has_mac = true;
}

// One frame that holds several, each with a header like Ethernet's; the first speaks for all.
bool decode_aggregate(Walk& walk, Layer layer) {
  constexpr size_t kDestination = 0, kSource = 6, kLength = 12;
  Header<14> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kRadioPktTooSmall);
  set_stations(walk.view, header.at<kSource, 6>(), header.at<kDestination, 6>());
  layer.limit(std::min<uint32_t>(header.be16<kLength>(), layer.wire_bytes()));
  return decode_llc(walk, layer);
}

bool decode_data(Walk& walk, Layer layer, uint8_t subtype, uint8_t flags) {
  constexpr size_t kAddress1 = 4, kAddress2 = 10, kAddress3 = 16, kSequence = 22;
  constexpr uint16_t kFragmentNumber = 0x000f, kHasAggregate = 0x0080;
  Header<24> header;
  if (!header.read(layer.reader)) return walk.broken(Anomaly::kRadioPktTooSmall);
  const bool is_fragment =
      (flags & kMoreFragments) || (header.le16<kSequence>() & kFragmentNumber) != 0;
  if ((subtype & kNoData) || (flags & kProtected) || is_fragment) return false;

  const uint8_t* source = header.at<kAddress2, 6>();
  const uint8_t* destination = header.at<kAddress1, 6>();
  Header<6> address4;
  if (flags & kFromDs) source = header.at<kAddress3, 6>();
  if (flags & kToDs) destination = header.at<kAddress3, 6>();
  if ((flags & kToDs) && (flags & kFromDs)) {
    if (!address4.read(layer.reader)) return walk.broken(Anomaly::kRadioPktTooSmall);
    source = address4.at<0, 6>();
  }
  set_stations(walk.view, source, destination);
  const uint16_t qos = subtype & kQos ? layer.reader.le16() : uint16_t{0};
  if ((subtype & kQos) && (flags & kOrder)) layer.reader.skip(4);
  if (!layer.reader.ok()) return walk.broken(Anomaly::kRadioPktTooSmall);
  return qos & kHasAggregate ? decode_aggregate(walk, layer) : decode_llc(walk, layer);
}

}  // namespace

bool decode_ieee80211(Walk& walk, Layer layer) {
  const uint8_t first = layer.reader.peek_u8(0), second = layer.reader.peek_u8(1);
  if ((first & kVersionAndType) == kData) return decode_data(walk, layer, first, second);
  // Wireless controllers send the two bytes the other way round.
  if ((second & kVersionAndType) == kData) return decode_data(walk, layer, second, first);
  return false;
}

}  // namespace thymus::decode
