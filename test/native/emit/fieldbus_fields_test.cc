#include "emit/fieldbus_fields.h"

#include <doctest/doctest.h>

#include "base/generated/events/ethercat.h"
#include "base/generated/events/goose.h"
#include "base/generated/events/profinet_dcp.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "flow/fieldbus_watch.h"
#include "support/event_reader.h"
#include "support/mangle.h"
#include "support/packet_builder.h"

using namespace thymus;
using namespace thymus::test;

namespace {

namespace goose = event::goose;
namespace ethercat = event::ethercat;
using Raw = std::vector<uint8_t>;

constexpr uint16_t kEthernet = 1;
constexpr int64_t kSecond = 1'000'000'000;

void add(Raw* out, const Raw& more) {
  for (const uint8_t byte : more) out->push_back(byte);
}

Raw goose_pdu(unsigned state) {
  Raw fields{0x80, 2, 'c', 'b', 0x81, 2, 0x03, 0xe8, 0x82, 2, 'd', 's', 0x83, 2, 'i', 'd'};
  add(&fields, {0x85, 3, 0, static_cast<uint8_t>(state >> 8), static_cast<uint8_t>(state)});
  add(&fields, {0x86, 1, 5, 0x87, 1, 0, 0x88, 1, 1, 0x89, 1, 0, 0x8a, 1, 1, 0xab, 3, 0x83, 1, 1});
  Raw out{0x61, static_cast<uint8_t>(fields.size())};
  add(&out, fields);
  return out;
}

Packet goose_frame(unsigned state) {
  const Raw pdu = goose_pdu(state);
  Packet p;
  p.ethernet(0x88b8).be16(7).be16(static_cast<unsigned>(8 + pdu.size())).be32(0).raw(pdu);
  return p;
}

Raw routable_goose(unsigned state) {
  const Raw pdu = goose_pdu(state);
  Raw out{1, 0x40, 0xa1, 23, 0x80, 21, 0, 0, 0, 60, 0, 0, 0, 1, 0, 2};
  add(&out, Raw(11, 0));
  add(&out, {0, 0, 0, static_cast<uint8_t>(6 + pdu.size()), 0x81, 1, 0, 9, 0});
  out.push_back(static_cast<uint8_t>(pdu.size()));
  add(&out, pdu);
  return out;
}

// Two datagrams of two bytes each.
Packet ethercat_frame(unsigned first, unsigned second) {
  Packet p;
  p.ethernet(0x88a4).le16(0x1000 | 28);
  p.u8(first).u8(0).be32(0).le16(0x8002).le16(0).be16(0).le16(1);
  return p.u8(second).u8(1).be32(0).le16(2).le16(0).be16(0).le16(1);
}

// What a station is told or says of itself.
Packet dcp_frame(unsigned frame, unsigned service, unsigned type, const Raw& blocks) {
  Packet p;
  p.ethernet(0x8892).be16(frame).u8(service).u8(type).be32(7).be16(0);
  p.be16(static_cast<unsigned>(blocks.size())).raw(blocks);
  return p;
}

// A name and an address, as an answer has them.
const Raw kStation = {2, 2, 0,  6, 0, 0, 'p', 'l', 'c', '1', 1,  2, 0, 14,
                      0, 1, 10, 0, 0, 1, 255, 0,   0,   0,   10, 0, 0, 254};

class Link final : public flow::FieldbusSink {
 public:
  void show(Bytes frame, int64_t at_ns = 0) {
    decode::PacketView view;
    decode::decode_frame(kEthernet, frame, static_cast<uint32_t>(frame.size()), {}, &view);
    view.ts_ns = view.engine_ns = at_ns;
    view.index = 0;
    watch_.take(view);
  }
  void show(const Packet& packet, int64_t at_ns = 0) { show(packet.bytes(), at_ns); }
  void on_goose(const decode::PacketView& view, const dpi::Goose& message) override {
    emit::write_goose(view, message, &writer_);
  }
  void on_ethercat(const decode::PacketView& view, const dpi::Ethercat& frame) override {
    emit::write_ethercat(view, frame, &writer_);
  }
  void on_profinet(const decode::PacketView& view, const dpi::ProfinetDcp& message) override {
    emit::write_profinet(view, message, &writer_);
  }
  const std::vector<Event>& events() const { return log_.events; }
  const flow::FieldbusCounters& counters() const { return watch_.counters(); }

 private:
  flow::FieldbusWatch watch_{kReplayHashKey, this};
  EventLog log_;
  EventWriter writer_{&log_};
};

}  // namespace

TEST_CASE("fieldbus: a GOOSE message is said when its state is new") {
  Link link;
  link.show(goose_frame(300));
  link.show(goose_frame(300));
  link.show(goose_frame(301));
  REQUIRE(link.events().size() == 2);
  CHECK(link.counters().repeated == 1);
  CHECK(link.events()[0].type == event::kGoose);
  const Fields& f = link.events()[0].fields;
  CHECK(f.number(goose::kAppid) == 7);
  CHECK(f.text(goose::kOperation) == "read");
  CHECK(f.text(goose::kGocbRef) == "cb");
  CHECK(f.text(goose::kDatSet) == "ds");
  CHECK(f.text(goose::kGoId) == "id");
  CHECK(f.number(goose::kTimeAllowedToLive) == 1000);
  CHECK(f.number(goose::kStNum) == 300);
  CHECK(f.number(goose::kSqNum) == 5);
  CHECK(f.all(goose::kSrcMac)[0].size() == 6);
  CHECK(link.events()[1].fields.number(goose::kStNum) == 301);
}

