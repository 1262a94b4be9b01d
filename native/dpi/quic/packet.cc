#include "dpi/quic/packet.h"

#include "dpi/quic/version.h"

namespace thymus::dpi::quic {
namespace {

constexpr size_t kMaxConnectionIdBytes = 20;

PacketType type_of(uint8_t first, uint32_t version) {
  constexpr PacketType kV1Types[] = {PacketType::kInitial, PacketType::kZeroRtt,
                                     PacketType::kHandshake, PacketType::kRetry};
  constexpr PacketType kV2Types[] = {PacketType::kRetry, PacketType::kInitial, PacketType::kZeroRtt,
                                     PacketType::kHandshake};
  const size_t bits = first >> 4 & 3;
  return version == kV2 ? kV2Types[bits] : kV1Types[bits];
}

bool is_reserved(uint32_t version) { return (version & 0x0f0f0f0f) == 0x0a0a0a0a; }

// Versions of which a server offers a list; reserved ones are in it to keep clients tolerant.
bool is_plausible_offer(uint32_t version) {
  return is_known(version) || is_reserved(version) || version >> 24 == 0xff;
}

bool read_offers(Reader* r) {
  const size_t bytes = r->remaining();
  if (bytes == 0 || bytes % 4 != 0) return false;
  bool any = false;
  while (!r->empty()) any |= is_plausible_offer(r->be32());
  return any;
}

}  // namespace

uint64_t read_varint(Reader* r) {
  const uint8_t first = r->u8();
  uint64_t value = first & 0x3f;
  for (int more = (1 << (first >> 6)) - 1; more > 0; --more) value = value << 8 | r->u8();
  return value;
}

bool read_long_header(Bytes datagram, LongHeader* header) {
  Reader r(datagram);
  const uint8_t first = r.u8();
  header->version = r.be32();
  header->destination = r.take(r.u8());
  header->source = r.take(r.u8());
  if (!r.ok() || (first & 0x80) == 0 || header->destination.size() > kMaxConnectionIdBytes ||
      header->source.size() > kMaxConnectionIdBytes) {
    return false;
  }
  if (header->version == 0) {
    header->type = PacketType::kVersionNegotiation;
    header->size = datagram.size();
    return read_offers(&r);
  }
  const bool is_readable = !initial_salt(header->version).empty();
  if ((first & 0x40) == 0 || (!is_readable && !is_reserved(header->version))) return false;
  header->type = is_readable ? type_of(first, header->version) : PacketType::kReserved;
  if (header->type == PacketType::kRetry) {
    header->size = datagram.size();
    return true;
  }
  if (header->type == PacketType::kInitial || header->type == PacketType::kReserved) {
    const uint64_t token_bytes = read_varint(&r);
    if (token_bytes > r.remaining()) return false;
    r.skip(token_bytes);
  }
  const uint64_t length = read_varint(&r);
  header->number_at = r.offset();
  // A datagram that the snap length cut is as long as it is.
  header->size = r.offset() + r.take_up_to(length).size();
  if (header->type == PacketType::kReserved) return r.ok() && length >= 1100 && r.empty();
  return r.ok() && length >= 20;
}

}  // namespace thymus::dpi::quic
