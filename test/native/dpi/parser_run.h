// Runs one parser the way the flow stage does: probe, then data until it is done or rejects.
#pragma once

#include <memory>
#include <vector>

#include "dpi/parser.h"
#include "dpi/parser_context.h"
#include "support/event_reader.h"

namespace thymus::test {

inline const dpi::Parser& parser_of(dpi::AppId app, dpi::Transport transport) {
  for (const dpi::Parser* p : dpi::parsers()) {
    if (p->app == app && dpi::speaks_over(*p, transport)) return *p;
  }
  std::abort();
}

class ParserRun {
 public:
  ParserRun(dpi::AppId app, dpi::Transport transport, uint16_t orig_port, uint16_t resp_port)
      : parser_(parser_of(app, transport)),
        transport_(transport),
        orig_port_(orig_port),
        resp_port_(resp_port),
        state_(parser_.state_bytes),
        writer_(std::make_unique<EventWriter>(&log_)),
        context_(writer_.get()) {}

  dpi::Likelihood probe(const std::vector<uint8_t>& data, bool from_originator = true) const {
    return parser_.probe(segment(Bytes(data), from_originator));
  }
  dpi::Answer feed(const std::vector<uint8_t>& data, bool from_originator = true,
                   size_t cut_bytes = 0) {
    return feed_span(Bytes(data), from_originator, cut_bytes);
  }
  // Bytes at a place of their stream, which counts after a gap.
  dpi::Answer feed_at(const std::vector<uint8_t>& data, bool from_originator, uint32_t seq) {
    next_seq_[from_originator ? 0 : 1] = seq;
    return feed(data, from_originator);
  }
  // As the flow stage: a probe, then the data whatever it said.
  dpi::Answer feed_span(Bytes data, bool from_originator, size_t cut_bytes = 0) {
    dpi::Segment shown = segment(data, from_originator);
    shown.cut_bytes = cut_bytes;
    uint32_t& next_seq = next_seq_[from_originator ? 0 : 1];
    shown.seq = next_seq;
    next_seq += static_cast<uint32_t>(data.size());
    parser_.probe(shown);
    return parser_.on_data(state_.data(), shown, context_.renew());
  }
  void expected(const std::vector<uint8_t>& note) {
    if (parser_.on_expected != nullptr) parser_.on_expected(state_.data(), Bytes(note));
  }
  bool gap(bool from_originator) {
    return parser_.on_gap != nullptr &&
           parser_.on_gap(state_.data(), from_originator, context_.renew());
  }
  void end() {
    if (parser_.on_end != nullptr) parser_.on_end(state_.data(), context_.renew());
  }
  const EventLog& log() const { return log_; }
  ParserContext& context() { return context_; }

 private:
  dpi::Segment segment(Bytes data, bool from_originator) const {
    return {data,
            0,
            from_originator,
            transport_,
            from_originator ? orig_port_ : resp_port_,
            from_originator ? resp_port_ : orig_port_};
  }

  const dpi::Parser& parser_;
  dpi::Transport transport_;
  uint16_t orig_port_;
  uint16_t resp_port_;
  std::vector<uint8_t> state_;
  EventLog log_;
  std::unique_ptr<EventWriter> writer_;
  ParserContext context_;
  uint32_t next_seq_[2] = {};
};

}  // namespace thymus::test