TEST_CASE("fieldbus: a GOOSE message behind a VLAN tag, and a simulated one") {
  Link link;
  Raw tagged = goose_frame(1).bytes();
  const Raw tag = {0x81, 0, 0, 7};
  tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
  link.show(tagged);
  link.show(goose_frame(1).with(14 + 4, 0x80));
  REQUIRE(link.events().size() == 2);
  CHECK(link.events()[0].fields.number(goose::kVlan) == 7);
  CHECK(link.events()[0].fields.number(goose::kTest) == 0);
  CHECK(link.events()[1].fields.number(goose::kTest) == 1);
}

TEST_CASE("fieldbus: an EtherCAT frame is said when its commands are new") {
  Link link;
  link.show(ethercat_frame(7, 8));
  link.show(ethercat_frame(7, 8));
  link.show(ethercat_frame(1, 1));
  REQUIRE(link.events().size() == 2);
  CHECK(link.events()[0].type == event::kEthercat);
  const Fields& f = link.events()[0].fields;
  CHECK(f.number(ethercat::kDatagrams) == 2);
  REQUIRE(f.all(ethercat::kCommands).size() == 2);
  CHECK(f.text(ethercat::kCommands) == "brd");
  CHECK(f.text(ethercat::kOperation) == "write");
  CHECK(link.events()[1].fields.all(ethercat::kCommands).size() == 1);
}

TEST_CASE("fieldbus: PROFINET discovery is said once, process data never") {
  namespace dcp = event::profinet_dcp;
  Link link;
  link.show(dcp_frame(0xfeff, 5, 1, kStation));
  link.show(dcp_frame(0xfeff, 5, 1, kStation));
  link.show(dcp_frame(0xfefd, 4, 0, {2, 2, 0, 5, 0, 1, 'x', 'y', 'z', 0}));
  link.show(dcp_frame(0xfefd, 4, 0, {5, 6, 0, 2, 0, 4}));
  link.show(dcp_frame(0xfefd, 3, 0, {2, 2, 2, 3}));
  link.show(dcp_frame(0x8000, 5, 1, kStation));
  REQUIRE(link.events().size() == 4);
  CHECK(link.counters().invalid == 0);
  const Fields& found = link.events()[0].fields;
  CHECK(found.text(dcp::kOperation) == "identify");
  CHECK(found.text(dcp::kType) == "response");
  CHECK(found.text(dcp::kStation) == "plc1");
  CHECK(found.has(dcp::kIp));
  CHECK(link.events()[1].fields.text(dcp::kOperation) == "write");
  CHECK(link.events()[1].fields.text(dcp::kStation) == "xyz");
  CHECK(link.events()[2].fields.text(dcp::kOperation) == "control");
  CHECK(link.events()[3].fields.all(dcp::kOptions).size() == 2);
}

TEST_CASE("fieldbus: a flood is bounded and counted") {
  Link link;
  for (unsigned i = 0; i < 5'000; ++i) link.show(goose_frame(i));
  CHECK(link.events().size() == flow::FieldbusWatch::kSaidPerSecond);
  CHECK(link.counters().left_out == 5'000 - flow::FieldbusWatch::kSaidPerSecond);
  link.show(goose_frame(6'000), kSecond);
  CHECK(link.events().size() == flow::FieldbusWatch::kSaidPerSecond + 1);
}

TEST_CASE("fieldbus: every truncation and changed byte gives a sound event or none") {
  for (const Raw& sample : {goose_frame(1).bytes(), ethercat_frame(7, 8).bytes(),
                            dcp_frame(0xfeff, 5, 1, kStation).bytes()}) {
    Link link;
    int64_t second = 0;
    mangle(sample, [&](Bytes bytes) { link.show(bytes, ++second * kSecond); });
    for (const Event& e : link.events()) REQUIRE(e.fields.well_formed());
    CHECK(link.counters().invalid > 0);
  }
}

TEST_CASE("goose: routed messages, one event for a state") {
  ParserRun run(dpi::AppId::kGoose, dpi::Transport::kUdp, 40000, 102);
  CHECK(run.probe(routable_goose(1)) == dpi::Likelihood::kLikely);
  CHECK(run.feed(routable_goose(1)) == dpi::Answer::kAccept);
  run.feed(routable_goose(1));
  run.feed(routable_goose(2));
  const auto events = run.log().of(event::kGoose);
  REQUIRE(events.size() == 2);
  CHECK(events[0].number(goose::kAppid) == 9);
  CHECK(events[0].number(goose::kTest) == 1);
  CHECK(events[1].number(goose::kStNum) == 2);
  CHECK(run.probe({1, 0x40, 0xa2, 0}) == dpi::Likelihood::kNo);
  mangle_parser({dpi::AppId::kGoose, dpi::Transport::kUdp, 102, true, routable_goose(1)});
}
