// TLS 1.0 to 1.3 (RFC 2246, 4346, 5246, 8446), SSL 3.0 (RFC 6101) and the hellos of SSL 2.0.
//
//   record:     type (8) | version (16) | length (16) | fragment
//   handshake:  type (8) | length (24) | body        over one or more fragments
#include "dpi/parser.h"
#include "dpi/tls/hello.h"
#include "dpi/tls/record.h"
#include "dpi/tls/session.h"

namespace thymus::dpi::tls {
namespace {

constexpr uint16_t kPorts[] = {443, 465, 563, 636, 853, 989, 990, 992, 993, 995, 5061, 8443};
constexpr std::string_view kFirstBytes =
    "\x14\x15\x16\x17\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f";

bool is_likely_record(Bytes data) {
  const RecordHeader header = read_header(data);
  if (data.size() < kRecordHeaderBytes || !header.is_sound()) return false;
  Reader r(data);
  r.skip(kRecordHeaderBytes);
  switch (header.type) {
    case record_type::kHandshake: {
      const uint8_t type = r.u8();
      const uint32_t length = r.be24();
      return r.ok() && header.length >= kMessageHeaderBytes &&
             (type == handshake_type::kClientHello || type == handshake_type::kServerHello) &&
             length > 34 && length <= kMaxMessageBytes;
    }
    case record_type::kAlert:
      // Encrypted it stands alone, at the end of what was seen from midway.
      if (header.length > 2) return r.remaining() == header.length && header.length <= 256;
      return header.length == 2 && r.remaining() >= 2 && (r.peek_u8() == 1 || r.peek_u8() == 2);
    case record_type::kChangeCipherSpec:
      return header.length == 1 && r.peek_u8() == 1;
    case record_type::kApplicationData: {
      // Found midway: the next record must be one, too, where it is there.
      const size_t next = kRecordHeaderBytes + header.length;
      if (header.length < 16) return false;
      if (data.size() < next + 3) return data.size() <= next;
      const Bytes behind = data.subspan(next);
      return RecordHeader{behind[0], load_be16(behind.data() + 1), 0}.has_known_type() &&
             behind[1] == 3;
    }
    default:
      return false;
  }
}

Likelihood probe(const Segment& first) {
  return is_likely_record(first.data) ||
                 (first.data.size() >= 11 && is_sslv2_client_hello(first.data))
             ? Likelihood::kLikely
             : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* tls = static_cast<State*>(state);
  if (tls->directions[0].framing == Framing::kUnknown &&
      tls->directions[1].framing == Framing::kUnknown && context->flow_app != AppId::kFailed &&
      context->flow_app != AppId::kTls) {
    tls->from = context->flow_app;
  }
  return Session(tls, segment.from_originator, context).on_segment(segment.data);
}

bool on_gap(void* state, bool from_originator, Context* context) {
  auto* tls = static_cast<State*>(state);
  Direction& d = tls->directions[from_originator ? 0 : 1];
  if (d.framing == Framing::kSslv2) return false;
  context->buffers->clear(from_originator ? 0 : 1);
  d.is_lost = true;
  d.header_bytes = 0;
  d.left = 0;
  d.skip_bytes = 0;
  return true;
}

void on_end(void* state, Context* context) {
  Session session(static_cast<State*>(state), true, context);
  if (session.has_something_to_write()) session.write_event();
}

}  // namespace
}  // namespace thymus::dpi::tls

namespace thymus::dpi {

extern const Parser kTls;

const Parser kTls{
    .app = AppId::kTls,
    .state_bytes = sizeof(tls::State),
    .over_tcp = true,
    .over_udp = false,
    .probe = tls::probe,
    .on_data = tls::on_data,
    .on_gap = tls::on_gap,
    .on_end = tls::on_end,
    .first_bytes = tls::kFirstBytes,
    .ports = tls::kPorts,
};

}  // namespace thymus::dpi
