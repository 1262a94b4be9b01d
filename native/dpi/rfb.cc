// RFB, the protocol of VNC (RFC 6143).
//
//   server: "RFB 003.008\n"                client: the same with its version
//   server: n type...  (3.3: u32 type)     client: the type it chose (not in 3.3)
//   type 2: server 16 bytes challenge      client: 16 bytes response
//   server: u32 result (3.8, or type 2), with a reason when it failed
//   client: u8 shared                      server: width height pixel format name
#include "base/generated/events/rfb.h"

#include <algorithm>
#include <array>

#include "dpi/parser.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

namespace ids = event::rfb;

constexpr uint16_t kPorts[] = {5900, 5901, 5902, 5903};
constexpr size_t kVersionBytes = 12;
constexpr size_t kSecretBytes = 16;
constexpr size_t kMaxTextBytes = 255;
constexpr uint32_t kMaxAnnouncedBytes = 1 << 20;
enum : uint8_t { kInvalidType = 0, kNoneType = 1, kVncType = 2 };

enum class Step : uint8_t {
  kServerVersion,
  kClientVersion,
  kTypes,
  kOldType,
  kChoice,
  kChallenge,
  kResponse,
  kResult,
  kReason,
  kClientInit,
  kServerInit,
  kOver,
};

struct PixelFormat {
  uint8_t bits_per_pixel, depth, is_big_endian, has_true_color;
  uint16_t red_max, green_max, blue_max;
  uint8_t red_shift, green_shift, blue_shift;
};

struct State {
  Step step;
  bool was_written;
  bool has_type, has_challenge, has_response, has_result, has_client_init, has_server_init;
  bool is_shared;
  std::array<char, kVersionBytes> versions[2];  // the server's, the client's
  uint8_t n_versions;
  uint8_t type;
  uint32_t result;
  std::array<uint8_t, kSecretBytes> challenge;
  std::array<uint8_t, kSecretBytes> response;
  uint16_t width, height;
  PixelFormat format;
  uint8_t text_bytes;  // of the reason or the name
  std::array<char, kMaxTextBytes> text;
};

bool is_version(Bytes bytes) {
  const std::string_view text = as_text(bytes);
  if (text.size() < kVersionBytes || !text.starts_with("RFB ") || text[7] != '.') return false;
  const auto digits = [text](size_t at) {
    return is_digit(text[at]) && is_digit(text[at + 1]) && is_digit(text[at + 2]);
  };
  return digits(4) && digits(8) && text[11] == '\n';
}

bool is_client_step(Step step) {
  return step == Step::kClientVersion || step == Step::kChoice || step == Step::kResponse ||
         step == Step::kClientInit;
}

int minor_version(const State& s) { return s.versions[1][10] - '0'; }

// Text behind its length in 32 bits; what is longer than is kept is skipped. False: more is needed.
bool take_text(State* s, Reader* r) {
  const uint32_t length = r->be32();
  const Bytes text = r->take(std::min(length, kMaxAnnouncedBytes));
  if (!r->ok()) return false;
  s->text_bytes = static_cast<uint8_t>(std::min(text.size(), kMaxTextBytes));
  std::copy_n(text.begin(), s->text_bytes, s->text.begin());
  return true;
}

Step after_type(const State& s) {
  if (s.type == kVncType) return Step::kChallenge;
  if (s.type == kNoneType) return minor_version(s) >= 8 ? Step::kResult : Step::kClientInit;
  return s.type == kInvalidType ? Step::kReason : Step::kOver;  // others encrypt, or are unknown
}

void take_version(State* s, Reader* r) {
  const Bytes version = r->take(kVersionBytes);
  if (!r->ok()) return;
  if (!is_version(version)) {
    r->fail();
    return;
  }
  std::copy(version.begin(), version.end(), s->versions[s->n_versions++].begin());
  if (s->n_versions == 1) {
    s->step = Step::kClientVersion;
  } else {
    s->step = minor_version(*s) >= 7 ? Step::kTypes : Step::kOldType;
  }
}

void take_secret(std::array<uint8_t, kSecretBytes>* secret, bool* has, Step next, State* s,
                 Reader* r) {
  const Bytes bytes = r->take(kSecretBytes);
  if (!r->ok()) return;
  std::copy(bytes.begin(), bytes.end(), secret->begin());
  *has = true;
  s->step = next;
}

void take_server_init(State* s, Reader* r) {
  s->width = r->be16();
  s->height = r->be16();
  PixelFormat& f = s->format;
  f.bits_per_pixel = r->u8();
  f.depth = r->u8();
  f.is_big_endian = r->u8();
  f.has_true_color = r->u8();
  f.red_max = r->be16();
  f.green_max = r->be16();
  f.blue_max = r->be16();
  f.red_shift = r->u8();
  f.green_shift = r->u8();
  f.blue_shift = r->u8();
  r->skip(3);
  if (!take_text(s, r)) return;
  s->has_server_init = true;
  s->step = Step::kOver;
}

