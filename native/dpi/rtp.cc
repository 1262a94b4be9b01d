// RTP and RTCP (RFC 3550), known by content alone.
//
//   RTP:  |V=2|P|X|  CC   |M|     PT      |       sequence number         | timestamp | SSRC |
//   RTCP: |V=2|P|   count |  PT=200..207  | length in words, less one     | SSRC | ...
//
// One RTP datagram says little; RFC 3550 A.1 wants packets of one source in sequence. A compound
// RTCP datagram consists of packets whose lengths add up to it (A.2). In a stream each packet
// follows its length in 16 bits (RFC 4571).
#include <algorithm>
#include <array>

#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

constexpr uint16_t kFirstFreePort = 1024;
constexpr uint16_t kMaxStep = 100;  // of sequence numbers between datagrams (A.1: MAX_MISORDER)
constexpr uint8_t kInSequence = 2;  // datagrams that must follow the first one (A.1)

// ---- RTP

struct Header {
  uint8_t flags = 0;
  uint8_t payload_type = 0;
  uint16_t sequence = 0;
  uint32_t timestamp = 0;
  uint32_t ssrc = 0;
};

// The part that every packet has.
bool read_fixed(Reader* r, Header* out) {
  out->flags = r->u8();
  out->payload_type = r->u8() & 0x7f;
  out->sequence = r->be16();
  out->timestamp = r->be32();
  out->ssrc = r->be32();
  // 35 to 71 are not assigned, 72 to 76 would be RTCP (RFC 3551 section 6).
  const bool known_type = out->payload_type < 35 || out->payload_type >= 96;
  return r->ok() && out->flags >> 6 == 2 && known_type;
}

bool read_datagram(Bytes data, Header* out) {
  Reader r(data);
  const bool is_rtp = read_fixed(&r, out);
  r.skip(size_t{out->flags & 0xfu} * 4);
  if (out->flags & 0x10) {
    r.skip(2);
    r.skip(size_t{r.be16()} * 4);
  }
  return is_rtp && r.ok() && out->ssrc != 0;
}

struct Source {
  uint32_t ssrc;
  uint16_t sequence;
  uint8_t n_in_sequence;
  uint8_t payload_type;
  bool is_known;
};

struct RtpState {
  Source sources[2];
  uint8_t n_strange;
  bool was_announced;
};

Likelihood probe_rtp(const Segment& first) {
  Header header;
  if (first.src_port < kFirstFreePort || first.dst_port < kFirstFreePort) return Likelihood::kNo;
  return read_datagram(first.data, &header) ? Likelihood::kMaybe : Likelihood::kNo;
}

// One more packet of a source that is known by its packets alone.
Answer follow(const Header& header, Source* source) {
  const auto step = static_cast<uint16_t>(header.sequence - source->sequence);
  if (!source->is_known) {
    *source = {header.ssrc, header.sequence, 0, header.payload_type, true};
    return Answer::kNeedMore;
  }
  if (header.ssrc != source->ssrc || step > kMaxStep) return Answer::kReject;
  source->sequence = header.sequence;
  if (step > 0) ++source->n_in_sequence;
  return source->n_in_sequence >= kInSequence ? Answer::kDone : Answer::kNeedMore;
}

void on_expected_rtp(void* state, Bytes) { static_cast<RtpState*>(state)->was_announced = true; }

Answer on_rtp(void* state, const Segment& segment, Context*) {
  constexpr uint8_t kMaxStrange = 3;
  auto* s = static_cast<RtpState*>(state);
  Source& source = s->sources[segment.from_originator ? 0 : 1];
  Header header;
  if (!read_datagram(segment.data, &header)) {
    return s->was_announced && ++s->n_strange <= kMaxStrange ? Answer::kNeedMore : Answer::kReject;
  }
  return s->was_announced ? Answer::kDone : follow(header, &source);
}

// ---- RTP in a stream

constexpr size_t kFixedBytes = 12;
constexpr size_t kLengthBytes = 2;

struct StreamState {
  Source sources[2];
  uint16_t skip_bytes[2];  // of a packet whose header was read
};

