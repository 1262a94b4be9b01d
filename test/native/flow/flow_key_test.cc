#include "flow/flow_key.h"

#include <doctest/doctest.h>

#include "flow_fixture.h"

using namespace thymus;
using namespace thymus::test;
using flow::FlowKey;

namespace {

constexpr uint8_t kEchoRequest = 8, kEchoReply = 0;

decode::PacketView echo(Endpoint from, Endpoint to, uint8_t type, uint16_t id) {
  decode::PacketView v{};
  v.network = decode::Network::kIpv4;
  v.protocol = decode::ip_protocol::kIcmp;
  v.src = from.address;
  v.dst = to.address;
  v.transport_ok = true;
  v.icmp_type = type;
  v.icmp_id = id;
  v.vlan_outer = v.vlan_inner = decode::kNoVlan;
  return v;
}

FlowKey key_of(const decode::PacketView& view) {
  FlowKey key;
  flow::make_key(view, &key);
  return key;
}

}  // namespace

TEST_CASE("flow key: both directions have the same, and say who sent") {
  PacketMaker make;
  FlowKey there, back;
  const bool there_from_b = flow::make_key(make.tcp(0, kClient, kServer, 0), &there);
  const bool back_from_b = flow::make_key(make.tcp(0, kServer, kClient, 0), &back);
  CHECK(there == back);
  CHECK(there_from_b != back_from_b);
}

TEST_CASE("flow key: an echo and its reply are one flow; asking back and another id are others") {
  const FlowKey request = key_of(echo(kClient, kServer, kEchoRequest, 7));
  CHECK(key_of(echo(kServer, kClient, kEchoReply, 7)) == request);
  CHECK_FALSE(key_of(echo(kServer, kClient, kEchoRequest, 7)) == request);
  CHECK_FALSE(key_of(echo(kClient, kServer, kEchoRequest, 8)) == request);
}

TEST_CASE("flow key: each security association of ESP is a flow, its fragments are none of them") {
  const auto esp = [](Endpoint from, Endpoint to, const std::vector<uint8_t>& spi) {
    decode::PacketView v{};
    v.network = decode::Network::kIpv4;
    v.protocol = decode::ip_protocol::kEsp;
    v.src = from.address;
    v.dst = to.address;
    v.frame = spi.data();
    v.payload_bytes = v.payload_wire_bytes = static_cast<uint32_t>(spi.size());
    return v;
  };
  const std::vector<uint8_t> one{0x12, 0x34, 0x56, 0x78, 0, 0, 0, 1}, two{0, 0, 0, 9, 0, 0, 0, 1};
  for (const auto& [from, to] : {std::pair{kClient, kServer}, std::pair{kServer, kClient}}) {
    FlowKey key;
    const bool from_b = flow::make_key(esp(from, to, one), &key);
    CHECK(flow::spi_of(key, from_b) == 0x12345678);
    CHECK_FALSE(key_of(esp(from, to, two)) == key);
    CHECK_FALSE(key_of(esp(to, from, one)) == key);
    decode::PacketView fragment = esp(from, to, one);
    fragment.is_fragment = true;
    FlowKey of_fragments;
    CHECK(flow::spi_of(of_fragments, flow::make_key(fragment, &of_fragments)) == 0);
    CHECK(key_of(esp(from, to, {})) == of_fragments);
  }
}

TEST_CASE("flow key: networks and VLANs apart, TEIDs of the two directions together") {
  PacketMaker make;
  decode::PacketView v = make.udp(0, kClient, kServer, 1);
  const FlowKey plain = key_of(v);
  v.vlan_outer = 5;
  CHECK_FALSE(key_of(v) == plain);
  v.vlan_outer = decode::kNoVlan;
  v.tunnel_type = decode::Encap::kVxlan;
  v.tunnel_id = 1;
  const FlowKey blue = key_of(v);
  v.tunnel_id = 2;
  CHECK_FALSE(key_of(v) == blue);
  v.tunnel_type = decode::Encap::kGtpU;
  const FlowKey uplink = key_of(v);
  v.tunnel_id = 3;
  CHECK(key_of(v) == uplink);
}
