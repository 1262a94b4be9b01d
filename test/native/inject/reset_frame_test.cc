#include "inject/reset_frame.h"

#include <doctest/doctest.h>

#include "inject/tcp_segment.h"
#include "support/mangle.h"

namespace thymus::inject {
namespace {

using namespace test;
namespace tcp_flag = decode::tcp_flag;

constexpr uint8_t kFin = tcp_flag::kFin, kSyn = tcp_flag::kSyn, kRst = tcp_flag::kRst,
                  kPsh = tcp_flag::kPsh, kAck = tcp_flag::kAck;
constexpr MacAddress kOwn{0x02, 0, 0, 0, 0, 0x99}, kFrom{0x02, 0, 0, 0, 0, 0x01},
    kTo{0x02, 0, 0, 0, 0, 0x02}, kRouter{0x02, 0, 0, 0, 0, 0x77};
const Link kLink{kOwn, std::nullopt};

// Of the reset that answers a segment.
struct Seen {
  ResetFrame frame;
  decode::PacketView view;
  Seen(const std::vector<uint8_t>& answered, Toward toward, const Link& link = kLink)
      : frame(make_reset(view_of(answered), toward, link, 57)), view(view_of(frame.bytes())) {
    CHECK(view.transport_ok);
    CHECK_FALSE(view.bad_checksum);
    CHECK(view.n_anomalies == 0);
    CHECK(view.payload_wire_bytes == 0);
    CHECK(view.ttl == 57);
    CHECK((view.tcp_flags & kRst) != 0);
    CHECK(view.src_mac == link.own);
    CHECK_FALSE(is_answerable(view));
  }
};

TEST_CASE("make_reset: data is answered with what each end expects next") {
  for (const Ends& ends : {Ends{}, Ends{kClient6, kServer6}}) {
    CAPTURE(ends.from);
    const auto data = segment(kPsh | kAck, ends, "hello");
    const auto& back = Seen(data, Toward::kSender).view;
    CHECK(back.src == ip_address(ends.to));
    CHECK(back.dst == ip_address(ends.from));
    CHECK(back.src_port == 443);
    CHECK(back.dst_port == 40000);
    CHECK(back.dst_mac == kFrom);
    CHECK(back.tcp_flags == (kRst | kAck));
    CHECK(back.tcp_seq == kAcknowledgment);
    CHECK(back.tcp_ack == kSequence + 5);
    const auto& on = Seen(data, Toward::kReceiver).view;
    CHECK(on.src == ip_address(ends.from));
    CHECK(on.dst == ip_address(ends.to));
    CHECK(on.src_port == 40000);
    CHECK(on.dst_port == 443);
    CHECK(on.dst_mac == kTo);
    CHECK(on.tcp_flags == (kRst | kAck));
    CHECK(on.tcp_seq == kSequence + 5);
    CHECK(on.tcp_ack == kAcknowledgment);
  }
}

TEST_CASE("make_reset: a SYN is refused, and its receiver forgets it") {
  const auto syn = segment(kSyn);
  const auto& back = Seen(syn, Toward::kSender).view;
  CHECK(back.tcp_flags == (kRst | kAck));
  CHECK(back.tcp_seq == 0);
  CHECK(back.tcp_ack == kSequence + 1);
  const auto& on = Seen(syn, Toward::kReceiver).view;
  CHECK(on.tcp_flags == kRst);
  CHECK(on.tcp_seq == kSequence + 1);
  CHECK(on.tcp_ack == 0);
}

TEST_CASE("make_reset: SYN and FIN take one number each") {
  CHECK(Seen(segment(kSyn | kAck), Toward::kReceiver).view.tcp_seq == kSequence + 1);
  CHECK(Seen(segment(kFin | kAck, {}, "bye"), Toward::kReceiver).view.tcp_seq == kSequence + 4);
  CHECK(Seen(segment(kAck), Toward::kReceiver).view.tcp_seq == kSequence);
}

TEST_CASE("make_reset: sequence numbers wrap") {
  auto data = segment(kAck, {}, "hello");
  constexpr size_t kSequenceAt = 14 + 20 + 4;
  for (size_t i = 0; i < 4; ++i) data[kSequenceAt + i] = 0xff;
  CHECK(make_reset(view_of(data), Toward::kReceiver, kLink, 57).bytes().size() == 54);
  CHECK(view_of(make_reset(view_of(data), Toward::kReceiver, kLink, 57).bytes()).tcp_seq == 4);
}

TEST_CASE("make_reset: the length is that on the wire where the capture was cut") {
  const auto data = segment(kAck, {}, std::string(1000, 'x'));
  const Bytes head = Bytes(data).first(60);
  decode::PacketView view;
  decode::decode_frame(1, head, static_cast<uint32_t>(data.size()), {}, &view);
  REQUIRE(is_answerable(view));
  CHECK(segment_length(view) == 1000);
}

TEST_CASE("make_reset: keeps VLAN tags, and leaves them out towards a router") {
  Packet packet;
  packet.ethernet(0x88a8).vlan(100, 0x8100).vlan(7, 0x0800);
  const auto tagged = packet.ipv4(kClient, kServer, 6).tcp(1, 2, kAck).bytes();
  const auto& same = Seen(tagged, Toward::kSender).view;
  CHECK(same.vlan_outer == 100);
  CHECK(same.vlan_inner == 7);
  CHECK(same.dst_mac == kFrom);
  const auto& routed = Seen(tagged, Toward::kSender, {kOwn, kRouter}).view;
  CHECK(routed.vlan_outer == decode::kNoVlan);
  CHECK(routed.dst_mac == kRouter);
}

TEST_CASE("make_reset: follows IPv6 extension headers") {
  Packet packet;
  packet.ethernet(0x86dd).ipv6(kClient6, kServer6, 60);
  packet.raw({6, 0, 1, 4, 0, 0, 0, 0});
  // The sums of extension headers are not made by the builder.
  const auto frame = packet.tcp(1, 2, kAck).text("abc").bytes();
  REQUIRE(is_answerable(view_of(frame)));
  CHECK(Seen(frame, Toward::kReceiver).view.tcp_seq == kSequence + 3);
}

TEST_CASE("is_answerable: refuses what it cannot answer or must not") {
  const auto refuses = [](const std::vector<uint8_t>& frame) {
    return !is_answerable(view_of(frame));
  };
  CHECK_FALSE(refuses(segment(kAck)));
  CHECK(refuses(segment(kRst)));
  CHECK(refuses(segment(kRst | kAck)));
  CHECK(refuses(Packet().ethernet().ipv4(kClient, kServer).udp(1, 2).bytes()));
  CHECK(refuses(segment(kAck, {kClient, "224.0.0.1"})));
  CHECK(refuses(segment(kAck, {kClient, "255.255.255.255"})));
  CHECK(refuses(segment(kAck, {"0.0.0.0", kServer})));
  CHECK(refuses(segment(kAck, {kClient6, "ff02::1"})));
  auto to_all = segment(kAck);
  to_all[0] = 0xff;
  CHECK(refuses(to_all));
  auto fragment = Packet().ethernet().ipv4(kClient, kServer, 6).tcp(1, 2, kAck).bytes();
  fragment[14 + 6] = 0x20;
  CHECK(refuses(fragment));
  Packet three;
  three.ethernet(0x8100).vlan(1, 0x8100).vlan(2, 0x8100).vlan(3, 0x0800);
  CHECK(refuses(three.ipv4(kClient, kServer, 6).tcp(1, 2, kAck).bytes()));
  Packet tunnelled;
  tunnelled.ethernet().ipv4("10.1.0.1", "10.1.0.2", 4);
  CHECK(refuses(tunnelled.ipv4(kClient, kServer, 6).tcp(1, 2, kAck).bytes()));
}

TEST_CASE("make_reset: survives damage, and never speaks for other addresses than the frame's") {
  for (const Ends& ends : {Ends{}, Ends{kClient6, kServer6}}) {
    mangle(segment(kPsh | kAck, ends, "hello"), [](Bytes frame) {
      const decode::PacketView view = view_of(frame);
      if (!is_answerable(view)) return;
      for (const Toward toward : {Toward::kSender, Toward::kReceiver}) {
        const ResetFrame reset = make_reset(view, toward, kLink, 64);
        const decode::PacketView made = view_of(reset.bytes());
        REQUIRE(made.transport_ok);
        const bool on = toward == Toward::kReceiver;
        CHECK((on ? made.src : made.dst) == view.src);
        CHECK((on ? made.dst : made.src) == view.dst);
      }
    });
  }
}

}  // namespace
}  // namespace thymus::inject
