// The parser of PostgreSQL.
#include "dpi/pgsql/session.h"

namespace thymus::dpi::pgsql {
namespace {

constexpr uint16_t kPorts[] = {kPort};

Likelihood probe(const Segment& first) {
  if (is_start(first)) return Likelihood::kLikely;
  if (!first.has_port(kPort)) return Likelihood::kNo;
  if (Reader(first.data).peek_u8() == 0) {
    return first.data.size() < 8 && measure_client(first.data).state != Frame::State::kBroken
               ? Likelihood::kMaybe
               : Likelihood::kNo;
  }
  const Frame frame =
      first.src_port == kPort ? measure_server(first.data) : measure_client(first.data);
  const bool is_plausible = frame.state == Frame::State::kKnown && frame.bytes <= first.data.size();
  return is_plausible ? Likelihood::kMaybe : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  return Session(static_cast<State*>(state), context).run(segment);
}

bool on_gap(void* state, bool from_originator, Context* context) {
  auto* s = static_cast<State*>(state);
  const bool by_client = from_originator != s->client_is_responder;
  s->cursor[by_client ? 0 : 1].lose(by_client ? kClientBuffer : kServerBuffer, context);
  return true;
}

void on_end(void* state, Context* context) { Session(static_cast<State*>(state), context).end(); }

}  // namespace
}  // namespace thymus::dpi::pgsql

namespace thymus::dpi {

extern const Parser kPgsql;

const Parser kPgsql{
    .app = AppId::kPgsql,
    .state_bytes = sizeof(pgsql::State),
    .over_tcp = true,
    .over_udp = false,
    .probe = pgsql::probe,
    .on_data = pgsql::on_data,
    .on_gap = pgsql::on_gap,
    .on_end = pgsql::on_end,
    .first_bytes = std::string_view("\0", 1),
    .ports = pgsql::kPorts,
};

}  // namespace thymus::dpi
