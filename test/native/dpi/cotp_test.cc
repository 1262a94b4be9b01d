#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "base/generated/events/mms.h"
#include "base/generated/events/s7comm.h"
#include "base/generated/events/s7comm_plus.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/parser_split.h"

namespace thymus::test {
namespace {

using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;
using Raw = std::vector<uint8_t>;

Raw operator+(Raw a, const Raw& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Raw packet(const Raw& header, const Raw& data) {
  const size_t length = 5 + header.size() + data.size();
  return Raw{3, 0, static_cast<uint8_t>(length >> 8), static_cast<uint8_t>(length),
             static_cast<uint8_t>(header.size())} +
         header + data;
}

Raw data(const Raw& unit, bool is_end = true) {
  return packet({0xf0, static_cast<uint8_t>(is_end ? 0x80 : 0)}, unit);
}

// An element of the Basic Encoding Rules, also a session parameter. REQUIRES: less than 128 bytes.
Raw element(const Raw& tag, const Raw& content) {
  return tag + Raw{static_cast<uint8_t>(content.size())} + content;
}

Raw presented(uint8_t presentation_context, const Raw& value) {
  return element({0x61}, element({0x30}, Raw{2, 1, presentation_context} + element({0xa0}, value)));
}

Raw transferred(const Raw& pdu) { return Raw{1, 0, 1, 0} + presented(3, pdu); }

const Raw kConnect = packet({0xe0, 0, 0, 0, 4, 0, 0xc0, 1, 10, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2}, {});
const Raw kConfirm = packet({0xd0, 0, 4, 0, 9, 0, 0xc0, 1, 10, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2}, {});
const Raw kSetup{0x32, 1, 0, 0, 2, 0, 0, 8, 0, 0, 0xf0, 0, 0, 1, 0, 1, 1, 0xe0};
const Raw kReadAnswer{0x32, 3, 0, 0, 2, 1, 0, 2, 0, 1, 0x85, 4, 4, 1, 0xff};
const Raw kReadClock{0x32, 7, 0, 0, 3, 0, 0, 8, 0, 4, 0, 1, 0x12, 4, 0x11, 0x47, 1, 0, 10, 0, 0, 0};
const Raw kExplore{0x72, 1, 0, 16, 0x31, 0, 0, 0x04, 0xbb, 0, 0, 0,
                   9,    1, 2, 3,  4,    5, 6, 7,    0x72, 1, 0, 0};
const Raw kWrite = element({0xa0}, Raw{2, 1, 7} + element({0xa5}, {0xa0, 0}));
const Raw kFileOpen = element({0xa0}, Raw{2, 1, 8} + element({0xbf, 0x48}, {0xa0, 0}));
const Raw kInitiate = element({0xa8}, {0x80, 1, 1, 0x81, 1, 3, 0x82, 1, 3, 0x83, 1, 8});

// An offer through all layers: session connect, presentation, association request.
Raw initiation() {
  const Raw information =
      element({0xbe}, element({0x28}, Raw{2, 1, 3} + element({0xa0}, kInitiate)));
  const Raw association = element({0x60}, element({0xa1}, {6, 1, 1}) + information);
  const Raw parameters = element({0xa2}, presented(1, association));
  const Raw offer = element({0x31}, element({0xa0}, {0x80, 1, 1}) + parameters);
  return element({0x0d}, element({0x05}, {0x13, 1, 0}) + element({0xc1}, offer));
}

ParserRun run(uint16_t port = 102) { return {AppId::kMms, Transport::kTcp, 40000, port}; }

std::vector<Fields> s7_of(const ParserRun& r) { return r.log().of(event::kS7comm); }
std::vector<Fields> mms_of(const ParserRun& r) { return r.log().of(event::kMms); }

TEST_CASE("cotp: the first data unit names the user") {
  namespace ids = event::s7comm;
  ParserRun r = run();
  CHECK(r.feed(kConnect) == Answer::kNeedMore);
  CHECK(r.feed(kConfirm, false) == Answer::kNeedMore);
  CHECK(r.feed(data(kSetup)) == Answer::kAccept);
  REQUIRE(s7_of(r).size() == 1);
  CHECK(s7_of(r)[0].text(ids::kRosctr) == "job");
  CHECK(s7_of(r)[0].text(ids::kFunction) == "setup_communication");
  CHECK(s7_of(r)[0].number(ids::kPduReference) == 0x200);
  r.feed(data(kReadAnswer), false);
  CHECK(s7_of(r).at(1).number(ids::kError) == 0x8504);
  CHECK(s7_of(r).at(1).text(ids::kFunction) == "read_var");
}

TEST_CASE("cotp: user data of S7 have group and subfunction") {
  namespace ids = event::s7comm;
  ParserRun r = run();
  r.feed(data(kReadClock));
  REQUIRE(s7_of(r).size() == 1);
  CHECK(s7_of(r)[0].text(ids::kFunction) == "time_functions");
  CHECK(s7_of(r)[0].text(ids::kSubfunction) == "read_clock");
}

TEST_CASE("cotp: S7 plus") {
  namespace ids = event::s7comm_plus;
  ParserRun r = run();
  CHECK(r.feed(data(kExplore)) == Answer::kAccept);
  const auto events = r.log().of(event::kS7commPlus);
  REQUIRE(events.size() == 1);
  CHECK(events[0].text(ids::kOpcode) == "request");
  CHECK(events[0].text(ids::kFunction) == "explore");
  CHECK(events[0].number(ids::kSequence) == 9);
}

TEST_CASE("cotp: MMS through session, presentation and association") {
  namespace ids = event::mms;
  ParserRun r = run();
  CHECK(r.feed(data(initiation())) == Answer::kAccept);
  r.feed(data(transferred(kWrite)));
  r.feed(data(transferred(kFileOpen)));
  r.feed(data(transferred(element({0x85}, {7}))));
  const auto events = mms_of(r);
  REQUIRE(events.size() == 4);
  CHECK(events[0].text(ids::kPdu) == "initiate_request");
  CHECK(events[1].text(ids::kPdu) == "confirmed_request");
  CHECK(events[1].text(ids::kService) == "write");
  CHECK(events[1].number(ids::kInvokeId) == 7);
  CHECK(events[2].text(ids::kService) == "file_open");
  CHECK(events[3].text(ids::kPdu) == "cancel_request");
}

TEST_CASE("cotp: MMS without session begins with an initiation") {
  ParserRun r = run();
  CHECK(r.feed(data(kWrite)) == Answer::kNeedMore);
  CHECK(mms_of(r).empty());
  CHECK(r.feed(data(kInitiate)) == Answer::kAccept);
  CHECK(r.feed(data(kWrite)) == Answer::kAccept);
  CHECK(mms_of(r).size() == 2);
}

TEST_CASE("cotp: packets of one data unit belong together") {
  ParserRun r = run();
  const Raw unit = transferred(kWrite);
  r.feed(data({unit.begin(), unit.begin() + 5}, false));
  CHECK(mms_of(r).empty());
  r.feed(data({unit.begin() + 5, unit.end()}));
  CHECK(mms_of(r).size() == 1);
}

TEST_CASE("cotp: an established conversation is known on any port") {
  CHECK(run(9999).probe(data(kSetup)) == Likelihood::kLikely);
  CHECK(run(9999).feed(data(transferred(kWrite)), false) == Answer::kAccept);
}

TEST_CASE("cotp: remote desktops are somebody else's") {
  const std::string_view cookie = "Cookie: mstshash=user\r\n";
  Raw request{0xe0, 0, 0, 0, 0, 0};
  const Raw negotiation{1, 0, 8, 0, 3, 0, 0, 0};
  CHECK(run(3389).probe(packet(request + negotiation, {})) == Likelihood::kNo);
  request.insert(request.end(), cookie.begin(), cookie.end());
  CHECK(run(3389).probe(packet(request, {})) == Likelihood::kNo);
  CHECK(run(3389).probe({3, 0, 0}) == Likelihood::kNo);
}

TEST_CASE("cotp: found again after a gap and after bytes of no form") {
  ParserRun r = run();
  r.feed(data(kSetup));
  CHECK(r.gap(true));
  r.feed({0x55, 0x03, 0x00});
  CHECK(r.feed(data(kSetup)) == Answer::kAccept);
  r.feed({0x55, 0x03, 0x00, 0x01});
  r.feed(data(kSetup));
  CHECK(s7_of(r).size() == 3);
  CHECK(run(9999).feed({3, 0, 0, 4, 1, 2, 3, 4}) == Answer::kReject);
}

TEST_CASE("cotp: segments may be cut anywhere") {
  check_split(AppId::kMms, 102,
              {{true, kConnect},
               {false, kConfirm},
               {true, data(initiation()) + data(transferred(kWrite))},
               {false, data(transferred(kFileOpen))}});
  check_split(AppId::kMms, 102, {{true, kConnect + data(kSetup)}, {false, data(kReadAnswer)}});
}

TEST_CASE("cotp: survives damage") {
  const Raw samples[] = {kConnect,           data(kSetup) + data(kReadAnswer),
                         data(kReadClock),   data(kExplore),
                         data(initiation()), data(transferred(kFileOpen))};
  for (const Raw& sample : samples) {
    mangle_parser({AppId::kMms, Transport::kTcp, 102, true, sample});
  }
}

}  // namespace
}  // namespace thymus::test
