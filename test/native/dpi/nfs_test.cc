#include "base/generated/events/nfs.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"

namespace thymus::test {
namespace {

namespace ids = event::nfs;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

constexpr Speakers kOverTcp{AppId::kNfs, 2049};
constexpr Speakers kOverUdp{AppId::kNfs, 2049, Transport::kUdp};

std::string word(uint32_t v) {
  std::string out;
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(v >> shift));
  return out;
}
std::string words(std::initializer_list<uint32_t> values) {
  std::string out;
  for (const uint32_t value : values) out += word(value);
  return out;
}
std::string opaque(const std::string& text) {
  return word(static_cast<uint32_t>(text.size())) + text +
         std::string((4 - text.size() % 4) % 4, 0);
}
std::string record(const std::string& message) {
  return word(0x80000000u | static_cast<uint32_t>(message.size())) + message;
}
// AUTH_SYS of user 5 in group 6 at "host".
std::string call(uint32_t xid, uint32_t version, uint32_t procedure, const std::string& arguments) {
  const std::string credentials = word(9) + opaque("host") + words({5, 6, 0});
  return words({xid, 0, 2, 100003, version, procedure, 1}) + opaque(credentials) + words({0, 0}) +
         arguments;
}
std::string reply(uint32_t xid, uint32_t status, const std::string& results = {}) {
  return words({xid, 1, 0, 0, 0, 0, status}) + results;
}
std::string handle2(char fill) { return std::string(32, fill); }
std::string attributes3() { return word(1) + std::string(84, 0); }
std::string compound(const std::string& operations, uint32_t n) {
  return opaque("") + words({1, n}) + operations;
}

Dialogue tcp(std::initializer_list<Said> messages) {
  Dialogue out;
  for (const Said& said : messages) out.push_back({said.by_client, record(said.text)});
  return out;
}

Fields only_event(const EventLog& log) {
  REQUIRE(log.events.size() == 1);
  CHECK(log.events[0].side == Side::kOriginator);
  return log.events[0].fields;
}

Dialogue write_in_3() {
  return tcp({client(call(1, 3, 3, opaque("dir") + opaque("new.txt"))),
              server(reply(1, 0, opaque("file"))),
              client(call(2, 3, 7,
                          opaque("file") + words({0, 0, 5000, 0, 5000}) + std::string(5000, 'x'))),
              server(reply(2, 0)),
              client(call(3, 3, 7, opaque("file") + words({0, 5000, 4, 0, 4}) + "abcd")),
              server(reply(3, 0)), client(call(4, 3, 21, opaque("file") + words({0, 0, 0}))),
              server(reply(4, 0))});
}

Dialogue open_and_write_in_4() {
  const std::string open =
      words({18, 0, 2, 0, 1, 2}) + opaque("owner") + words({0, 0}) + opaque("plan.doc");
  const std::string open_result = words({18, 0}) + std::string(16 + 20 + 4, 0) + words({0, 0});
  return tcp(
      {client(
           call(1, 4, 1,
                compound(word(53) + std::string(32, 0) + word(22) + opaque("dir") + open + word(10),
                         4))),
       server(reply(1, 0,
                    opaque("") + words({4, 53, 0}) + std::string(36, 0) + words({22, 0}) +
                        open_result + words({10, 0}) + opaque("file"))),
       client(call(2, 4, 1,
                   compound(word(22) + opaque("file") + word(38) + std::string(16 + 8, 0) +
                                word(0) + opaque("data"),
                            2))),
       server(reply(2, 0, opaque("") + words({2, 22, 0, 38, 0}))),
       client(call(3, 4, 1,
                   compound(word(22) + opaque("file") + words({4, 0}) + std::string(16, 0), 2))),
       server(reply(3, 0, opaque("") + words({2, 22, 0, 4, 0}))),
       client(call(4, 4, 1,
                   compound(word(22) + opaque("dir") + word(29) + opaque("a") + opaque("b"), 2))),
       server(reply(4, 13, opaque("") + words({2, 22, 0, 29, 13})))});
}

}  // namespace

