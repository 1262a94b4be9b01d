// DTLS (RFC 6347, RFC 9147), known by its records; no handshake is needed, so that a flow is known
// in the middle of a session too. STUN (RFC 8489), known by its patterns, often opens the path for
// DTLS on the same ports (RFC 5764), so its flows are watched for a while and handed over.
//
//   record: | type | version | epoch | sequence number | length | fragment |
//              1        2        2            6            2
#include "dpi/parser.h"
#include "dpi/pattern.h"

namespace thymus::dpi {
namespace {

constexpr uint8_t kChangeCipherSpec = 20;   // the least of the content types
constexpr uint8_t kConnectionId = 25;       // RFC 9146
constexpr uint16_t kDraftVersion = 0x0100;  // of OpenSSL 0.9.8, still spoken by VPN gateways
constexpr uint16_t kDtls10 = 0xfeff;
constexpr uint16_t kDtls12 = 0xfefd;
constexpr size_t kMaxFragmentBytes = (size_t{1} << 14) + 2048;
constexpr uint16_t kMaxEpoch = 255;  // of rekeyed sessions; more are not seen

// A record at `*r`, which moves behind it. What is behind a record of a connection id cannot be
// told, its header being longer.
bool skip_record(Reader* r, size_t cut_bytes) {
  const uint8_t type = r->u8();
  const uint16_t version = r->be16();
  const uint16_t epoch = r->be16();
  r->skip(6);
  if (type == kConnectionId) {
    r->take_up_to(SIZE_MAX);
    return r->ok() && version == kDtls12 && epoch > 0 && epoch <= kMaxEpoch;
  }
  const size_t length = r->be16();
  const bool fits = length <= r->remaining() + cut_bytes;
  r->take_up_to(length);
  const bool known_version =
      version == kDtls10 || version == kDtls12 || (version == kDraftVersion && epoch > 0);
  return r->ok() && fits && known_version && type >= kChangeCipherSpec && type < kConnectionId &&
         epoch <= kMaxEpoch && length > 0 && length <= kMaxFragmentBytes;
}

// The whole datagram consists of records.
bool is_dtls(const Segment& segment) {
  Reader r(segment.data);
  bool all = !r.empty();
  while (all && !r.empty()) all = skip_record(&r, segment.cut_bytes);
  return all;
}

Likelihood probe_dtls(const Segment& first) {
  return is_dtls(first) ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_dtls(void*, const Segment& segment, Context*) {
  return is_dtls(segment) ? Answer::kDone : Answer::kReject;
}

// ---- STUN

struct StunState {
  uint16_t n_datagrams;
};

constexpr uint16_t kMaxWatched = 256;  // datagrams of a flow

const Pattern* stun_pattern(const Segment& segment) {
  const Pattern* pattern = match_pattern(segment);
  return pattern != nullptr && pattern->app == AppId::kStun ? pattern : nullptr;
}

Likelihood probe_stun(const Segment& first) {
  const Pattern* pattern = stun_pattern(first);
  if (pattern == nullptr) return Likelihood::kNo;
  return pattern->bits() >= Pattern::kEvidenceBits ? Likelihood::kLikely : Likelihood::kMaybe;
}

Answer on_stun(void* state, const Segment& segment, Context* context) {
  auto* s = static_cast<StunState*>(state);
  if (s->n_datagrams == 0 && stun_pattern(segment) == nullptr) return Answer::kReject;
  if (s->n_datagrams > 0 && is_dtls(segment)) {
    context->next = AppId::kDtls;
    context->next_bytes = segment.data.size();
    return Answer::kHandOver;
  }
  return ++s->n_datagrams < kMaxWatched ? Answer::kAccept : Answer::kDone;
}

}  // namespace

extern const Parser kDtls;
extern const Parser kStun;

const Parser kDtls{
    .app = AppId::kDtls,
    .state_bytes = 1,
    .over_tcp = false,
    .over_udp = true,
    .probe = probe_dtls,
    .on_data = on_dtls,
    .first_bytes = "\x14\x15\x16\x17\x18\x19",
};
const Parser kStun{
    .app = AppId::kStun,
    .state_bytes = sizeof(StunState),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe_stun,
    .on_data = on_stun,
    .first_bytes = {"\x00\x01", 2},
};

}  // namespace thymus::dpi
