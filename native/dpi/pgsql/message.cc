#include "dpi/pgsql/message.h"

#include <string_view>

namespace thymus::dpi::pgsql {
namespace {

constexpr uint32_t kMaxMessageBytes = 1 << 30;
constexpr size_t kMaxHeadBytes = 4096;  // of a message's start that is read

bool is_client_type(uint8_t type) {
  return std::string_view("BCDEFHPQSXcdfp").find(static_cast<char>(type)) != std::string_view::npos;
}
bool is_server_type(uint8_t type) {
  return std::string_view("123ACDEGHIKNRSTVWZcdnstv").find(static_cast<char>(type)) !=
         std::string_view::npos;
}

// The messages that begin a connection have no type; their first byte is zero, being the highest of
// a small length.
Frame measure_start(Reader r) {
  constexpr uint32_t kLeast = 8, kMost = 10'000;
  if (r.remaining() < kLengthBytes) return {};
  const uint32_t length = r.be32();
  return length >= kLeast && length <= kMost ? Frame::of(length, kMaxHeadBytes) : Frame::broken();
}

Frame measure_typed(Reader r) {
  const uint8_t type = r.u8();
  if (r.remaining() < kLengthBytes) return {};
  const uint32_t length = r.be32();
  if (length < kLengthBytes || length > kMaxMessageBytes) return Frame::broken();
  const bool is_row = type == 'D' || type == 'd';
  return Frame::of(kTypeBytes + length, is_row ? kRowHeadBytes : kMaxHeadBytes);
}

}  // namespace

Frame measure_client(Bytes all) {
  const Reader r(all);
  if (r.peek_u8() == 0) return measure_start(r);
  return is_client_type(r.peek_u8()) ? measure_typed(r) : Frame::broken();
}

Frame measure_server(Bytes all) {
  const Reader r(all);
  return is_server_type(r.peek_u8()) ? measure_typed(r) : Frame::broken();
}

bool is_start(const Segment& first) {
  Reader r(first.data);
  const uint32_t length = r.be32();
  const uint32_t code = r.be32();
  if (!r.ok() || length != first.data.size()) return false;
  if (code == kSslRequest || code == kGssRequest) return length == 8;
  if (code == kCancelRequest) return length == 16;
  const bool ends = first.data.back() == 0;
  return (code == kVersion3 || code == kVersion32) && ends &&
         as_text(r.rest()).find(std::string_view("user\0", 5)) != std::string_view::npos;
}

}  // namespace thymus::dpi::pgsql
