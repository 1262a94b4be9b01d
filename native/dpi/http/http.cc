// HTTP/1.0 and HTTP/1.1 (RFC 9110, RFC 9112), with what HTTP/0.9 leaves of it. The layout of a
// message is in head.h and body_reader.h, the course of a flow in exchange.h.
#include "dpi/http/exchange.h"
#include "dpi/http/head.h"
#include "dpi/parser.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

constexpr uint16_t kPorts[] = {80, 8000, 8008, 8080, 8081, 8088, 8888, 3128, 591, 5985};

bool has_usual_port(const Segment& segment) {
  for (const uint16_t port : kPorts) {
    if (segment.has_port(port)) return true;
  }
  return false;
}

// The start of a request: METHOD SP target, then SP HTTP/ where the line ends.
Likelihood probe_request(const Segment& first) {
  bool is_whole = false;
  std::string_view line = first_line(first.data, &is_whole);
  const size_t end = line.find(' ');
  const std::string_view method = line.substr(0, end);
  if (method == "PRI" || !http::may_begin_request(first.data)) return Likelihood::kNo;
  if (is_whole && contains_nocase(line, " HTTP/")) return Likelihood::kLikely;
  if (http::surely_begins_message(first.data)) return Likelihood::kLikely;
  if (end == line.npos) {
    return http::may_become_method(method) ? Likelihood::kMaybe : Likelihood::kNo;
  }
  if (!http::is_known_method(method)) return Likelihood::kNo;
  // HTTP/0.9 on its own ports only.
  const bool may_be_old = has_usual_port(first) && line.substr(end + 1).starts_with('/');
  return !is_whole || may_be_old ? Likelihood::kMaybe : Likelihood::kNo;
}

Likelihood probe(const Segment& first) {
  if (first.data.empty()) return Likelihood::kNo;
  if (http::may_begin_response(first.data)) {
    if (first.data.size() < 6) return Likelihood::kMaybe;
    return http::surely_begins_message(first.data) ? Likelihood::kLikely : Likelihood::kNo;
  }
  return probe_request(first);
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  return http::Exchange(static_cast<http::State*>(state), context).on_data(segment);
}

bool on_gap(void* state, bool from_originator, Context*) {
  auto* s = static_cast<http::State*>(state);
  const bool from_client = from_originator != s->server_is_originator;
  (from_client ? s->client : s->server).after_gap = true;
  return true;
}

void on_end(void* state, Context* context) {
  http::Exchange(static_cast<http::State*>(state), context).on_end();
}

}  // namespace

extern const Parser kHttp;

const Parser kHttp{
    .app = AppId::kHttp,
    .state_bytes = sizeof(http::State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .on_end = on_end,
    .first_bytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZhgp$",
    .ports = kPorts,
};

}  // namespace thymus::dpi
