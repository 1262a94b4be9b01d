#include "emit/neighbour_fields.h"

#include <doctest/doctest.h>

#include "base/generated/events/arp.h"
#include "base/generated/events/nd.h"
#include "flow/neighbour_watch.h"
#include "support/event_reader.h"
#include "support/mangle.h"
#include "support/packet_builder.h"

using namespace thymus;
using namespace thymus::test;

namespace {

namespace arp = event::arp;
namespace nd = event::nd;

constexpr uint16_t kEthernet = 1;
constexpr unsigned kRequest = 1, kReply = 2;
constexpr unsigned kRouterAdvertisement = 134, kSolicitation = 135, kAdvertisement = 136;
constexpr int64_t kSecond = 1'000'000'000;
const std::string kHost = "fe80::1", kOther = "fe80::2", kAllNodes = "ff02::1";

Packet arp_message(unsigned opcode, unsigned station, const std::string& sender,
                   const std::string& target) {
  Packet p;
  p.ethernet(0x0806).be16(1).be16(0x0800).u8(6).u8(4).be16(opcode);
  p.be32(0x02000000).be16(station).be32(ip_address(sender).v4_host_order());
  return p.zeros(6).be32(ip_address(target).v4_host_order());
}

Packet& option_mac(Packet& p, unsigned type, unsigned station) {
  return p.u8(type).u8(1).be32(0x02000000).be16(station);
}

Packet& address(Packet& p, const std::string& text) {
  const IpAddress a = ip_address(text);
  return p.raw({a.bytes.begin(), a.bytes.end()});
}

Packet discovery(unsigned type, const std::string& from, const std::string& to) {
  Packet p;
  p.ethernet(0x86dd).ipv6(from, to, 58).icmpv6(type, 0);
  return p;
}

Packet solicitation(const std::string& from, const std::string& target) {
  Packet p = discovery(kSolicitation, from, kAllNodes);
  return option_mac(address(p, target), 1, 1);
}

Packet advertisement(const std::string& target, unsigned station) {
  Packet p = discovery(kAdvertisement, target, kAllNodes);
  return option_mac(address(p, target), 2, station);
}

Packet router_advertisement() {
  Packet p = discovery(kRouterAdvertisement, kHost, kAllNodes);
  p.be32(0).be32(0);
  option_mac(p, 1, 1).u8(5).u8(1).be16(0).be32(1500);
  p.u8(3).u8(4).u8(64).u8(0xc0).be32(86400).be32(14400).be32(0);
  address(p, "2001:db8::");
  p.u8(25).u8(3).be16(0).be32(600);
  return address(p, "2001:db8::53");
}

// ICMPv6 with what packet_builder sets otherwise: the hop limit and the four bytes after the
// checksum.
std::vector<uint8_t> local(const Packet& packet, uint32_t rest = 0) {
  constexpr size_t kHopLimitAt = 14 + 7, kRestAt = 14 + 40 + 4;
  std::vector<uint8_t> bytes = packet.with(kHopLimitAt, 255);
  for (size_t i = 0; i < 4; ++i) bytes[kRestAt + i] = static_cast<uint8_t>(rest >> (24 - 8 * i));
  return bytes;
}

// Shows frames to a watch and keeps what it says as events.
class Link final : public flow::NeighbourSink {
 public:
  void show(Bytes frame, int64_t at_ns = 0) {
    decode::PacketView view;
    decode::decode_frame(kEthernet, frame, static_cast<uint32_t>(frame.size()), {}, &view);
    view.ts_ns = view.engine_ns = at_ns;
    view.index = 0;
    watch_.take(view);
  }
  void show(const Packet& packet, int64_t at_ns = 0) { show(packet.bytes(), at_ns); }
  void on_neighbour(const decode::PacketView& view, const decode::Neighbour& message,
                    const MacAddress& previous) override {
    emit::write_neighbour(view, message, previous, &writer_);
  }
  const std::vector<Event>& events() const { return log_.events; }
  const flow::NeighbourCounters& counters() const { return watch_.counters(); }