Likelihood probe_stream(const Segment& first) {
  Reader r(first.data);
  Header header;
  const size_t length = r.be16();
  if (length < kFixedBytes || !read_fixed(&r, &header)) return Likelihood::kNo;
  r.skip(length - kFixedBytes);
  if (!r.ok() || r.remaining() < kLengthBytes + kFixedBytes) return Likelihood::kMaybe;
  r.skip(kLengthBytes);
  return read_fixed(&r, &header) ? Likelihood::kMaybe : Likelihood::kNo;
}

// The bytes of a packet's start; 0: more is needed.
size_t take_start(Bytes all, Source* source, uint16_t* skip_bytes, Answer* answer) {
  Reader r(all);
  const uint16_t length = r.be16();
  if (length == 0) return all.size() < kLengthBytes ? 0 : kLengthBytes;
  if (all.size() < kLengthBytes + std::min<size_t>(length, kFixedBytes)) return 0;
  Header header;
  if (length < kFixedBytes || !read_fixed(&r, &header)) {
    *answer = Answer::kReject;
    return all.size();
  }
  *skip_bytes = static_cast<uint16_t>(length - kFixedBytes);
  *answer = follow(header, source);
  return kLengthBytes + kFixedBytes;
}

Answer on_stream(void* state, const Segment& segment, Context* context) {
  auto* s = static_cast<StreamState*>(state);
  const int side = segment.from_originator ? 0 : 1;
  Answer answer = Answer::kNeedMore;
  const bool kept = take_messages(context, side, segment.data, [&](Bytes all) -> size_t {
    uint16_t& skip = s->skip_bytes[side];
    if (answer != Answer::kNeedMore) return all.size();
    if (skip == 0) return take_start(all, &s->sources[side], &skip, &answer);
    const size_t n = std::min<size_t>(skip, all.size());
    skip = static_cast<uint16_t>(skip - n);
    return n;
  });
  return kept ? answer : Answer::kReject;
}

// ---- RTCP

bool is_compound(Bytes data) {
  Reader r(data);
  bool is_first = true;
  while (!r.empty()) {
    const uint8_t flags = r.u8();
    const uint8_t type = r.u8();
    const size_t words = r.be16();
    r.skip(words * 4);
    if (!r.ok() || flags >> 6 != 2 || type < 200 || type > 207) return false;
    // A compound packet begins with a report and is not padded there.
    if (is_first && (type > 201 || (flags & 0x20) != 0 || words == 0)) return false;
    is_first = false;
  }
  return !is_first;
}

Likelihood probe_rtcp(const Segment& first) {
  return is_compound(first.data) ? Likelihood::kLikely : Likelihood::kNo;
}

struct RtcpState {
  bool was_announced;
};

void on_expected_rtcp(void* state, Bytes) { static_cast<RtcpState*>(state)->was_announced = true; }

// SRTCP (RFC 3711, 3.4) leaves the header of the first report in the clear, and nothing behind it.
bool is_report(Bytes data) {
  Reader r(data);
  const uint8_t flags = r.u8();
  const uint8_t type = r.u8();
  r.skip(size_t{r.be16()} * 4);
  return r.ok() && flags >> 6 == 2 && (type == 200 || type == 201);
}

Answer on_rtcp(void* state, const Segment& segment, Context*) {
  const bool was_announced = static_cast<RtcpState*>(state)->was_announced;
  return is_compound(segment.data) || (was_announced && is_report(segment.data)) ? Answer::kDone
                                                                                 : Answer::kReject;
}

}  // namespace

extern const Parser kRtp;
extern const Parser kRtpTcp;
extern const Parser kRtcp;

const Parser kRtp{
    .app = AppId::kRtp,
    .state_bytes = sizeof(RtpState),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe_rtp,
    .on_data = on_rtp,
    .first_bytes =
        "\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f"
        "\x90\x91\xa0\xb0",
    .on_expected = on_expected_rtp,
};
const Parser kRtpTcp{
    .app = AppId::kRtp,
    .state_bytes = sizeof(StreamState),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe_stream,
    .on_data = on_stream,
    // Of a length that fits a frame of Ethernet.
    .first_bytes = std::string_view("\0\1\2\3\4\5", 6),
};
const Parser kRtcp{
    .app = AppId::kRtcp,
    .state_bytes = sizeof(RtcpState),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe_rtcp,
    .on_data = on_rtcp,
    .first_bytes = "\x80\x81\x82\x83\x84",
    .on_expected = on_expected_rtcp,
};

}  // namespace thymus::dpi
