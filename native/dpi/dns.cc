// DNS over UDP (RFC 1035) and over TCP, where each message follows its length in 16 bits
// (RFC 7766). Two parsers, because a datagram needs no buffer.
#include <algorithm>
#include <array>
#include <cstring>

#include "base/bytes.h"
#include "dpi/dns_message.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

constexpr uint16_t kDnsPort = 53;
constexpr uint16_t kPorts[] = {kDnsPort};
// Protocols that share the format: NetBIOS names, multicast DNS, LLMNR.
constexpr uint16_t kOtherUdpPorts[] = {137, 5353, 5355};
constexpr size_t kPrefixBytes = 2;

DnsMessage message_of(const Segment& segment, Bytes bytes, size_t wire_bytes) {
  const bool from_port = segment.src_port == kDnsPort;
  const bool to_port = segment.dst_port == kDnsPort;
  return {bytes, wire_bytes, from_port && !to_port, to_port && !from_port};
}

// ---- UDP

DnsMessage datagram_of(const Segment& segment) {
  return message_of(segment, segment.data, segment.data.size() + segment.cut_bytes);
}

struct UdpState {
  uint64_t n_messages;
};

Likelihood probe_udp(const Segment& first) {
  for (const uint16_t port : kOtherUdpPorts) {
    if (first.has_port(port)) return Likelihood::kNo;
  }
  return judge_dns(datagram_of(first), first.has_port(kDnsPort));
}

Answer on_datagram(void* state, const Segment& segment, Context* context) {
  EventWriter* events = context->events;
  auto* udp = static_cast<UdpState*>(state);
  DnsFaults faults;
  if (write_dns_message(datagram_of(segment), udp->n_messages, events, &faults)) {
    ++udp->n_messages;
    return Answer::kAccept;
  }
  if (udp->n_messages == 0) return Answer::kReject;
  faults.write(events);
  return Answer::kAccept;
}

// ---- TCP

// A message that no segment holds whole is gathered here with its prefix. Of one that is longer
// than the buffer the start is read and the rest skipped.
struct Partial {
  uint32_t skip_bytes;  // of a message that was read already
  uint16_t size;
  bool is_lost;  // after a hole: where the next message begins is not known
  std::array<uint8_t, 2032> bytes;

  size_t needed() const {
    return size < kPrefixBytes ? kPrefixBytes : kPrefixBytes + load_be16(bytes.data());
  }
  bool is_whole() const { return size >= kPrefixBytes && size == needed(); }
  bool is_full() const { return size == bytes.size(); }
  void fill(Reader* from) {
    const size_t room = std::min(needed(), bytes.size()) - size;
    const Bytes taken = from->take_up_to(room);
    if (!taken.empty()) std::memcpy(bytes.data() + size, taken.data(), taken.size());
    size = static_cast<uint16_t>(size + taken.size());
  }
  Bytes message() const { return Bytes(bytes.data(), size).subspan(kPrefixBytes); }
};

struct TcpState {
  uint64_t n_messages;
  Partial partial[2];  // originator's, responder's
};
static_assert(sizeof(TcpState) <= kMaxParserStateBytes);

Likelihood probe_tcp(const Segment& first) {
  Reader r(first.data);
  const bool on_dns_port = first.has_port(kDnsPort);
  const size_t length = r.be16();
  if (r.ok() && length < DnsHeader::kBytes) return Likelihood::kNo;
  if (!r.ok() || r.remaining() < length) {
    return on_dns_port ? Likelihood::kMaybe : Likelihood::kNo;
  }
  return judge_dns(message_of(first, r.take(length), length), on_dns_port);
}

// One message whose framing is known. Framing that yields no DNS is lost for good.
Answer on_message(TcpState* tcp, const DnsMessage& message, EventWriter* events) {
  if (tcp->n_messages == 0 && judge_dns(message, true) == Likelihood::kNo) return Answer::kReject;
  DnsFaults faults;
  if (write_dns_message(message, tcp->n_messages, events, &faults)) {
    ++tcp->n_messages;
    return Answer::kAccept;
  }
  if (tcp->n_messages > 0) faults.write(events);
  return Answer::kReject;
}

// Gathers bytes of a message that began in an earlier segment or goes on in a later one.
Answer on_partial(TcpState* tcp, const Segment& segment, Reader* from, EventWriter* events) {
  Partial& partial = tcp->partial[segment.from_originator ? 0 : 1];
  partial.fill(from);
  if (!partial.is_whole() && !partial.is_full()) {
    return tcp->n_messages > 0 ? Answer::kAccept : Answer::kNeedMore;
  }
  partial.skip_bytes = static_cast<uint32_t>(partial.needed() - partial.size);
  const size_t wire_bytes = partial.needed() - kPrefixBytes;
  const Answer answer = on_message(tcp, message_of(segment, partial.message(), wire_bytes), events);
  partial.size = 0;
  return answer;
}

// After a hole messages are looked for at the starts of segments, where most of them begin.
bool find_message(const Segment& segment, Partial* partial) {
  if (probe_tcp(segment) == Likelihood::kLikely) partial->is_lost = false;
  return !partial->is_lost;
}

Answer on_stream(void* state, const Segment& segment, Context* context) {
  EventWriter* events = context->events;
  auto* tcp = static_cast<TcpState*>(state);
  Partial& partial = tcp->partial[segment.from_originator ? 0 : 1];
  Answer answer = tcp->n_messages > 0 ? Answer::kAccept : Answer::kNeedMore;
  if (partial.is_lost && !find_message(segment, &partial)) return answer;
  Reader r(segment.data);
  while (!r.empty() && answer != Answer::kReject) {
    const size_t length = r.peek_be16();
    if (partial.skip_bytes > 0) {
      partial.skip_bytes -= static_cast<uint32_t>(r.take_up_to(partial.skip_bytes).size());
    } else if (partial.size == 0 && r.remaining() >= kPrefixBytes + length) {
      r.skip(kPrefixBytes);
      answer = on_message(tcp, message_of(segment, r.take(length), length), events);
    } else {
      answer = on_partial(tcp, segment, &r, events);
    }
  }
  return answer;
}

bool on_stream_gap(void* state, bool from_originator, Context*) {
  Partial& partial = static_cast<TcpState*>(state)->partial[from_originator ? 0 : 1];
  partial.skip_bytes = 0;
  partial.size = 0;
  partial.is_lost = true;
  return true;
}

}  // namespace

extern const Parser kDnsUdp;
extern const Parser kDnsTcp;

const Parser kDnsUdp{
    .app = AppId::kDns,
    .state_bytes = sizeof(UdpState),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe_udp,
    .on_data = on_datagram,
    .ports = kPorts,
};
const Parser kDnsTcp{
    .app = AppId::kDns,
    .state_bytes = sizeof(TcpState),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe_tcp,
    .on_data = on_stream,
    .on_gap = on_stream_gap,
    .ports = kPorts,
};

}  // namespace thymus::dpi