TEST_CASE("nfs: a rename of version 2 over UDP") {
  const EventLog log = events_of(
      kOverUdp, {client(call(7, 2, 11, handle2('d') + opaque("a") + handle2('d') + opaque("am"))),
                 server(reply(7, 0))});
  const Fields event = only_event(log);
  CHECK(event.number(ids::kVersion) == 2);
  CHECK(event.text(ids::kProcedure) == "RENAME");
  CHECK(event.text(ids::kFilename) == "a");
  CHECK(event.text(ids::kStatus) == "OK");
  CHECK(event.objects(ids::kRename)[0].text(ids::rename::kTo) == "am");
  const Fields rpc = event.objects(ids::kRpc)[0];
  CHECK(rpc.number(ids::rpc::kXid) == 7);
  CHECK(rpc.text(ids::rpc::kStatus) == "ACCEPTED");
  CHECK(rpc.text(ids::rpc::kAuthType) == "UNIX");
  CHECK(rpc.objects(ids::rpc::kCreds)[0].text(ids::rpc::creds::kMachineName) == "host");
  CHECK(rpc.objects(ids::rpc::kCreds)[0].number(ids::rpc::creds::kUid) == 5);
}

TEST_CASE("nfs: a search is reported with the handle that it finds, an attribute read not at all") {
  const EventLog log =
      events_of(kOverTcp, tcp({client(call(1, 3, 1, opaque("dir"))), server(reply(1, 0)),
                               client(call(2, 3, 3, opaque("dir") + opaque("x"))),
                               server(reply(2, 0, opaque("123456789")))}));
  const Fields event = only_event(log);
  CHECK(event.text(ids::kProcedure) == "LOOKUP");
  CHECK(event.text(ids::kHhash) == "cbf43926");  // the check value of CRC-32
  CHECK(event.number(ids::kId) == 2);
}

TEST_CASE("nfs: what is written to a file is one event, whose name was looked up before") {
  const EventLog log = events_of(kOverTcp, write_in_3());
  REQUIRE(log.events.size() == 2);
  const Fields& event = log.events[1].fields;
  CHECK(event.text(ids::kProcedure) == "WRITE");
  CHECK(event.text(ids::kFilename) == "new.txt");
  CHECK(event.number(ids::kFileTx) == 1);
  const Fields write = event.objects(ids::kWrite)[0];
  CHECK(write.number(ids::write::kChunks) == 2);
  CHECK(write.number(ids::write::kLast) == 1);
  CHECK(write.number(ids::write::kLastXid) == 4);
}

TEST_CASE("nfs: a read ends at the end of the file, or with the flow") {
  const std::string ask = opaque("file") + words({0, 0, 100});
  const Dialogue begun =
      tcp({client(call(1, 3, 6, ask)), server(reply(1, 0, attributes3() + words({100, 0}))),
           client(call(2, 3, 6, ask))});
  const Fields open = only_event(events_of(kOverTcp, begun));
  CHECK(open.objects(ids::kRead)[0].number(ids::read::kLast) == 0);
  Dialogue whole = begun;
  whole.push_back(server(record(reply(2, 0, attributes3() + words({3, 1})))));
  const Fields read = only_event(events_of(kOverTcp, whole));
  CHECK(read.objects(ids::kRead)[0].number(ids::read::kLast) == 1);
  CHECK(read.objects(ids::kRead)[0].number(ids::read::kChunks) == 2);
}

TEST_CASE("nfs: compounds of version 4") {
  const EventLog log = events_of(kOverTcp, open_and_write_in_4());
  REQUIRE(log.events.size() == 2);
  const Fields& write = log.events[0].fields;
  CHECK(write.text(ids::kProcedure) == "WRITE");
  CHECK(write.text(ids::kFilename) == "plan.doc");
  CHECK(write.number(ids::kId) == 1);
  const Fields& rename = log.events[1].fields;
  CHECK(rename.text(ids::kProcedure) == "RENAME");
  CHECK(rename.text(ids::kStatus) == "ERR_ACCES");
  CHECK(rename.objects(ids::kRename)[0].text(ids::rename::kFrom) == "a");
}

TEST_CASE("nfs: a call that is denied") {
  const EventLog log = events_of(kOverTcp, tcp({client(call(1, 3, 12, opaque("dir") + opaque("x"))),
                                                server(words({1, 1, 1, 1, 1}))}));
  CHECK(only_event(log).objects(ids::kRpc)[0].text(ids::rpc::kStatus) == "DENIED");
}

