#include "flow/echo_data.h"

#include "base/bytes.h"
#include "base/hash.h"

namespace thymus::flow {
namespace {

// Times of `ping` take up to 16 bytes, numbers and magic words of others some more.
constexpr size_t kStampBytes = 24;
// The usual request has 56 bytes.
constexpr size_t kComparedBytes = 32;

constexpr uint8_t kEchoRequest = 8, kEchoRequestV6 = 128;

bool is_request(const decode::PacketView& view) {
  namespace ip = decode::ip_protocol;
  return (view.protocol == ip::kIcmp && view.icmp_type == kEchoRequest) ||
         (view.protocol == ip::kIcmpV6 && view.icmp_type == kEchoRequestV6);
}

}  // namespace

void note_echo_data(const decode::PacketView& view, int dir, Flow* flow) {
  if (!is_request(view) || view.payload_bytes < kStampBytes + kComparedBytes) return;
  const Bytes data = view.payload().subspan(kStampBytes, kComparedBytes);
  const auto mark = static_cast<uint32_t>(siphash24(data, kReplayHashKey)) | 1;
  Direction& d = flow->direction[dir];
  const bool is_first = d.echo_mark() == 0;
  d.set_echo(mark, is_first || d.echo_mark() == mark ? 0 : d.echo_changes() + 1);
  if (d.echo_changes() >= kVaryingEchoes) flow->flags |= flow_flag::kVaryingEcho;
}

}  // namespace thymus::flow
