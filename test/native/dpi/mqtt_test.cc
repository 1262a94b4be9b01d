#include "base/generated/events/mqtt.h"

#include <string>

#include <doctest/doctest.h>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/parser_split.h"

namespace thymus::test {
namespace {

namespace ids = event::mqtt;
namespace code = anomaly_code;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;
using Raw = std::vector<uint8_t>;

Raw join(std::initializer_list<Raw> parts) {
  Raw out;
  for (const Raw& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

Raw text(const std::string& value) {
  Raw out{static_cast<uint8_t>(value.size() >> 8), static_cast<uint8_t>(value.size())};
  out.insert(out.end(), value.begin(), value.end());
  return out;
}

Raw chars(const std::string& value) { return {value.begin(), value.end()}; }

Raw message(uint8_t lead, const Raw& body) {
  Raw out{lead};
  size_t n = body.size();
  do {
    out.push_back(static_cast<uint8_t>((n & 0x7f) | (n > 0x7f ? 0x80 : 0)));
    n >>= 7;
  } while (n > 0);
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

// With user name and password, and of version 5 with one property.
Raw connect(uint8_t version) {
  const Raw properties = version < 5 ? Raw{} : Raw{3, 33, 0, 20};
  return message(0x10, join({text(version == 3 ? "MQIsdp" : "MQTT"),
                             {version, 0xc2, 0, 60},
                             properties,
                             text("id"),
                             text("user"),
                             text("pass")}));
}

const Raw kConnack = message(0x20, {0, 0});
const Raw kConnack5 = message(0x20, {1, 0, 3, 34, 0, 10});

ParserRun run(uint16_t port = 1883) { return {AppId::kMqtt, Transport::kTcp, 40000, port}; }

ParserRun connected(uint8_t version = 4) {
  ParserRun r = run();
  r.feed(connect(version));
  r.feed(version < 5 ? kConnack : kConnack5, false);
  return r;
}

std::vector<Fields> events_of(const ParserRun& r) { return r.log().of(event::kMqtt); }

std::vector<uint64_t> anomalies_of(const ParserRun& r) {
  std::vector<uint64_t> codes;
  for (const Fields& f : r.log().of(event::kAnomaly)) {
    codes.push_back(f.number(event::anomaly::kCode));
  }
  return codes;
}

TEST_CASE("mqtt: a connection and its acknowledgement are one event") {
  const auto events = events_of(connected(5));
  REQUIRE(events.size() == 1);
  const Fields c = events[0].objects(ids::kConnect).at(0);
  CHECK(c.text(ids::connect::kProtocolString) == "MQTT");
  CHECK(c.number(ids::connect::kProtocolVersion) == 5);
  CHECK(c.text(ids::connect::kClientId) == "id");
  CHECK(c.text(ids::connect::kUsername) == "user");
  CHECK(c.text(ids::connect::kPassword) == "pass");
  const Fields p = c.objects(ids::connect::kProperties).at(0);
  CHECK(p.text(ids::connect::properties::kName) == "receive_maximum");
  CHECK(p.number(ids::connect::properties::kNumber) == 20);
  const Fields ack = events[0].objects(ids::kConnack).at(0);
  CHECK(ack.number(ids::connack::kSessionPresent) == 1);
  CHECK(ack.has(ids::connack::kProperties));
}

TEST_CASE("mqtt: a will is told with its properties") {
  const Raw will_properties{12, 24, 0, 0, 0, 200, 38, 0, 1, 'k', 0, 1, 'v'};
  ParserRun r = run();
  r.feed(message(0x10, join({text("MQTT"),
                             {5, 0x06, 0, 60, 0},
                             text(""),
                             will_properties,
                             text("topic"),
                             text("gone")})));
  r.end();
  REQUIRE(events_of(r).size() == 1);
  const Fields will =
      events_of(r)[0].objects(ids::kConnect).at(0).objects(ids::connect::kWill).at(0);
  CHECK(will.text(ids::connect::will::kTopic) == "topic");
  CHECK(will.text(ids::connect::will::kMessage) == "gone");
  const auto pairs = will.objects(ids::connect::will::kProperties);
  REQUIRE(pairs.size() == 2);
  CHECK(pairs[0].number(ids::connect::will::properties::kNumber) == 200);
  CHECK(pairs[1].text(ids::connect::will::properties::kName) == "k");
  CHECK(pairs[1].text(ids::connect::will::properties::kText) == "v");
}

TEST_CASE("mqtt: exactly-once delivery is one event of four messages") {
  ParserRun r = connected();
  r.feed(message(0x34, join({text("t"), {0, 7}, chars("hello")})));
  r.feed(message(0x50, {0, 7}), false);
  r.feed(message(0x62, {0, 7}));
  CHECK(events_of(r).size() == 1);
  r.feed(message(0x70, {0, 7}), false);
  REQUIRE(events_of(r).size() == 2);
  const Fields e = events_of(r)[1];
  const Fields publish = e.objects(ids::kPublish).at(0);
  CHECK(publish.number(ids::publish::kQos) == 2);
  CHECK(publish.text(ids::publish::kTopic) == "t");
  CHECK(publish.text(ids::publish::kMessage) == "hello");
  CHECK(publish.number(ids::publish::kMessageId) == 7);
  for (const uint16_t kind : {ids::kPubrec, ids::kPubrel, ids::kPubcomp}) CHECK(e.has(kind));
  CHECK(anomalies_of(r).empty());
}

TEST_CASE("mqtt: exchanges with other numbers and directions are kept apart") {
  ParserRun r = connected();
  r.feed(
      join({message(0x32, join({text("a"), {0, 1}})), message(0x32, join({text("b"), {0, 2}}))}));
  r.feed(message(0x32, join({text("c"), {0, 1}})), false);
  r.feed(message(0x40, {0, 2}), false);
  r.feed(message(0x40, {0, 1}));
  r.end();
  std::vector<std::string> topics;
  for (const Fields& e : events_of(r)) {
    if (!e.has(ids::kPublish)) continue;
    topics.push_back(e.objects(ids::kPublish)[0].text(ids::publish::kTopic) +
                     (e.has(ids::kPuback) ? "+" : "-"));
  }
  CHECK(topics == std::vector<std::string>{"b+", "c+", "a-"});
}

TEST_CASE("mqtt: subscriptions and their ends") {
  ParserRun r = connected(5);
  r.feed(message(0x82, join({{0, 1, 0}, text("x"), {1}, text("y"), {2}})));
  r.feed(message(0x90, {0, 1, 0, 1, 2}), false);
  r.feed(message(0xa2, join({{0, 2, 0}, text("x")})));
  r.feed(message(0xb0, {0, 2, 0, 17}), false);
  REQUIRE(events_of(r).size() == 3);
  const auto topics = events_of(r)[1].objects(ids::kSubscribe)[0].objects(ids::subscribe::kTopics);
  REQUIRE(topics.size() == 2);
  CHECK(topics[1].text(ids::subscribe::topics::kTopic) == "y");
  CHECK(topics[1].number(ids::subscribe::topics::kQos) == 2);
  CHECK(events_of(r)[1].objects(ids::kSuback)[0].all(ids::suback::kQosGranted).size() == 2);
  CHECK(events_of(r)[2].objects(ids::kUnsubscribe)[0].text(ids::unsubscribe::kTopics) == "x");
  CHECK(events_of(r)[2].objects(ids::kUnsuback)[0].number(ids::unsuback::kReasonCodes) == 17);
}

TEST_CASE("mqtt: reason codes belong to version 5") {
  ParserRun r = connected(5);
  r.feed(message(0xe0, {4, 5, 17, 0, 0, 0, 122}));
  const Fields d = events_of(r).at(1).objects(ids::kDisconnect).at(0);
  CHECK(d.number(ids::disconnect::kReasonCode) == 4);
  CHECK(d.has(ids::disconnect::kProperties));
  ParserRun old = connected(4);
  old.feed(message(0xe0, {}));
  CHECK_FALSE(
      events_of(old).at(1).objects(ids::kDisconnect).at(0).has(ids::disconnect::kReasonCode));
}

TEST_CASE("mqtt: what breaks the rules is named") {
  ParserRun r = run();
  r.feed(kConnack, false);
  CHECK(anomalies_of(r) == std::vector<uint64_t>{code::kMqttMissingConnect});
  r.feed(connect(4));
  r.feed(message(0x40, {0, 9}), false);
  r.feed(message(0x36, join({text("t"), {0, 1}})));
  r.feed(message(0x00, {0, 1}));
  CHECK(anomalies_of(r) ==
        std::vector<uint64_t>{code::kMqttMissingConnect, code::kMqttDoubleConnect,
                              code::kMqttMissingPublish, code::kMqttInvalidQosLevel,
                              code::kMqttUnassignedMsgType});
  ParserRun early = run();
  early.feed(connect(4));
  early.feed(message(0x30, text("t")));
  CHECK(anomalies_of(early) == std::vector<uint64_t>{code::kMqttUnintroducedMessage});
}

TEST_CASE("mqtt: a message larger than what is kept is cut and the rest skipped") {
  ParserRun r = connected();
  const Raw large = message(0x30, join({text("t"), Raw(100000, 'x')}));
  r.feed(join({large, message(0xc0, {})}));
  REQUIRE(events_of(r).size() == 3);
  const std::string shown = events_of(r)[1].objects(ids::kPublish)[0].text(ids::publish::kMessage);
  CHECK(shown.ends_with("x[truncated 98976 additional bytes]"));
  CHECK(events_of(r)[2].has(ids::kPingreq));
}

TEST_CASE("mqtt: exchanges beyond the limit are written unfinished") {
  ParserRun r = connected();
  for (uint16_t i = 1; i <= 300; ++i) {
    r.feed(
        message(0x32, join({text("t"), {static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)}})));
  }
  CHECK(events_of(r).size() == 1 + 300 - 256);
  r.end();
  CHECK(events_of(r).size() == 301);
}

TEST_CASE("mqtt: after a hole messages are found again at a segment's start") {
  ParserRun r = connected();
  CHECK(r.gap(true));
  CHECK(r.feed({1, 2, 3}) == Answer::kAccept);
  r.feed(message(0xc0, {}));
  REQUIRE(events_of(r).size() == 2);
  CHECK(events_of(r)[1].has(ids::kPingreq));
}

TEST_CASE("mqtt: a connection is known on any port, other messages on 1883") {
  CHECK(run(9999).probe(connect(3)) == Likelihood::kLikely);
  CHECK(run(9999).probe(message(0xc0, {})) == Likelihood::kNo);
  CHECK(run().probe(message(0xc0, {})) == Likelihood::kLikely);
  CHECK(run().probe(chars("GET / HTTP/1.1")) == Likelihood::kNo);
  CHECK(run().probe(message(0x16, {3, 1})) == Likelihood::kNo);
}

TEST_CASE("mqtt: segments may be cut anywhere") {
  check_split(AppId::kMqtt, 1883,
              {{true, join({connect(5), message(0x32, join({text("a"), {0, 1, 0}, chars("x")})),
                            message(0xe0, {})})},
               {false, join({kConnack5, message(0x40, {0, 1})})}});
}

TEST_CASE("mqtt: survives damage") {
  for (const Raw& sample :
       {connect(5), message(0x34, join({text("a"), {0, 1, 0}, chars("x")})),
        message(0x82, join({{0, 1}, text("x"), {1}})), message(0xe0, {4, 5, 17, 0, 0, 0, 122})}) {
    mangle_parser({AppId::kMqtt, Transport::kTcp, 1883, true, sample});
  }
}

}  // namespace
}  // namespace thymus::test
