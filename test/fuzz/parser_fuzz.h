// The one fuzz body of all application parsers.
//
// Input: one byte of options (bit 0: not on the usual port), then segments: two bytes (bit 15: from
// the responder, the rest: length) and that many bytes. The state lies in its own allocation and
// each segment too, so that a sanitizer sees any step outside.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/event_writer.h"
#include "dpi/parser.h"
#include "dpi/parser_context.h"

namespace thymus::fuzz {

// Events are sequences of whole fields, however wild the input.
class CheckedSink final : public EventWriter::Sink {
 public:
  void on_event(const FinishedEvent& event) override {
    Reader r(event.fields);
    while (!r.empty()) {
      r.skip(2);
      r.skip(r.le16());
    }
    if (!r.ok()) std::abort();
  }
};

inline void run_parser(const dpi::Parser& parser, Bytes input, bool any_port) {
  Reader r(input);
  const auto transport = parser.over_tcp   ? dpi::Transport::kTcp
                         : parser.over_udp ? dpi::Transport::kUdp
                                           : dpi::Transport::kSctp;
  CheckedSink sink;
  const auto writer = std::make_unique<EventWriter>(&sink);
  test::ParserContext context(writer.get());
  std::vector<uint8_t> state(parser.state_bytes);
  bool attached = false;
  uint32_t next_seq[2] = {};
  while (!r.empty()) {
    const uint8_t lead = r.u8();
    const size_t length = static_cast<size_t>(lead & 0x7f) << 8 | r.u8();
    const Bytes taken = r.take_up_to(length);
    const std::vector<uint8_t> data(taken.begin(), taken.end());
    const bool from_originator = (lead & 0x80) == 0;
    // An empty segment stands for a hole, which only an attached parser is told of.
    if (attached && length == 0 && parser.on_gap != nullptr) {
      parser.on_gap(state.data(), from_originator, context.renew());
    }
    const uint16_t client = 40000;
    const uint16_t server = any_port || parser.ports.empty() ? uint16_t{9999} : parser.ports[0];
    const dpi::Segment segment{Bytes(data),
                               0,
                               from_originator,
                               transport,
                               from_originator ? client : server,
                               from_originator ? server : client,
                               0,
                               next_seq[from_originator ? 0 : 1]};
    // A hole swallows as many bytes as the lead says in its lowest bits.
    next_seq[from_originator ? 0 : 1] += static_cast<uint32_t>(data.size()) + (lead & 7);
    parser.probe(segment);
    const dpi::Answer answer = parser.on_data(state.data(), segment, context.renew());
    attached = answer == dpi::Answer::kAccept;
    if (answer != dpi::Answer::kNeedMore && answer != dpi::Answer::kAccept) break;
  }
  if (parser.on_end != nullptr) parser.on_end(state.data(), context.renew());
}

// Every parser of `app`, on every transport it speaks.
inline int fuzz_parsers(dpi::AppId app, const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes segments{data + 1, size - 1};
  for (const dpi::Parser* parser : dpi::parsers()) {
    if (parser->app == app) run_parser(*parser, segments, (data[0] & 1) != 0);
  }
  return 0;
}

}  // namespace thymus::fuzz
