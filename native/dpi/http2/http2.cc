// HTTP/2 in clear text (RFC 9113): by prior knowledge, after an Upgrade of HTTP/1.1, or from the
// middle of a connection where a control frame shows it. The layout is in connection.h.
#include "dpi/http2/connection.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

Likelihood probe(const Segment& first) {
  const std::string_view text = as_text(first.data);
  if (text.starts_with(http2::kPreface)) return Likelihood::kLikely;
  if (!text.empty() && http2::kPreface.starts_with(text)) {
    return text.size() >= 8 ? Likelihood::kLikely : Likelihood::kMaybe;
  }
  return http2::surely_begins_frame(first.data) ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  return http2::Session(static_cast<http2::State*>(state), context).on_data(segment);
}

bool on_gap(void* state, bool from_originator, Context*) {
  auto* s = static_cast<http2::State*>(state);
  s->directions[from_originator ? 0 : 1].is_after_gap = true;
  return true;
}

void on_end(void* state, Context* context) {
  http2::Session(static_cast<http2::State*>(state), context).on_end();
}

}  // namespace

extern const Parser kHttp2;

const Parser kHttp2{
    .app = AppId::kHttp2,
    .state_bytes = sizeof(http2::State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .on_end = on_end,
    .first_bytes = std::string_view("P\0", 2),
};

}  // namespace thymus::dpi
