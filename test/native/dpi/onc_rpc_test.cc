#include <doctest/doctest.h>

#include "dpi/parser_mangle.h"

namespace thymus::test {
namespace {

using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;
using Raw = std::vector<uint8_t>;

Raw words(std::initializer_list<uint32_t> values) {
  Raw out;
  for (const uint32_t value : values) {
    for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<uint8_t>(value >> shift));
  }
  return out;
}

Raw call(uint32_t program) { return words({7, 0, 2, program, 3, 0, 0, 0, 0, 0}); }
Raw reply(uint32_t xid) { return words({xid, 1, 0, 0, 0, 0}); }
Raw record(Raw message) {
  Raw out = words({0x80000000u | static_cast<uint32_t>(message.size())});
  out.insert(out.end(), message.begin(), message.end());
  return out;
}

ParserRun rpc(Transport transport, uint16_t port = 1048) {
  return {AppId::kRpc, transport, 40000, port};
}

}  // namespace

TEST_CASE("onc_rpc: the program that is called names the flow") {
  const std::pair<uint32_t, AppId> kPrograms[] = {{100000, AppId::kRpc},
                                                  {100003, AppId::kNfs},
                                                  {100005, AppId::kNfs},
                                                  {100021, AppId::kNfs},
                                                  {0x20000001, AppId::kRpc}};
  for (const auto& [program, app] : kPrograms) {
    ParserRun udp = rpc(Transport::kUdp), tcp = rpc(Transport::kTcp);
    CHECK(udp.probe(call(program)) == Likelihood::kLikely);
    CHECK(udp.feed(call(program)) == Answer::kDone);
    CHECK(udp.context().last().facts.app == app);
    CHECK(tcp.probe(record(call(program))) == Likelihood::kLikely);
    CHECK(tcp.feed(record(call(program))) == Answer::kDone);
    CHECK(tcp.context().last().facts.app == app);
  }
}

TEST_CASE("onc_rpc: a reply that comes first waits for a call or another one") {
  ParserRun called = rpc(Transport::kUdp), again = rpc(Transport::kUdp);
  CHECK(called.probe(reply(7), false) == Likelihood::kMaybe);
  CHECK(called.feed(reply(7), false) == Answer::kNeedMore);
  CHECK(called.feed(reply(7), false) == Answer::kNeedMore);
  CHECK(called.feed(call(100003)) == Answer::kDone);
  CHECK(called.context().last().facts.app == AppId::kNfs);
  again.feed(reply(7), false);
  CHECK(again.feed(reply(8), false) == Answer::kDone);
}

TEST_CASE("onc_rpc: on a usual port one reply is enough") {
  ParserRun nfs = rpc(Transport::kUdp, 2049), portmap = rpc(Transport::kUdp, 111);
  CHECK(nfs.feed(reply(7), false) == Answer::kDone);
  CHECK(nfs.context().last().facts.app == AppId::kNfs);
  CHECK(portmap.feed(words({7, 1, 1, 0, 2, 2}), false) == Answer::kDone);
  CHECK(portmap.context().last().facts.app == AppId::kUnknown);
}

TEST_CASE("onc_rpc: other numbers are not its own") {
  const Raw others[] = {
      words({7, 0, 3, 100003, 3, 0, 0, 0, 0, 0}),      // version of RPC
      words({7, 0, 2, 0, 3, 0, 0, 0, 0, 0}),           // program
      words({7, 0, 2, 0x60000000, 3, 0, 0, 0, 0, 0}),  // reserved program
      words({7, 0, 2, 100003, 3, 0, 9, 0, 0, 0}),      // credentials
      words({7, 0, 2, 100003, 3, 0, 1, 401, 0, 0}),    // too long ones
      words({7, 1, 2, 0, 0, 0}),                       // neither accepted nor denied
      words({7, 1, 0, 0, 0, 6}),                       // status
      words({7, 2, 2, 100003, 3, 0, 0, 0, 0, 0}),      // neither call nor reply
  };
  for (const Raw& other : others) {
    CHECK(rpc(Transport::kUdp).probe(other) == Likelihood::kNo);
    CHECK(rpc(Transport::kTcp).probe(record(other)) == Likelihood::kNo);
  }
  CHECK(rpc(Transport::kTcp).probe(words({40, 7, 0, 2, 100003, 3, 0, 0, 0, 0, 0})) ==
        Likelihood::kNo);
}

TEST_CASE("onc_rpc: survives damage") {
  for (const Raw& sample : {call(100003), reply(7)}) {
    mangle_parser({AppId::kRpc, Transport::kUdp, 2049, true, sample});
    mangle_parser({AppId::kRpc, Transport::kTcp, 1048, true, record(sample)});
  }
}

}  // namespace thymus::test