 private:
  flow::NeighbourWatch watch_{kReplayHashKey, this};
  EventLog log_;
  EventWriter writer_{&log_};
};

std::vector<uint8_t> mac(unsigned station) {
  return {2, 0, 0, 0, static_cast<uint8_t>(station >> 8), static_cast<uint8_t>(station)};
}

}  // namespace

TEST_CASE("neighbours: an ARP request and its reply") {
  Link link;
  link.show(arp_message(kRequest, 1, "10.0.0.1", "10.0.0.2"));
  link.show(arp_message(kReply, 2, "10.0.0.2", "10.0.0.1"));
  REQUIRE(link.events().size() == 2);
  const Fields& request = link.events()[0].fields;
  CHECK(link.events()[0].type == event::kArp);
  CHECK(request.text(arp::kHwType) == "ethernet");
  CHECK(request.text(arp::kProtoType) == "ipv4");
  CHECK(request.text(arp::kOpcode) == "request");
  CHECK(request.all(arp::kSrcMac)[0] == mac(1));
  CHECK(request.all(arp::kSrcIp)[0][15] == 1);
  CHECK(request.all(arp::kDestIp)[0][15] == 2);
  CHECK_FALSE(request.has(arp::kFrameMac));
  CHECK(request.number(arp::kGratuitous) == 0);
  const Fields& reply = link.events()[1].fields;
  CHECK(reply.text(arp::kOpcode) == "reply");
  // The frame's sender is station 1 in all of these frames.
  CHECK(reply.all(arp::kFrameMac)[0] == mac(1));
}

TEST_CASE("neighbours: an address that moves to another station") {
  Link link;
  link.show(arp_message(kReply, 1, "10.0.0.1", "10.0.0.9"));
  link.show(arp_message(kReply, 2, "10.0.0.1", "10.0.0.1"));
  REQUIRE(link.events().size() == 2);
  CHECK_FALSE(link.events()[0].fields.has(arp::kPreviousMac));
  CHECK(link.events()[1].fields.all(arp::kPreviousMac)[0] == mac(1));
  CHECK(link.events()[1].fields.number(arp::kGratuitous) == 1);
}

TEST_CASE("neighbours: an ARP probe claims nothing") {
  Link link;
  link.show(arp_message(kRequest, 1, "0.0.0.0", "10.0.0.1"));
  link.show(arp_message(kRequest, 2, "0.0.0.0", "10.0.0.1"));
  REQUIRE(link.events().size() == 2);
  CHECK_FALSE(link.events()[1].fields.has(arp::kPreviousMac));
}

TEST_CASE("neighbours: the same addresses in another VLAN are others") {
  Link link;
  const std::vector<uint8_t> plain = arp_message(kReply, 1, "10.0.0.1", "10.0.0.9").bytes();
  std::vector<uint8_t> tagged = arp_message(kReply, 2, "10.0.0.1", "10.0.0.9").bytes();
  const std::vector<uint8_t> tag = {0x81, 0, 0, 7};
  tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
  link.show(plain);
  link.show(tagged);
  REQUIRE(link.events().size() == 2);
  CHECK_FALSE(link.events()[1].fields.has(arp::kPreviousMac));
  CHECK(link.events()[1].fields.number(arp::kVlan) == 7);
}

