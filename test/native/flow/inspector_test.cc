#include "flow/inspector.h"

#include <doctest/doctest.h>

#include "flow/flow_fixture.h"

using namespace thymus;
using namespace thymus::test;
using namespace thymus::decode::tcp_flag;
using namespace std::string_literals;

namespace {

// One side's segment, as of a frame without options.
decode::PacketView segment(PacketMaker* make, int64_t at_ms, Endpoint from, Endpoint to,
                           uint32_t seq, const std::string& payload) {
  const auto n = static_cast<uint32_t>(payload.size());
  decode::PacketView view = make->tcp(at_ms, from, to, kAck, n, seq);
  view.frame = reinterpret_cast<const uint8_t*>(payload.data());
  view.payload_offset = 0;
  return view;
}

decode::PacketView datagram(PacketMaker* make, int64_t at_ms, Endpoint from, Endpoint to,
                            const std::string& payload) {
  decode::PacketView view = make->udp(at_ms, from, to, static_cast<uint32_t>(payload.size()));
  view.frame = reinterpret_cast<const uint8_t*>(payload.data());
  view.payload_offset = 0;
  return view;
}

// A request of SNMP, which is known on any port.
const std::string kSnmpGet =
    "\x30\x29\x02\x01\x01\x04\x06public\xa0\x1c\x02\x04\x01\x02\x03\x04\x02\x01"
    "\0\x02\x01\0\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x02\0\x05\0"s;

dpi::AppId app_of(TrackerRig* rig) {
  rig->finish_at(1000);
  return rig->sink.records.back().flow.app;
}

}  // namespace

TEST_CASE("inspector: a handshake that is sent again does not begin the stream anew") {
  const std::string start = "GET /a HTTP/1.1\r\n";
  const std::string rest = "Host: a.example\r\n\r\n";
  const auto n = static_cast<uint32_t>(start.size());
  TrackerRig rig;
  rig.feed({rig.make.tcp(0, kClient, kServer, kSyn, 0, 100)});
  auto syn_ack = rig.make.tcp(1, kServer, kClient, kSyn | kAck, 0, 500);
  syn_ack.tcp_ack = 101;
  rig.feed({syn_ack, segment(&rig.make, 2, kClient, kServer, 101, start)});
  SUBCASE("its answer") {
    syn_ack.index = 7;
    rig.feed({syn_ack});
  }
  SUBCASE("its request") { rig.feed({rig.make.tcp(3, kClient, kServer, kSyn, 0, 100)}); }
  rig.feed({segment(&rig.make, 4, kClient, kServer, 101 + n, rest)});
  CHECK(rig.tracker.stream_counters().gaps == 0);
  CHECK(rig.tracker.inspector_counters().bytes == start.size() + rest.size());
  CHECK(app_of(&rig) == dpi::AppId::kHttp);
}

TEST_CASE("inspector: a service on its port is known by its answer to what is none of its own") {
  const Endpoint kResolver{kServer.address, 53};
  const std::string refusal = "\x30\x29\x80\x81\0\0\0\0\0\0\0\0"s;
  TrackerRig rig;
  rig.feed({datagram(&rig.make, 0, kClient, kResolver, kSnmpGet)});
  SUBCASE("which answers in its own words") {
    rig.feed({datagram(&rig.make, 1, kResolver, kClient, refusal)});
    rig.finish_at(10);
    CHECK(rig.sink.records.back().flow.app == dpi::AppId::kDns);
    CHECK(rig.sink.records.back().extras.app_before == dpi::AppId::kSnmp);
  }
  SUBCASE("and by nothing else") {
    rig.feed({datagram(&rig.make, 1, kResolver, kClient, "something")});
    CHECK(app_of(&rig) == dpi::AppId::kSnmp);
  }
}

TEST_CASE("inspector: a side that begins after the other's short start is shown whole") {
  TrackerRig rig;
  const std::string start = "<?xml version='1.0' encoding='UTF-8' ?>";
  const std::string answer = start + "<stream:stream id='1' xmlns='jabber:client'>";
  rig.feed({rig.make.tcp(0, kClient, kServer, kSyn, 0, 100),
            rig.make.tcp(1, kServer, kClient, kSyn | kAck, 0, 500),
            segment(&rig.make, 2, kClient, kServer, 101, "hello"),
            segment(&rig.make, 3, kServer, kClient, 501, answer)});
  CHECK(app_of(&rig) == dpi::AppId::kXmpp);
}

TEST_CASE("inspector: what fills up the frame of an acknowledgement is no payload") {
  const std::string request = "GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n";
  const std::string response = "HTTP/1.1 204 No Content\r\n\r\n";
  const auto app_after = [&](const std::string& before) {
    TrackerRig rig;
    rig.feed({rig.make.tcp(0, kClient, kServer, kSyn, 0, 100),
              rig.make.tcp(1, kServer, kClient, kSyn | kAck, 0, 500),
              segment(&rig.make, 2, kClient, kServer, 101, before),
              segment(&rig.make, 3, kClient, kServer, 101, request),
              segment(&rig.make, 4, kServer, kClient, 501, before),
              segment(&rig.make, 5, kServer, kClient, 501, response)});
    rig.finish_at(10);
    return rig.sink.records.back().flow.app;
  };
  CHECK(app_after(std::string(2, '\0')) == dpi::AppId::kHttp);
  CHECK(app_after(std::string(6, '\0')) == dpi::AppId::kHttp);
  CHECK(app_after("\x01\x02") != dpi::AppId::kHttp);
  CHECK(app_after(std::string(7, '\0')) != dpi::AppId::kHttp);
}

TEST_CASE("inspector: what was announced and turns out to be something else is asked about") {
  const std::string description = "v=0\r\nm=audio 49170 RTP/SAVP 0\r\n";
  const std::string invite = "INVITE sip:bob@example.org SIP/2.0\r\nVia: x\r\n\r\n" + description;
  const Endpoint reports{kClient.address, 49171};
  const auto app_after = [&](const std::string& first) {
    TrackerRig rig;
    rig.feed({datagram(&rig.make, 0, {kClient.address, 5060}, {kServer.address, 5060}, invite),
              datagram(&rig.make, 1, kServer, reports, first)});
    rig.finish_at(10);
    for (const SeenRecord& record : rig.sink.records) {
      if (record.flow.resp_port == reports.port) return record.flow.app;
    }
    return dpi::AppId::kUnknown;
  };
  CHECK(app_after("\x80\xc9\x00\x01\x01\x02\x03\x04unknown"s) == dpi::AppId::kRtcp);
  CHECK(app_after(kSnmpGet) == dpi::AppId::kSnmp);
}
