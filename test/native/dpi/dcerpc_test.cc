#include "base/generated/events/dcerpc.h"

#include <doctest/doctest.h>

#include "dpi/dcerpc_builder.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/parser_split.h"

namespace thymus::test {
namespace {

namespace ids = event::dcerpc;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

ParserRun tcp(uint16_t port = 135) { return {AppId::kDcerpc, Transport::kTcp, 40000, port}; }
ParserRun udp() { return {AppId::kDcerpc, Transport::kUdp, 40000, 135}; }

RpcBytes datagram(uint8_t type, uint8_t sequence, size_t n_stub, uint8_t flags = 0) {
  return RpcBytes{4, type, flags, 0, 0x10, 0, 0, 0} + RpcBytes(32, 1) +
         RpcBytes{1, 0, 0, 0, 2, 0, 3, 0, 4, 5, 6, 7, 8, 9, 10, 11} + RpcBytes(8, 0) +
         RpcBytes{sequence, 0, 0, 0, 5, 0, 0xff, 0xff, 0xff, 0xff, static_cast<uint8_t>(n_stub),
                  0,        0, 0, 0, 0} +
         RpcBytes(n_stub, 9);
}

// A call of PROFINET IO that writes the record 0x8071 of slot 1, subslot 2.
RpcBytes profinet_io_write() {
  RpcBytes call = datagram(0, 1, 64);
  const RpcBytes interface{0x01, 0x00, 0xa0, 0xde, 0x97, 0x6c, 0xd1, 0x11,
                           0x82, 0x71, 0x00, 0xa0, 0x24, 0x42, 0xdf, 0x7d};
  std::copy(interface.begin(), interface.end(), call.begin() + 24);
  call[68] = 3;
  const RpcBytes block =
      RpcBytes{0, 8, 0, 60, 1, 0, 0, 1} + RpcBytes(20, 0) + RpcBytes{0, 1, 0, 2, 0, 0, 0x80, 0x71};
  std::copy(block.begin(), block.end(), call.begin() + 80 + 20);
  return call;
}

}  // namespace

TEST_CASE("dcerpc: a bind is written with its answer") {
  ParserRun run = tcp();
  CHECK(run.probe(rpc_bind(1)) == Likelihood::kLikely);
  run.feed(rpc_bind(1));
  run.feed(rpc_bind_ack(1), false);
  const auto events = run.log().of(event::kDcerpc);
  REQUIRE(events.size() == 1);
  CHECK(events[0].text(ids::kRequest) == "BIND");
  CHECK(events[0].text(ids::kResponse) == "BINDACK");
  CHECK(events[0].text(ids::kRpcVersion) == "5.0");
  const auto interfaces = events[0].objects(ids::kInterfaces);
  REQUIRE(interfaces.size() == 1);
  CHECK(interfaces[0].text(ids::interfaces::kUuid) == "12345778-1234-abcd-ef00-0123456789ac");
  CHECK(interfaces[0].text(ids::interfaces::kVersion) == "1.0");
  CHECK(interfaces[0].has(ids::interfaces::kAckResult));
}

TEST_CASE("dcerpc: fragments of a call are added up") {
  ParserRun run = tcp(49155);
  run.feed(rpc_request(7, 3, 10, 1) + rpc_request(7, 3, 4, 2));
  run.feed(rpc_response(7, 20, 1), false);
  CHECK(run.log().events.empty());
  run.feed(rpc_response(7, 2, 2), false);
  const auto events = run.log().of(event::kDcerpc);
  REQUIRE(events.size() == 1);
  CHECK(events[0].number(ids::kCallId) == 7);
  const Fields req = events[0].objects(ids::kReq).at(0), res = events[0].objects(ids::kRes).at(0);
  CHECK(req.number(ids::req::kOpnum) == 3);
  CHECK(req.number(ids::req::kFragCnt) == 2);
  CHECK(req.number(ids::req::kStubDataSize) == 14);
  CHECK(res.number(ids::res::kFragCnt) == 2);
  CHECK(res.number(ids::res::kStubDataSize) == 38);
}

TEST_CASE("dcerpc: calls without their other half are written, too") {
  ParserRun run = tcp();
  run.feed(rpc_request(7, 3, 10));
  run.feed(rpc_bind_ack(9, 15), false);
  run.end();
  const auto events = run.log().of(event::kDcerpc);
  REQUIRE(events.size() == 2);
  CHECK(events[0].text(ids::kRequest) == "REQUEST_LOST");
  CHECK(events[0].text(ids::kResponse) == "ALTER_CONTEXT_RESP");
  CHECK(events[1].text(ids::kResponse) == "UNREPLIED");
}

TEST_CASE("dcerpc: the client is who asks, not who sent first") {
  ParserRun run = tcp();
  run.feed(rpc_response(1, 4), true);
  run.feed(rpc_request(2, 1, 4), false);
  run.end();
  for (const Event& e : run.log().events) CHECK(e.side == Side::kResponder);
}

TEST_CASE("dcerpc: reads a stream in any pieces, and goes on after a hole") {
  check_split(AppId::kDcerpc, 135,
              {{true, rpc_bind(1)},
               {false, rpc_bind_ack(1)},
               {true, rpc_request(2, 1, 30) + rpc_request(3, 2, 40)},
               {false, rpc_response(3, 8) + rpc_response(2, 8)}});
  ParserRun run = tcp();
  run.feed(rpc_request(1, 1, 4));
  CHECK(run.gap(true));
  run.feed(RpcBytes{5, 9, 9} + rpc_request(2, 1, 4));
  run.feed(rpc_response(2, 4), false);
  CHECK(run.log().of(event::kDcerpc).size() == 1);
}

TEST_CASE("dcerpc: pairs datagrams by activity and sequence number") {
  ParserRun run = udp();
  CHECK(run.probe(datagram(0, 1, 4)) == Likelihood::kLikely);
  run.feed(datagram(0, 1, 4, 4));
  run.feed(datagram(0, 1, 6, 6));
  run.feed(datagram(2, 1, 8), false);
  run.feed(datagram(0, 2, 8));
  run.end();
  const auto events = run.log().of(event::kDcerpc);
  REQUIRE(events.size() == 2);
  CHECK(events[0].text(ids::kActivityuuid) == "00000001-0002-0003-0405-060708090a0b");
  CHECK(events[0].number(ids::kSeqnum) == 1);
  CHECK(events[0].objects(ids::kReq).at(0).number(ids::req::kFragCnt) == 2);
  CHECK(events[0].objects(ids::kReq).at(0).number(ids::req::kStubDataSize) == 10);
  CHECK(events[1].text(ids::kResponse) == "UNREPLIED");
}

TEST_CASE("dcerpc: calls of PROFINET IO say what they do") {
  ParserRun run(AppId::kDcerpc, Transport::kUdp, 40000, 34964);
  run.feed(profinet_io_write());
  run.feed(datagram(2, 1, 4), false);
  run.feed(datagram(0, 2, 8));
  run.end();
  const auto events = run.log().of(event::kDcerpc);
  REQUIRE(events.size() == 2);
  CHECK(events[0].text(ids::kOperation) == "write");
  const Fields call = events[0].objects(ids::kProfinetIo).at(0);
  CHECK(call.text(ids::profinet_io::kCall) == "write");
  CHECK(call.number(ids::profinet_io::kSlot) == 1);
  CHECK(call.number(ids::profinet_io::kSubslot) == 2);
  CHECK(call.number(ids::profinet_io::kIndex) == 0x8071);
  CHECK(!events[1].has(ids::kProfinetIo));
  CHECK(!events[1].has(ids::kOperation));
}

TEST_CASE("dcerpc: an empty payload is nobody's") {
  CHECK(tcp().probe({}) == Likelihood::kNo);
  CHECK(udp().probe({}) == Likelihood::kNo);
}

TEST_CASE("dcerpc: bounds what it keeps") {
  ParserRun run = tcp();
  for (int i = 0; i < 65; ++i) run.feed(rpc_request(static_cast<uint8_t>(i), 1, 4));
  CHECK(run.log().of(event::kDcerpc).size() == 1);
}

TEST_CASE("dcerpc: survives damage") {
  for (const RpcBytes& pdu :
       {rpc_bind(1), rpc_bind_ack(1), rpc_request(1, 1, 4), rpc_response(1, 4)}) {
    mangle_parser({AppId::kDcerpc, Transport::kTcp, 135, true, pdu});
  }
  mangle_parser({AppId::kDcerpc, Transport::kUdp, 135, true, datagram(0, 1, 4)});
  mangle_parser({AppId::kDcerpc, Transport::kUdp, 34964, true, profinet_io_write()});
}

}  // namespace thymus::test
