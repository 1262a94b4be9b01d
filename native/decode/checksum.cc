#include "decode/checksum.h"

#include <array>

namespace thymus::decode {
namespace {

constexpr uint16_t kValid = 0xffff;

uint16_t fold(uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

// Addresses, protocol and length (RFC 9293, section 3.1; RFC 8200, section 8.1). The mapped form of
// an IPv4 address sums up as its four bytes do, for ffff is the zero of this sum.
uint64_t pseudo_header_sum(const PacketView& view, uint32_t length) {
  const uint64_t addresses = uint64_t{internet_sum(view.src.bytes)} + internet_sum(view.dst.bytes);
  return addresses + view.protocol + length;
}

constexpr std::array<uint32_t, 256> make_crc32c_table() {
  constexpr uint32_t kReversedPolynomial = 0x82f63b78;
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kReversedPolynomial : 0);
    table[byte] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrc32cTable = make_crc32c_table();

uint32_t crc32c_update(uint32_t crc, Bytes bytes) {
  for (const uint8_t byte : bytes) crc = crc >> 8 ^ kCrc32cTable[(crc ^ byte) & 0xff];
  return crc;
}

void note_bad(Walk& walk, Anomaly anomaly) {
  walk.view.bad_checksum = true;
  walk.view.add_anomaly(anomaly);
}

}  // namespace

// Four bytes at a time into 64 bits: no carry is lost below 2^32 rounds, and the order of bytes in
// a word is undone by the fold (RFC 1071, section 2).
uint16_t internet_sum(Bytes bytes, uint64_t sum) {
  Reader reader(bytes);
  while (reader.remaining() >= 4) sum += reader.be32();
  if (reader.remaining() >= 2) sum += reader.be16();
  if (!reader.empty()) sum += static_cast<uint32_t>(reader.u8()) << 8;
  return fold(sum);
}

uint32_t crc32c(Bytes bytes) { return ~crc32c_update(0xffffffff, bytes); }

void verify_ipv4_header(Walk& walk, Extent packet, uint32_t header_bytes) {
  Reader reader(walk.bytes(packet));
  const Bytes header = reader.take(header_bytes);
  if (reader.ok() && internet_sum(header) != kValid) note_bad(walk, Anomaly::kBadIpChecksum);
}

void verify_transport(Walk& walk, Extent segment, Anomaly anomaly) {
  if (!segment.is_whole()) return;
  const uint64_t start = pseudo_header_sum(walk.view, segment.wire_bytes());
  if (internet_sum(walk.bytes(segment), start) != kValid) note_bad(walk, anomaly);
}

void verify_icmp(Walk& walk, Extent message) {
  if (!message.is_whole()) return;
  if (internet_sum(walk.bytes(message)) != kValid) note_bad(walk, Anomaly::kBadIcmpChecksum);
}

//   ports (4)  verification tag (4)  checksum (4, little-endian, zero while it is computed)
void verify_sctp(Walk& walk, Extent packet) {
  constexpr uint8_t kZero[4] = {};
  if (!packet.is_whole()) return;
  Reader reader(walk.bytes(packet));
  const Bytes before = reader.take(8);
  const uint32_t stated = reader.le32();
  uint32_t crc = crc32c_update(0xffffffff, before);
  crc = crc32c_update(crc, kZero);
  crc = ~crc32c_update(crc, reader.rest());
  if (reader.ok() && crc != stated) note_bad(walk, Anomaly::kBadSctpChecksum);
}

}  // namespace thymus::decode
