// The pieces in which a stream arrives must not show in what is reported of it.
#pragma once

#include <vector>

#include <doctest/doctest.h>

#include "dpi/parser_run.h"

namespace thymus::test {

struct StreamTurn {
  bool from_originator;
  std::vector<uint8_t> bytes;
};

// Feeds a conversation in whole turns, then byte by byte; both must give the same events.
inline void check_split(dpi::AppId app, uint16_t server_port,
                        const std::vector<StreamTurn>& conversation) {
  const auto events_of = [&](bool whole) {
    ParserRun run(app, dpi::Transport::kTcp, 40000, server_port);
    for (const StreamTurn& turn : conversation) {
      if (whole) {
        run.feed(turn.bytes, turn.from_originator);
        continue;
      }
      for (const uint8_t byte : turn.bytes) run.feed({byte}, turn.from_originator);
    }
    run.end();
    return run.log().events;
  };
  const auto whole = events_of(true), split = events_of(false);
  REQUIRE(!whole.empty());
  REQUIRE(whole.size() == split.size());
  for (size_t i = 0; i < whole.size(); ++i) {
    CHECK(whole[i].type == split[i].type);
    CHECK(whole[i].side == split[i].side);
    CHECK(whole[i].fields.raw() == split[i].fields.raw());
  }
}

}  // namespace thymus::test
