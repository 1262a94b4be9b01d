#include "dpi/lines.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "dpi/kept_fields.h"
#include "dpi/parser_context.h"
#include "support/event_reader.h"

namespace thymus::test {
namespace {

struct Seen {
  std::string text;
  bool is_cut;
  bool operator==(const Seen&) const = default;
};

std::vector<Seen> lines_of(const std::string& stream, size_t max_bytes, size_t piece_bytes) {
  EventLog log;
  EventWriter writer(&log);
  ParserContext context(&writer);
  dpi::LineReader reader{};
  std::vector<Seen> seen;
  for (size_t at = 0; at < stream.size(); at += piece_bytes) {
    const std::string piece = stream.substr(at, piece_bytes);
    const Bytes bytes(reinterpret_cast<const uint8_t*>(piece.data()), piece.size());
    CHECK(dpi::take_stream(context.renew(), 0, bytes, [&](Bytes all, size_t) {
      dpi::Line line;
      const size_t used = reader.next(all, max_bytes, &line);
      if (line.is_there) seen.push_back({std::string(line.text), line.is_cut});
      return used;
    }));
  }
  CHECK(context.view(0).size() <= max_bytes + 1);
  return seen;
}

}  // namespace

TEST_CASE("lines: CR LF and LF end a line, however the stream is cut") {
  const std::string stream = "one\r\ntwo\n\r\n\nlonger than ten\r\n0123456789\r\n0123456789a\nx\r";
  const std::vector<Seen> expected = {
      {"one", false},       {"two", false},        {"", false},         {"", false},
      {"longer tha", true}, {"0123456789", false}, {"0123456789", true}};
  for (size_t piece = 1; piece <= stream.size(); ++piece) {
    CHECK(lines_of(stream, 10, piece) == expected);
  }
}

TEST_CASE("lines: a line longer than every buffer is cut once") {
  const std::string stream = std::string(200'000, 'x') + "\nnext\n";
  const std::vector<Seen> expected = {{std::string(100, 'x'), true}, {"next", false}};
  CHECK(lines_of(stream, 100, stream.size()) == expected);
  CHECK(lines_of(stream, 100, 1000) == expected);
}

TEST_CASE("lines: after a hole the rest of the line is skipped") {
  dpi::LineReader reader{};
  reader.resync();
  dpi::Line line;
  const std::string stream = "st of it\nwhole\n";
  const Bytes bytes(reinterpret_cast<const uint8_t*>(stream.data()), stream.size());
  CHECK(reader.next(bytes, 100, &line) == 9);
  CHECK(!line.is_there);
  CHECK(reader.next(bytes.subspan(9), 100, &line) == 6);
  CHECK(line.text == "whole");
}

TEST_CASE("kept fields: come back in order, and no more than fit") {
  EventLog log;
  EventWriter writer(&log);
  ParserContext context(&writer);
  const dpi::KeptFields kept(&context, 2, 16);
  CHECK(kept.empty());
  CHECK(kept.add(1, "four"));
  CHECK(kept.add(2, ""));
  CHECK(!kept.add(3, "12345"));
  CHECK(kept.add(3, "123"));
  std::string all;
  kept.each([&](uint8_t kind, std::string_view text) {
    all += std::to_string(kind) + std::string(text) + ";";
  });
  CHECK(all == "1four;2;3123;");
  CHECK(kept.front_kind() == 1);
  kept.pop();
  CHECK(kept.front().empty());
  kept.clear();
  CHECK(kept.empty());
}

}  // namespace thymus::test
