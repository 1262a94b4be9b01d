// Shows a parser a sample and every damaged copy of it (support/mangle.h).
#pragma once

#include <vector>

#include <doctest/doctest.h>

#include "dpi/parser_run.h"
#include "support/mangle.h"

namespace thymus::test {

struct MangleCase {
  dpi::AppId app;
  dpi::Transport transport;
  uint16_t server_port;
  bool from_originator;
  std::vector<uint8_t> sample;
};

// The parser must survive every copy, and what it writes must be well-formed.
inline void mangle_parser(const MangleCase& c) {
  mangle(c.sample, [&c](Bytes bytes) {
    ParserRun run(c.app, c.transport, 40000, c.server_port);
    run.feed_span(bytes, c.from_originator);
    run.end();
    for (const Event& e : run.log().events) {
      if (!e.fields.well_formed()) FAIL("an event that is not well-formed");
    }
  });
}

}  // namespace thymus::test