TEST_CASE("neighbours: neighbour solicitation and advertisement") {
  Link link;
  link.show(local(solicitation(kHost, kOther)));
  link.show(local(solicitation("::", kHost)));
  link.show(local(advertisement(kOther, 2), 0xe0000000));
  link.show(local(advertisement(kOther, 3), 0x20000000));
  REQUIRE(link.events().size() == 4);
  const Fields& ask = link.events()[0].fields;
  CHECK(link.events()[0].type == event::kNd);
  CHECK(ask.text(nd::kType) == "neighbor_solicitation");
  CHECK(ask.all(nd::kTarget)[0][15] == 2);
  CHECK(ask.all(nd::kMac)[0] == mac(1));
  CHECK(ask.number(nd::kDuplicateAddressDetection) == 0);
  CHECK(link.events()[1].fields.number(nd::kDuplicateAddressDetection) == 1);
  const Fields& answer = link.events()[2].fields;
  CHECK(answer.text(nd::kType) == "neighbor_advertisement");
  CHECK(answer.number(nd::kRouter) == 1);
  CHECK(answer.number(nd::kSolicited) == 1);
  CHECK(answer.number(nd::kOverride) == 1);
  const Fields& moved = link.events()[3].fields;
  CHECK(moved.number(nd::kSolicited) == 0);
  CHECK(moved.all(nd::kPreviousMac)[0] == mac(2));
}

TEST_CASE("neighbours: a router advertisement with its options") {
  Link link;
  link.show(local(router_advertisement(), 0x40c80708));
  REQUIRE(link.events().size() == 1);
  const Fields& f = link.events()[0].fields;
  CHECK(f.text(nd::kType) == "router_advertisement");
  CHECK(f.number(nd::kHopLimit) == 64);
  CHECK(f.number(nd::kManaged) == 1);
  CHECK(f.number(nd::kOtherConfig) == 1);
  CHECK(f.text(nd::kPreference) == "high");
  CHECK(f.number(nd::kRouterLifetime) == 1800);
  CHECK(f.number(nd::kMtu) == 1500);
  REQUIRE(f.objects(nd::kPrefixes).size() == 1);
  const Fields prefix = f.objects(nd::kPrefixes)[0];
  CHECK(prefix.number(nd::prefixes::kLength) == 64);
  CHECK(prefix.number(nd::prefixes::kOnLink) == 1);
  CHECK(prefix.number(nd::prefixes::kValidLifetime) == 86400);
  CHECK(prefix.number(nd::prefixes::kPreferredLifetime) == 14400);
  CHECK(f.all(nd::kDnsServers).size() == 1);
}

TEST_CASE("neighbours: what came through a router is ignored and counted") {
  Link link;
  link.show(solicitation(kHost, kOther));
  CHECK(link.events().empty());
  CHECK(link.counters().invalid == 1);
}

TEST_CASE("neighbours: the same is said once a second, and a flood is bounded") {
  Link link;
  for (int i = 0; i < 3; ++i) link.show(arp_message(kRequest, 1, "10.0.0.1", "10.0.0.2"));
  CHECK(link.counters().said == 1);
  CHECK(link.counters().repeated == 2);
  link.show(arp_message(kRequest, 1, "10.0.0.1", "10.0.0.2"), kSecond);
  CHECK(link.counters().said == 2);
  for (unsigned i = 0; i < 50'000; ++i) {
    link.show(arp_message(kRequest, i, "10.0.0.1", "10.0.0.3"), 2 * kSecond);
  }
  CHECK(link.counters().said <= 2 + flow::NeighbourWatch::kSaid);
  CHECK(link.counters().said + link.counters().repeated + link.counters().left_out == 50'004);
}

TEST_CASE("neighbours: every truncation and changed byte gives a sound event or none") {
  for (const std::vector<uint8_t>& sample :
       {arp_message(kReply, 1, "10.0.0.1", "10.0.0.9").bytes(), local(solicitation(kHost, kOther)),
        local(advertisement(kOther, 2)), local(router_advertisement())}) {
    Link link;
    int64_t second = 0;
    mangle(sample, [&](Bytes bytes) { link.show(bytes, ++second * kSecond); });
    for (const Event& e : link.events()) REQUIRE(e.fields.well_formed());
    CHECK(link.events().size() > sample.size());
  }
}