// One message of the step under way. The reader has failed when it is not whole.
void take_step(State* s, Reader* r) {
  switch (s->step) {
    case Step::kServerVersion:
    case Step::kClientVersion:
      take_version(s, r);
      break;
    case Step::kTypes: {
      const uint8_t n = r->u8();
      r->skip(n);
      if (r->ok()) s->step = n == 0 ? Step::kReason : Step::kChoice;
      break;
    }
    case Step::kOldType:
    case Step::kChoice:
      s->type = s->step == Step::kChoice ? r->u8() : static_cast<uint8_t>(r->be32());
      if (!r->ok()) break;
      s->has_type = true;
      s->step = after_type(*s);
      break;
    case Step::kChallenge:
      take_secret(&s->challenge, &s->has_challenge, Step::kResponse, s, r);
      break;
    case Step::kResponse:
      take_secret(&s->response, &s->has_response, Step::kResult, s, r);
      break;
    case Step::kResult:
      s->result = r->be32();
      if (!r->ok()) break;
      s->has_result = true;
      s->step = s->result == 0           ? Step::kClientInit
                : minor_version(*s) >= 8 ? Step::kReason
                                         : Step::kOver;
      break;
    case Step::kReason:
      if (take_text(s, r)) s->step = Step::kOver;
      break;
    case Step::kClientInit:
      s->is_shared = r->u8() != 0;
      if (!r->ok()) break;
      s->has_client_init = true;
      s->step = Step::kServerInit;
      break;
    case Step::kServerInit:
      take_server_init(s, r);
      break;
    case Step::kOver:
      break;
  }
}

// ---- events

void put_version(const std::array<char, kVersionBytes>& version, uint16_t object, uint16_t major,
                 uint16_t minor, EventWriter* events) {
  events->open(object);
  events->put_text(major, {version.data() + 4, 3});
  events->put_text(minor, {version.data() + 8, 3});
  events->close();
}

void put_authentication(const State& s, EventWriter* events) {
  namespace auth = ids::authentication;
  events->open(ids::kAuthentication);
  if (s.has_type) events->put(auth::kSecurityType, s.type);
  if (s.type == kVncType) {
    events->open(auth::kVnc);
    if (s.has_challenge) events->put_bytes(auth::vnc::kChallenge, s.challenge);
    if (s.has_response) events->put_bytes(auth::vnc::kResponse, s.response);
    events->close();
  }
  if (s.has_result) {
    events->put_text(auth::kSecurityResult, s.result == 0   ? "OK"
                                            : s.result == 1 ? "FAIL"
                                            : s.result == 2 ? "TOOMANY"
                                                            : "UNKNOWN");
  }
  events->close();
}

void put_framebuffer(const State& s, EventWriter* events) {
  namespace fb = ids::framebuffer;
  namespace pf = fb::pixel_format;
  events->open(ids::kFramebuffer);
  events->put(fb::kWidth, s.width);
  events->put(fb::kHeight, s.height);
  events->put_text(fb::kName, {s.text.data(), s.text_bytes});
  events->open(fb::kPixelFormat);
  events->put(pf::kBitsPerPixel, s.format.bits_per_pixel);
  events->put(pf::kDepth, s.format.depth);
  events->put_bool(pf::kBigEndian, s.format.is_big_endian != 0);
  events->put_bool(pf::kTrueColor, s.format.has_true_color != 0);
  events->put(pf::kRedMax, s.format.red_max);
  events->put(pf::kGreenMax, s.format.green_max);
  events->put(pf::kBlueMax, s.format.blue_max);
  events->put(pf::kRedShift, s.format.red_shift);
  events->put(pf::kGreenShift, s.format.green_shift);
  events->put(pf::kBlueShift, s.format.blue_shift);
  events->close();
  events->close();
}

void write_event(State* s, EventWriter* events) {
  if (s->was_written || s->n_versions == 0) return;
  s->was_written = true;
  events->begin(event::kRfb, Side::kOriginator);
  put_version(s->versions[0], ids::kServerProtocolVersion, ids::server_protocol_version::kMajor,
              ids::server_protocol_version::kMinor, events);
  if (s->n_versions > 1) {
    put_version(s->versions[1], ids::kClientProtocolVersion, ids::client_protocol_version::kMajor,
                ids::client_protocol_version::kMinor, events);
  }
  put_authentication(*s, events);
  if (!s->has_server_init && s->text_bytes > 0) {
    events->put_text(ids::kServerSecurityFailureReason, {s->text.data(), s->text_bytes});
  }
  if (s->has_client_init) events->put_bool(ids::kScreenShared, s->is_shared);
  if (s->has_server_init) put_framebuffer(*s, events);
  events->end();
}

// ---- parser

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* s = static_cast<State*>(state);
  const bool kept = take_messages(
      context, segment.from_originator ? 0 : 1, segment.data, [&](Bytes all) -> size_t {
        if (s->step == Step::kOver || is_client_step(s->step) != segment.from_originator) return 0;
        Reader r(all);
        take_step(s, &r);
        return r.ok() ? r.offset() : 0;
      });
  if (s->step == Step::kOver) {
    write_event(s, context->events);
    return Answer::kDone;
  }
  if (kept && s->n_versions > 0) return Answer::kAccept;
  if (kept && segment.data.size() < kVersionBytes) return Answer::kNeedMore;
  write_event(s, context->events);
  return Answer::kReject;
}

void on_end(void* state, Context* context) {
  write_event(static_cast<State*>(state), context->events);
}

Likelihood probe(const Segment& first) {
  return is_version(first.data) ? Likelihood::kLikely : Likelihood::kNo;
}

}  // namespace

extern const Parser kRfb;

const Parser kRfb{
    .app = AppId::kRfb,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_end = on_end,
    .first_bytes = "R",
    .ports = kPorts,
};

}  // namespace thymus::dpi
