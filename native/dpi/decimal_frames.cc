// Remote control by malware whose messages begin with their length in decimal digits. As analyses
// of the families describe it:
//
//   STRRAT   digits CR LF CR LF | text; the first is "ping|STRRAT|..."
//   njRAT    digits 00 | text; the first is "ll|'|'|..."
//   XWorm    digits 00 | AES in blocks of 16 bytes
//
// The flow is named and let go.
#include "dpi/parser.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

constexpr size_t kMaxDigits = 5;
constexpr std::string_view kBlankLine = "\r\n\r\n";
constexpr std::string_view kStrratHello = "ping|STRRAT|";
constexpr std::string_view kNjratHello = "ll|'|'|";
constexpr size_t kBlockBytes = 16;
constexpr size_t kFewestBlocks = 3;

struct State {
  bool was_shown;
  bool has_length;  // of a STRRAT message, whose text comes in a payload of its own
};

enum class Look : uint8_t { kNothing, kLengthOnly, kNamed };

struct Finding {
  Look look = Look::kNothing;
  AppId app = AppId::kUnknown;
};

// Of cipher text about half of the bytes have their top bit set, of text and of small numbers few:
// of 48 random bytes, fewer than a quarter do once in 7,000.
bool is_like_noise(Bytes bytes) {
  size_t n_high = 0;
  for (const uint8_t byte : bytes) n_high += byte >> 7;
  return n_high > bytes.size() / 4 && n_high < bytes.size() - bytes.size() / 4;
}

Finding look_at(Bytes payload) {
  Reader r(payload);
  size_t length = 0;
  size_t n_digits = 0;
  while (n_digits <= kMaxDigits && is_digit(static_cast<char>(r.peek_u8()))) {
    length = length * 10 + (r.u8() - '0');
    ++n_digits;
  }
  if (n_digits < 2 || n_digits > kMaxDigits) return {};
  if (as_text(Reader(r.rest()).take_up_to(kBlankLine.size())) == kBlankLine) {
    r.skip(kBlankLine.size());
    if (r.empty()) return {Look::kLengthOnly};
    if (as_text(r.rest()).starts_with(kStrratHello)) return {Look::kNamed, AppId::kStrrat};
    return {};
  }
  if (r.u8() != 0 || !r.ok()) return {};
  if (as_text(r.rest()).starts_with(kNjratHello)) return {Look::kNamed, AppId::kNjrat};
  const bool is_blocks = length % kBlockBytes == 0 && length / kBlockBytes >= kFewestBlocks;
  if (length != r.remaining() || !is_blocks || !is_like_noise(r.rest())) return {};
  return {Look::kNamed, AppId::kXworm};
}

Likelihood probe(const Segment& first) {
  switch (look_at(first.data).look) {
    case Look::kNothing:
      return Likelihood::kNo;
    case Look::kLengthOnly:
      return Likelihood::kMaybe;
    case Look::kNamed:
      return Likelihood::kLikely;
  }
  return Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* flow = static_cast<State*>(state);
  const bool is_first = !flow->was_shown;
  flow->was_shown = true;
  Finding found = look_at(segment.data);
  if (flow->has_length && as_text(segment.data).starts_with(kStrratHello)) {
    found = {Look::kNamed, AppId::kStrrat};
  }
  switch (found.look) {
    case Look::kNamed:
      context->facts.app = found.app;
      return Answer::kDone;
    case Look::kLengthOnly:
      flow->has_length = true;
      return Answer::kNeedMore;
    case Look::kNothing:
      // What the other side said before is shown first.
      return is_first ? Answer::kNeedMore : Answer::kReject;
  }
  return Answer::kReject;
}

}  // namespace

extern const Parser kDecimalFrames;

const Parser kDecimalFrames{
    .app = AppId::kXworm,  // or a relative
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = "123456789",
};

}  // namespace thymus::dpi
