// Shows a parser every truncated prefix of a sample and every single-byte change of it, each in an
// allocation of its own. A sanitizer finds what reads outside; the checks here hold everywhere.
#pragma once

#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include "dpi/parser_run.h"

namespace thymus::test {

struct MangleCase {
  dpi::AppId app;
  dpi::Transport transport;
  uint16_t server_port;
  bool from_originator;
  std::vector<uint8_t> sample;
};

// One parser run; a parser must survive it, and what it writes must be well-formed.
inline void survive(const MangleCase& c, const std::vector<uint8_t>& bytes) {
  // The exact size in memory: a vector's spare capacity would hide a read past the end.
  const auto exact = std::make_unique<uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), exact.get());
  ParserRun run(c.app, c.transport, 40000, c.server_port);
  run.feed_span({exact.get(), bytes.size()}, c.from_originator);
  run.end();
  for (const Event& e : run.log().events) {
    if (!e.fields.well_formed()) FAIL("an event that is not well-formed");
  }
}

inline void mangle_parser(const MangleCase& c) {
  for (size_t n = 0; n <= c.sample.size(); ++n) {
    survive(c, {c.sample.begin(), c.sample.begin() + static_cast<long>(n)});
  }
  for (size_t at = 0; at < c.sample.size(); ++at) {
    std::vector<uint8_t> changed = c.sample;
    for (int step = 1; step < 256; ++step) {
      ++changed[at];
      survive(c, changed);
    }
  }
}

}  // namespace thymus::test
