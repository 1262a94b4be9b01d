#include <string>

#include <doctest/doctest.h>

#include "dpi/parser_mangle.h"

namespace thymus::test {
namespace {

using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;
using Raw = std::vector<uint8_t>;

void add_name(Raw* out) {
  out->push_back(32);
  out->insert(out->end(), 32, 'C');
  out->push_back(0);
}

Raw request() {
  Raw out = {0x81, 0, 0, 68};
  add_name(&out);
  add_name(&out);
  return out;
}

const Raw kPositive = {0x82, 0, 0, 0};
const Raw kKeepAlive = {0x85, 0, 0, 0};
const Raw kMessage = {0, 0, 0, 4, 0xff, 'S', 'M', 'B'};

ParserRun session(uint16_t port = 139) { return {AppId::kNetbios, Transport::kTcp, 40000, port}; }

}  // namespace

TEST_CASE("netbios: a session is set up and handed over with its first message") {
  for (const bool whole : {true, false}) {
    ParserRun run = session();
    Answer answer = Answer::kReject;
    const auto say = [&](const Raw& bytes, bool by_client) {
      if (whole) answer = run.feed(bytes, by_client);
      if (whole) return;
      for (const uint8_t byte : bytes) answer = run.feed({byte}, by_client);
    };
    say(request(), true);
    CHECK(answer == Answer::kAccept);
    say(kPositive, false);
    say(kKeepAlive, true);
    CHECK(answer == Answer::kAccept);
    const Raw first = whole ? kMessage : Raw{0};
    CHECK(run.feed(first) == Answer::kHandOver);
    CHECK(run.context().last().next == AppId::kSmb);
    CHECK(run.context().last().next_bytes == first.size());
  }
}

TEST_CASE("netbios: what is behind the request in one piece goes along") {
  Raw bytes = request();
  bytes.insert(bytes.end(), kMessage.begin(), kMessage.end());
  ParserRun run = session();
  CHECK(run.feed(bytes) == Answer::kHandOver);
  CHECK(run.context().last().next_bytes == kMessage.size());
}

TEST_CASE("netbios: a request is known on any port, the rest on its own") {
  CHECK(session(5000).probe(request()) == Likelihood::kLikely);
  CHECK(session().probe(kKeepAlive) == Likelihood::kLikely);
  CHECK(session(5000).probe(kKeepAlive) == Likelihood::kNo);
  CHECK(session().probe({0x83, 0, 0, 1, 0x80}) == Likelihood::kLikely);
  CHECK(session().probe({0x83, 0, 0, 2, 0x80, 0}) == Likelihood::kNo);
  CHECK(session().probe(kMessage) == Likelihood::kNo);
}

TEST_CASE("netbios: names are letters from A to P") {
  Raw wrong = request();
  wrong[10] = 'Q';
  CHECK(session().probe(wrong) == Likelihood::kNo);
  CHECK(session().feed(wrong) == Answer::kReject);
}

TEST_CASE("netbios: name and datagram service are known by their names") {
  Raw query = {1, 2, 1, 0x10, 0, 1, 0, 0, 0, 0, 0, 0};
  add_name(&query);
  Raw datagram = {0x11, 2, 0, 1, 10, 0, 0, 1, 0, 138, 0, 68, 0, 0};
  add_name(&datagram);
  for (const Raw& sample : {query, datagram}) {
    ParserRun run(AppId::kUnknown, Transport::kUdp, 40000, 50000);
    CHECK(run.probe(sample) == Likelihood::kLikely);
    CHECK(run.feed(sample) == Answer::kDone);
    CHECK(run.context().last().facts.app == AppId::kNetbios);
  }
}

TEST_CASE("netbios: survives damage") {
  mangle_parser({AppId::kNetbios, Transport::kTcp, 139, true, request()});
  mangle_parser({AppId::kNetbios, Transport::kTcp, 139, false, {0x84, 0, 0, 6, 1, 2, 3, 4, 5, 6}});
}

}  // namespace thymus::test
