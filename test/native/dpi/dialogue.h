// What two sides of a flow say in turn, for parsers of streams.
#pragma once

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "dpi/parser_run.h"
#include "support/mangle.h"

namespace thymus::test {

struct Said {
  bool by_client;
  std::string text;
};
using Dialogue = std::vector<Said>;

inline Said client(std::string text) { return {true, std::move(text)}; }
inline Said server(std::string text) { return {false, std::move(text)}; }

struct Speakers {
  dpi::AppId app;
  uint16_t server_port;
  dpi::Transport transport = dpi::Transport::kTcp;
};

inline std::vector<uint8_t> raw(const std::string& text) { return {text.begin(), text.end()}; }

// Shows all of it in pieces of `piece_bytes`, then ends the flow. Stops as the flow stage does.
inline void show(const Dialogue& dialogue, ParserRun* run, size_t piece_bytes = SIZE_MAX) {
  dpi::Answer answer = dpi::Answer::kNeedMore;
  for (const Said& said : dialogue) {
    for (size_t at = 0; at < said.text.size(); at += std::min(piece_bytes, said.text.size())) {
      if (answer != dpi::Answer::kNeedMore && answer != dpi::Answer::kAccept) return;
      answer = run->feed(raw(said.text.substr(at, piece_bytes)), said.by_client);
    }
  }
  if (answer == dpi::Answer::kNeedMore || answer == dpi::Answer::kAccept) run->end();
}

inline EventLog events_of(const Speakers& speakers, const Dialogue& dialogue,
                          size_t piece_bytes = SIZE_MAX) {
  ParserRun run(speakers.app, speakers.transport, 40000, speakers.server_port);
  show(dialogue, &run, piece_bytes);
  return run.log();
}

// The same events must come out however the stream is cut.
inline void check_splits(const Speakers& speakers, const Dialogue& dialogue) {
  const EventLog whole = events_of(speakers, dialogue);
  for (const size_t piece_bytes : {1, 2, 3, 7, 64}) {
    const EventLog split = events_of(speakers, dialogue, piece_bytes);
    REQUIRE(split.events.size() == whole.events.size());
    for (size_t i = 0; i < whole.events.size(); ++i) {
      CHECK(split.events[i].type == whole.events[i].type);
      CHECK(split.events[i].fields.raw() == whole.events[i].fields.raw());
    }
  }
}

// Every truncation and single-byte change of what one turn says, after the turns before it.
inline void mangle_dialogue(const Speakers& speakers, const Dialogue& dialogue) {
  for (size_t turn = 0; turn < dialogue.size(); ++turn) {
    mangle(raw(dialogue[turn].text), [&](Bytes bytes) {
      Dialogue damaged = dialogue;
      damaged[turn].text.assign(bytes.begin(), bytes.end());
      for (const Event& e : events_of(speakers, damaged).events) {
        if (!e.fields.well_formed()) FAIL("an event that is not well-formed");
      }
    });
  }
}

}  // namespace thymus::test
