#include "base/generated/events/sip.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"

namespace thymus::test {
namespace {

namespace ids = event::sip;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

constexpr Speakers kTcp{AppId::kSip, 5060};
constexpr Speakers kUdp{AppId::kSip, 5060, Transport::kUdp};

const std::string kSdp =
    "v=0\r\no=ann 1 2 IN IP4 10.0.0.1\r\ns=call\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nr=7d 1h\r\n"
    "a=sendrecv\r\nm=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n"
    "m=video 0 RTP/AVP 31\r\n";

std::string invite(const std::string& body) {
  return "INVITE sip:bob@example.org SIP/2.0\r\nVia: x\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}
const std::string kOk = "SIP/2.0 200 OK then\r\nl: 0\r\n\r\n";

}  // namespace

TEST_CASE("sip: requests, responses and what they describe") {
  const auto events = events_of(kUdp, {client(invite(kSdp)), server(kOk)}).of(event::kSip);
  REQUIRE(events.size() == 2);
  CHECK(events[0].text(ids::kMethod) == "INVITE");
  CHECK(events[0].text(ids::kUri) == "sip:bob@example.org");
  CHECK(events[0].text(ids::kVersion) == "SIP/2.0");
  CHECK(events[0].text(ids::kRequestLine) == "INVITE sip:bob@example.org SIP/2.0");
  CHECK(events[1].text(ids::kCode) == "200");
  CHECK(events[1].text(ids::kReason) == "OK then");
  const Fields sdp = events[0].objects(ids::kSdp).at(0);
  CHECK(sdp.text(ids::sdp::kOrigin) == "ann 1 2 IN IP4 10.0.0.1");
  CHECK(sdp.all(ids::sdp::kAttributes).size() == 1);
  const Fields time = sdp.objects(ids::sdp::kTimeDescriptions).at(0);
  CHECK(time.text(ids::sdp::time_descriptions::kRepeatTime) == "7d 1h");
  const auto media = sdp.objects(ids::sdp::kMediaDescriptions);
  REQUIRE(media.size() == 2);
  CHECK(media[0].text(ids::sdp::media_descriptions::kMedia) == "audio 49170 RTP/AVP 0");
  CHECK(media[0].all(ids::sdp::media_descriptions::kAttributes).size() == 2);
}

TEST_CASE("sip: announces the media it describes") {
  ParserRun run(AppId::kSip, Transport::kUdp, 5060, 5060);
  run.feed(raw(invite(kSdp)));
  REQUIRE(run.context().announced.size() == 2);
  CHECK(run.context().announced[0].expectation.app == AppId::kRtp);
  CHECK(run.context().announced[0].expectation.server_port == 49170);
  CHECK(run.context().announced[0].expectation.server_is_originator);
  CHECK(run.context().announced[1].expectation.app == AppId::kRtcp);
  CHECK(run.context().announced[1].expectation.server_port == 49171);
}

TEST_CASE("sip: announces the reports of media where they go") {
  const auto ports = [](const std::string& attribute) {
    ParserRun run(AppId::kSip, Transport::kUdp, 5060, 5060);
    run.feed(raw(invite("v=0\r\na=rtcp:9\r\nm=audio 49170 RTP/SAVP 0\r\na=" + attribute +
                        "\r\nm=text 49180 TCP 0\r\na=rtcp:49190\r\n")));
    std::vector<uint16_t> out;
    for (const Announced& a : run.context().announced) out.push_back(a.expectation.server_port);
    return out;
  };
  CHECK(ports("ptime:20") == std::vector<uint16_t>{49170, 49171});
  CHECK(ports("rtcp:53020 IN IP4 10.0.0.1") == std::vector<uint16_t>{49170, 53020});
  CHECK(ports("rtcp-mux") == std::vector<uint16_t>{49170});
  CHECK(ports("rtcp:") == std::vector<uint16_t>{49170, 49171});
}

TEST_CASE("sip: the same events however the stream is cut") {
  const Dialogue talk = {client("\r\n\r\n" + invite(kSdp) + invite("")), server(kOk + kOk)};
  CHECK(events_of(kTcp, talk).of(event::kSip).size() == 4);
  check_splits(kTcp, talk);
}

TEST_CASE("sip: a long body is skipped") {
  const Dialogue talk = {client(invite(std::string(40'000, 'v')) + invite(""))};
  CHECK(events_of(kTcp, talk).of(event::kSip).size() == 2);
  CHECK(events_of(kTcp, talk, 1000).of(event::kSip).size() == 2);
}

TEST_CASE("sip: is known by its first line") {
  const ParserRun run(AppId::kSip, Transport::kUdp, 40000, 9999);
  CHECK(run.probe(raw(invite(""))) == Likelihood::kLikely);
  CHECK(run.probe(raw(kOk)) == Likelihood::kLikely);
  CHECK(run.probe(raw("OPTIONS * HTTP/1.1\r\n")) == Likelihood::kNo);
  CHECK(run.probe(raw("SIP/2.0 OK\r\n")) == Likelihood::kNo);
}

TEST_CASE("sip: keep-alives on its ports are its own, and messages may follow") {
  ParserRun run(AppId::kSip, Transport::kUdp, 5060, 5060);
  CHECK(run.probe(raw("hello")) == Likelihood::kMaybe);
  CHECK(run.feed(raw("hello")) == Answer::kNeedMore);
  CHECK(run.feed(raw("hello"), false) == Answer::kAccept);
  CHECK(run.feed(raw(invite(""))) == Answer::kAccept);
  CHECK(run.log().of(event::kSip).size() == 1);
  const ParserRun client_port(AppId::kSip, Transport::kUdp, 40000, 5060);
  CHECK(client_port.probe(raw("\r\n\r\n")) == Likelihood::kMaybe);
  CHECK(client_port.probe(raw("hello")) == Likelihood::kNo);
  CHECK(run.probe(raw("hello, who is there")) == Likelihood::kNo);
  const ParserRun elsewhere(AppId::kSip, Transport::kUdp, 40000, 40001);
  CHECK(elsewhere.probe(raw("\r\n\r\n")) == Likelihood::kNo);
  ParserRun noise(AppId::kSip, Transport::kUdp, 5060, 5060);
  noise.feed(raw("hello"));
  CHECK(noise.feed(raw("nothing of the kind")) == Answer::kReject);
}

TEST_CASE("sip: survives damage") {
  mangle_dialogue(kUdp, {client("\r\n\r\n"), server("jaK"), client(invite(kSdp))});
  mangle_dialogue(kUdp, {client(invite(kSdp)), server(kOk)});
  mangle_dialogue(kTcp, {client(invite("v=0\r\nm=a 1 RTP/\r\n")), server(kOk)});
}

}  // namespace thymus::test
