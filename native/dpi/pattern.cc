#include "dpi/pattern.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace thymus::dpi {
namespace {

constexpr Pattern kPatterns[] = {
#define PATTERN(id, over, usual_port, head_bits, ...) \
  Pattern{.app = AppId::id,                           \
          .transport = Transport::over,               \
          .port = usual_port,                         \
          .head = head_bits __VA_OPT__(, ) __VA_ARGS__},
#include "dpi/patterns.def"
#undef PATTERN
};

size_t field_value(const Length& length, Bytes payload) {
  Reader r(payload);
  r.skip(length.at);
  switch (length.field) {
    case Length::Field::kU8:
      return r.u8();
    case Length::Field::kBe16:
      return r.be16();
    case Length::Field::kBe24:
      return r.be24();
    case Length::Field::kBe32:
      return r.be32();
    case Length::Field::kLe16:
      return r.le16();
    case Length::Field::kLe24: {
      const size_t low = r.le16();
      return low | size_t{r.u8()} << 16;
    }
    case Length::Field::kLe32:
      return r.le32();
    case Length::Field::kNone:
      break;
  }
  return 0;
}

bool is_chunked(Bytes payload, size_t chunk) {
  if (payload.size() % chunk != 0) return false;
  for (size_t i = chunk; i < payload.size(); i += chunk) {
    if (payload[i] != payload[0]) return false;
  }
  return true;
}

// The first eight bytes of a payload in one word, the first lowest.
uint64_t first_word(Bytes payload) {
  uint64_t word = 0;
  std::memcpy(&word, payload.data(), std::min(payload.size(), sizeof word));
  return word;
}

// A pattern with what a glance at a payload rules out: most patterns fall here.
struct Candidate {
  explicit Candidate(const Pattern& p) : port(p.port), pattern(&p) {
    for (size_t i = 0; i < std::min<size_t>(p.head.size, sizeof mask); ++i) {
      const ByteRange& range = p.head.bytes[i];
      if (range.low != range.high) continue;
      mask |= uint64_t{range.mask} << 8 * i;
      value |= uint64_t{range.low} << 8 * i;
    }
    min_bytes = static_cast<uint16_t>(std::max({p.head.size, p.tail.size, uint8_t{1}}));
  }
  bool may_match(uint64_t word, const Segment& segment) const {
    return (word & mask) == value && segment.data.size() >= min_bytes &&
           (port == 0 || segment.has_port(port));
  }

  uint64_t mask = 0;
  uint64_t value = 0;
  uint16_t port;
  uint16_t min_bytes;
  const Pattern* pattern;
};

// Patterns of one transport by the first byte that they admit, those with the most evidence first.
class Index {
 public:
  explicit Index(Transport transport) {
    for (size_t byte = 0; byte < by_byte_.size(); ++byte) {
      for (const Pattern& pattern : kPatterns) {
        if (pattern.transport != transport) continue;
        if (pattern.head.size > 0 && !pattern.head.bytes[0].holds(static_cast<uint8_t>(byte))) {
          continue;
        }
        by_byte_[byte].emplace_back(pattern);
      }
      std::ranges::stable_sort(by_byte_[byte], [](const Candidate& a, const Candidate& b) {
        return a.pattern->evidence() > b.pattern->evidence();
      });
    }
  }

  const Pattern* match(const Segment& segment) const {
    const uint64_t word = first_word(segment.data);
    for (const Candidate& candidate : by_byte_[segment.data[0]]) {
      if (!candidate.may_match(word, segment)) continue;
      if (candidate.pattern->match(segment)) return candidate.pattern;
    }
    return nullptr;
  }

 private:
  std::array<std::vector<Candidate>, 256> by_byte_;
};

// ---- The parser

struct State {
  AppId app;
  uint8_t n_matches;
  bool was_shown;
};

Likelihood probe(const Segment& first) {
  const Pattern* pattern = match_pattern(first);
  if (pattern == nullptr) return Likelihood::kNo;
  const bool is_sure = pattern->times == 1 && pattern->bits() >= Pattern::kEvidenceBits;
  return is_sure ? Likelihood::kLikely : Likelihood::kMaybe;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* flow = static_cast<State*>(state);
  const Pattern* pattern = match_pattern(segment);
  // What the other side said before is shown first, and need not look like anything.
  const bool is_first = !std::exchange(flow->was_shown, true);
  if (pattern == nullptr && is_first) return Answer::kNeedMore;
  if (pattern == nullptr || (flow->n_matches > 0 && pattern->app != flow->app)) {
    return Answer::kReject;
  }
  flow->app = pattern->app;
  if (++flow->n_matches < pattern->times) return Answer::kNeedMore;
  context->facts.app = pattern->app;
  return Answer::kDone;
}

}  // namespace

bool Length::match(Bytes payload, size_t wire_bytes) const {
  if (wire_bytes < min || wire_bytes > max) return false;
  if (chunk != 0) return is_chunked(payload, chunk);
  return field == Field::kNone || field_value(*this, payload) * scale + add == wire_bytes;
}

bool Pattern::match(const Segment& segment) const {
  const Bytes payload = segment.data;
  if (port != 0 && !segment.has_port(port)) return false;
  if (payload.size() < head.size || payload.size() < tail.size) return false;
  if (!head.match(payload, 0) || !tail.match(payload, payload.size() - tail.size)) return false;
  if (!length.match(payload, payload.size() + segment.cut_bytes)) return false;
  const std::string_view start = as_text(Reader(payload).take_up_to(kSearchBytes));
  return inside.empty() || start.find(inside) != std::string_view::npos;
}

std::span<const Pattern> patterns() { return kPatterns; }

const Pattern* match_pattern(const Segment& segment) {
  static const Index tcp(Transport::kTcp), udp(Transport::kUdp);
  if (segment.data.empty() || segment.transport == Transport::kSctp) return nullptr;
  return (segment.transport == Transport::kTcp ? tcp : udp).match(segment);
}

extern const Parser kByPattern;

const Parser kByPattern{
    .app = AppId::kUnknown,  // the pattern says
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
};

}  // namespace thymus::dpi
