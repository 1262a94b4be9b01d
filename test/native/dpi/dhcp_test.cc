#include "base/generated/events/dhcp.h"

#include <string>

#include <doctest/doctest.h>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"

namespace thymus::test {
namespace {

namespace ids = event::dhcp;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;
using Raw = std::vector<uint8_t>;

Raw message(uint8_t op, const Raw& options) {
  Raw out(236);
  out[0] = op;
  out[1] = 1;
  out[2] = 6;
  out[7] = 9;  // xid
  for (int i = 12; i < 28; ++i) out[static_cast<size_t>(i)] = static_cast<uint8_t>(i);
  for (int i = 28; i < 34; ++i) out[static_cast<size_t>(i)] = 0xa0;
  for (const uint8_t byte : {0x63, 0x82, 0x53, 0x63}) out.push_back(byte);
  out.insert(out.end(), options.begin(), options.end());
  return out;
}

const Raw kOptions{53,  1,   5,   0,   61,  7,  1,  1,  2,  3,   4,   5,  6,  12, 2,
                   'p', 'c', 55,  3,   1,   3,  99, 1,  4,  255, 255, 0,  0,  3,  8,
                   10,  0,   0,   1,   10,  0,  0,  2,  51, 4,   0,   0,  14, 16, 60,
                   4,   'M', 'S', 'F', 'T', 50, 4,  10, 0,  0,   9,   255};

ParserRun run(uint16_t port = 67) { return {AppId::kDhcp, Transport::kUdp, 68, port}; }

TEST_CASE("dhcp: a reply with its options") {
  ParserRun r = run();
  REQUIRE(r.feed(message(2, kOptions), false) == Answer::kAccept);
  const Fields e = r.log().of(event::kDhcp).at(0);
  CHECK(e.text(ids::kType) == "reply");
  CHECK(e.number(ids::kId) == 9);
  CHECK(e.text(ids::kClientIp) == "12.13.14.15");
  CHECK(e.text(ids::kAssignedIp) == "16.17.18.19");
  CHECK(e.text(ids::kNextServerIp) == "20.21.22.23");
  CHECK(e.text(ids::kRelayIp) == "24.25.26.27");
  CHECK(e.text(ids::kDhcpType) == "ack");
  CHECK(e.text(ids::kClientId) == "01:02:03:04:05:06");
  CHECK(e.text(ids::kHostname) == "pc");
  CHECK(e.all(ids::kParams).size() == 2);
  CHECK(e.text(ids::kSubnetMask) == "255.255.0.0");
  CHECK(e.all(ids::kRouters).size() == 2);
  CHECK(e.number(ids::kLeaseTime) == 3600);
  CHECK(e.text(ids::kVendorClassIdentifier) == "MSFT");
  CHECK(e.text(ids::kRequestedIp) == "10.0.0.9");
  CHECK(r.log().of(event::kAnomaly).empty());
}

TEST_CASE("dhcp: a request names no servers") {
  ParserRun r = run();
  r.feed(message(1, kOptions));
  const Fields e = r.log().of(event::kDhcp).at(0);
  CHECK(e.text(ids::kType) == "request");
  CHECK_FALSE(e.has(ids::kRelayIp));
}

TEST_CASE("dhcp: options without an end are named unless the capture cut them") {
  ParserRun r = run();
  r.feed(message(1, {53, 1, 3, 12, 9, 'x'}));
  CHECK(r.log().of(event::kAnomaly).at(0).number(event::anomaly::kCode) ==
        anomaly_code::kDhcpTruncatedOptions);
  ParserRun cut = run();
  cut.feed(message(1, {53, 1, 3, 12, 9, 'x'}), true, 8);
  CHECK(cut.log().of(event::kAnomaly).empty());
}

TEST_CASE("dhcp: known by its cookie on any port") {
  CHECK(run(9999).probe(message(1, kOptions)) == Likelihood::kLikely);
  CHECK(run().probe(Raw(300)) == Likelihood::kNo);
}

TEST_CASE("dhcp: survives damage") {
  mangle_parser({AppId::kDhcp, Transport::kUdp, 67, true, message(2, kOptions)});
}

}  // namespace
}  // namespace thymus::test