TEST_CASE("nfs: the client may be the responder of the flow") {
  ParserRun run(AppId::kNfs, Transport::kTcp, 2049, 40000);
  run.feed(raw(record(call(1, 3, 0, ""))), false);
  run.feed(raw(record(words({1, 1, 0, 0, 0, 0}))), true);
  REQUIRE(run.log().events.size() == 1);
  CHECK(run.log().events[0].side == Side::kResponder);
}

TEST_CASE("nfs: recognised by a call, on its port by a reply too") {
  const ParserRun on_port(AppId::kNfs, Transport::kTcp, 40000, 2049);
  const ParserRun elsewhere(AppId::kNfs, Transport::kTcp, 40000, 1048);
  const auto asked = raw(record(call(1, 3, 0, "")));
  const auto answer = raw(record(reply(1, 0)));
  CHECK(elsewhere.probe(asked) == Likelihood::kLikely);
  CHECK(elsewhere.probe(answer, false) == Likelihood::kNo);
  CHECK(on_port.probe(answer, false) == Likelihood::kLikely);
  CHECK(on_port.probe(raw(record(call(1, 5, 0, "")))) == Likelihood::kNo);
  CHECK(on_port.probe(raw(record(call(1, 3, 22, "")))) == Likelihood::kNo);
  CHECK(on_port.probe(raw(call(1, 3, 0, ""))) == Likelihood::kNo);
}

TEST_CASE("nfs: goes on after a hole in the data of a file, not after one in a message") {
  const std::string begin =
      record(call(1, 3, 7, opaque("file") + words({0, 0, 9000, 2, 9000}) + std::string(9000, 'x')));
  ParserRun run(AppId::kNfs, Transport::kTcp, 40000, 2049);
  run.feed(raw(begin.substr(0, 4000)));
  REQUIRE(run.gap(true));
  CHECK(run.feed_at(raw(begin.substr(8000)), true, 8000) == Answer::kAccept);
  run.feed(raw(record(reply(1, 0))), false);
  CHECK(run.log().events.size() == 1);
  run.feed(raw(record("12")));
  run.feed(raw("\x80"));
  CHECK_FALSE(run.gap(true));
  ParserRun other(AppId::kNfs, Transport::kTcp, 40000, 2049);
  other.feed(raw(begin.substr(0, 4000)));
  REQUIRE(other.gap(true));
  CHECK(other.feed_at(raw("x"), true, 20'000) == Answer::kDone);
}

TEST_CASE("nfs: the fragments of a message behind its first are skipped") {
  const std::string message = call(1, 3, 12, opaque("dir") + opaque("x"));
  const std::string first = word(static_cast<uint32_t>(message.size())) + message;
  const EventLog log =
      events_of(kOverTcp, {client(first + record("more of it")), server(record(reply(1, 0)))});
  CHECK(only_event(log).text(ids::kProcedure) == "REMOVE");
}

TEST_CASE("nfs: more calls, files and names than are kept") {
  Dialogue many;
  for (uint32_t i = 0; i < 200; ++i) {
    many.push_back(client(record(
        call(i + 1, 3, 7, opaque("file" + std::to_string(i)) + words({0, 0, 4, 0, 4}) + "abcd"))));
  }
  CHECK(events_of(kOverTcp, many).events.size() == 16);
}

TEST_CASE("nfs: the pieces of the stream do not show") {
  check_splits(kOverTcp, write_in_3());
  check_splits(kOverTcp, open_and_write_in_4());
}

TEST_CASE("nfs: survives damage") {
  mangle_dialogue(kOverTcp, open_and_write_in_4());
  mangle_dialogue(kOverTcp, tcp({client(call(1, 3, 3, opaque("dir") + opaque("x"))),
                                 server(reply(1, 0, opaque("file"))),
                                 client(call(2, 3, 6, opaque("file") + words({0, 0, 100}))),
                                 server(reply(2, 0, attributes3() + words({3, 1})))}));
  mangle_dialogue(kOverUdp,
                  {client(call(7, 2, 11, handle2('d') + opaque("a") + handle2('d') + opaque("am"))),
                   server(reply(7, 0))});
}

}  // namespace thymus::test
