#include "dpi/quic/google.h"

#include <algorithm>

#include "dpi/quic/version.h"

namespace thymus::dpi::quic {
namespace {

constexpr uint32_t kQ044 = 0x51303434;
constexpr size_t kHashBytes = 12;  // seal of a packet that is not encrypted
constexpr std::string_view kClientHello = "CHLO";

}  // namespace

bool read_google_packet(Bytes datagram, GooglePacket* packet) {
  constexpr uint8_t kVersionFlag = 0x01;
  constexpr uint8_t kConnectionIdFlag = 0x08;
  constexpr size_t kNumberBytes[] = {1, 2, 4, 6};
  Reader r(datagram);
  const uint8_t first = r.u8();
  if ((first & 0xc0) == 0xc0) {
    packet->version = r.be32();
    if (packet->version < kQ044) return false;
    const uint8_t id_lengths = r.u8();  // four bits each, of which 0 means none
    for (const int bits : {id_lengths >> 4, id_lengths & 15}) {
      r.skip(bits == 0 ? 0 : static_cast<size_t>(bits) + 3);
    }
    r.skip(1 + size_t{first & 3u});
  } else {
    if ((first & 0xc0) != 0 || (first & kVersionFlag) == 0 || (first & kConnectionIdFlag) == 0) {
      return false;
    }
    r.skip(8);
    packet->version = r.be32();
    if (packet->version >= kQ044) return false;
    r.skip(kNumberBytes[first >> 4 & 3]);
  }
  r.skip(kHashBytes);
  packet->frames = r.rest();
  return r.ok() && is_plain_google(packet->version);
}

// It stands at the start of the first stream, behind few and short frames.
Bytes find_client_hello(Bytes frames) {
  constexpr size_t kMaxBefore = 256;
  const std::string_view text = as_text(frames);
  const size_t at = text.substr(0, kMaxBefore).find(kClientHello);
  return at == std::string_view::npos ? Bytes{} : frames.subspan(at);
}

bool read_google_hello(Bytes message, GoogleHello* hello) {
  Reader r(message);
  if (as_text(r.take(kClientHello.size())) != kClientHello) return false;
  const size_t n_tags = r.le16();
  r.skip(2);
  Reader index(r.take(8 * n_tags));
  if (!r.ok() || n_tags > GoogleHello::kMaxTags) return false;
  const Bytes values = r.rest();
  size_t begin = 0;
  for (size_t i = 0; i < n_tags; ++i) {
    const Bytes tag = index.take(4);
    const size_t end = index.le32();
    const std::string_view text = as_text(tag);
    hello->tag_bytes[i] = static_cast<uint8_t>(std::min(text.find('\0'), text.size()));
    std::ranges::copy(text, hello->tags[i].begin());
    ++hello->n_tags;
    if (end < begin || end > values.size()) return true;  // the rest is cut
    const Bytes value = values.subspan(begin, end - begin);
    if (text.starts_with("SNI")) hello->server_name = value;
    if (text == "UAID") hello->user_agent = value;
    begin = end;
  }
  return true;
}

}  // namespace thymus::dpi::quic
