#include "base/generated/events/bacnet.h"

#include <string>

#include <doctest/doctest.h>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "dpi/industrial/raw.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"

namespace thymus::test {
namespace {

namespace ids = event::bacnet;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

Raw link(uint8_t function, const Raw& body) {
  return Raw{0x81, function} + be16(4 + body.size()) + body;
}
Raw unicast(const Raw& apdu) { return link(0x0a, Raw{1, 4} + apdu); }

ParserRun run(uint16_t port = 47808) { return {AppId::kBacnet, Transport::kUdp, 40000, port}; }
std::vector<Fields> events_of(const ParserRun& r) { return r.log().of(event::kBacnet); }

// The device object with an instance.
Raw device(uint32_t instance) { return be32(8u << 22 | instance); }

const Raw kWhoIs = link(0x0b, {1, 0x20, 0xff, 0xff, 0, 255, 0x10, 8, 0x09, 5, 0x19, 9});
const Raw kIAm = link(0x0b, Raw{1, 0x20, 0xff, 0xff, 0, 255, 0x10, 0, 0xc4} + device(7) +
                                Raw{0x22, 1, 0xe0, 0x91, 0, 0x21, 24});
const Raw kReadProperty = unicast(Raw{0, 5, 1, 12, 0x0c} + device(7) + Raw{0x19, 76, 0x29, 2});
const Raw kWriteProperty = unicast(Raw{0, 5, 2, 15, 0x0c} + be32(4u << 22 | 3) +
                                   Raw{0x19, 85, 0x3e, 0x91, 1, 0x3f, 0x49, 8});
const Raw kReadMultiple =
    unicast(Raw{0, 5, 3, 14, 0x0c} + device(7) + Raw{0x1e, 0x09, 77, 0x09, 70, 0x1f, 0x0c} +
            be32(1) + Raw{0x1e, 0x09, 85, 0x19, 1, 0x1f});
const Raw kRestart = unicast({0, 5, 4, 20, 0x09, 1});
const Raw kError = unicast({0x50, 2, 15, 0x91, 2, 0x91, 40});

TEST_CASE("bacnet: who is there") {
  ParserRun r = run();
  CHECK(r.probe(kWhoIs) == Likelihood::kLikely);
  CHECK(r.feed(kWhoIs) == Answer::kAccept);
  r.feed(kIAm, false);
  const auto events = events_of(r);
  REQUIRE(events.size() == 2);
  CHECK(events[0].text(ids::kOperation) == "identify");
  CHECK(events[0].text(ids::kBvlc) == "original_broadcast_npdu");
  CHECK(events[0].text(ids::kService) == "who_is");
  CHECK(events[0].number(ids::kLowLimit) == 5);
  CHECK(events[0].number(ids::kHighLimit) == 9);
  CHECK(events[0].number(ids::kDestNetwork) == 0xffff);
  CHECK(events[1].text(ids::kService) == "i_am");
  CHECK(events[1].number(ids::kVendorId) == 24);
  CHECK(events[1].objects(ids::kObjects).at(0).text(ids::objects::kType) == "device");
  CHECK(events[1].objects(ids::kObjects).at(0).number(ids::objects::kInstance) == 7);
}

TEST_CASE("bacnet: properties that are read and written") {
  ParserRun r = run();
  r.feed(kReadProperty);
  r.feed(kWriteProperty);
  r.feed(kReadMultiple);
  const auto events = events_of(r);
  REQUIRE(events.size() == 3);
  CHECK(events[0].text(ids::kOperation) == "read");
  CHECK(events[0].objects(ids::kObjects).at(0).text(ids::objects::kProperty) == "object_list");
  CHECK(events[0].objects(ids::kObjects).at(0).number(ids::objects::kIndex) == 2);
  CHECK(events[1].text(ids::kOperation) == "write");
  CHECK(events[1].objects(ids::kObjects).at(0).text(ids::objects::kType) == "binary_output");
  CHECK(events[1].objects(ids::kObjects).at(0).text(ids::objects::kProperty) == "present_value");
  CHECK(events[1].number(ids::kPriority) == 8);
  const auto objects = events[2].objects(ids::kObjects);
  REQUIRE(objects.size() == 3);
  CHECK(objects[1].text(ids::objects::kProperty) == "model_name");
  CHECK(objects[1].text(ids::objects::kType) == "device");
  CHECK(objects[2].text(ids::objects::kType) == "analog_input");
  CHECK(objects[2].number(ids::objects::kIndex) == 1);
}

TEST_CASE("bacnet: commands to a device and what it refuses") {
  ParserRun r = run();
  r.feed(kRestart);
  r.feed(kError, false);
  r.feed(unicast({0x60, 4, 9}), false);
  r.feed(link(5, {0, 60}));
  r.feed(link(0x0b, {1, 0x80, 0}));
  const auto events = events_of(r);
  REQUIRE(events.size() == 5);
  CHECK(events[0].text(ids::kOperation) == "control");
  CHECK(events[0].text(ids::kService) == "reinitialize_device");
  CHECK(events[1].text(ids::kErrorClass) == "property");
  CHECK(events[1].text(ids::kErrorCode) == "write_access_denied");
  CHECK(events[2].text(ids::kReason) == "unrecognized_service");
  CHECK(events[3].number(ids::kTtl) == 60);
  CHECK(events[4].text(ids::kNetworkMessage) == "who_is_router_to_network");
}

TEST_CASE("bacnet: what breaks the format is an anomaly") {
  ParserRun r = run();
  r.feed(unicast(Raw{0, 5, 1, 12, 0x0c, 1}));
  CHECK(r.feed({0x81, 0x0a, 0, 99}) == Answer::kAccept);
  CHECK(r.log().of(event::kAnomaly).size() == 2);
  CHECK(run().feed({0x81, 0x0a, 0, 99}) == Answer::kReject);
}

TEST_CASE("bacnet: recognised by content on any port") {
  CHECK(run(9999).probe(kReadProperty) == Likelihood::kLikely);
  CHECK(run(9999).probe(link(0, {0, 0})) == Likelihood::kNo);
  CHECK(run(9999).probe(link(0x0a, {2, 0, 0, 0})) == Likelihood::kNo);
  CHECK(run(9999).probe({0x81, 0x0a, 0}) == Likelihood::kNo);
}

TEST_CASE("bacnet: survives damage") {
  for (const Raw& sample :
       {kWhoIs, kIAm, kReadProperty, kWriteProperty, kReadMultiple, kRestart, kError}) {
    mangle_parser({AppId::kBacnet, Transport::kUdp, 47808, true, sample});
  }
}

}  // namespace
}  // namespace thymus::test
