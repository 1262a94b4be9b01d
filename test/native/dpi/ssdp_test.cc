#include "base/generated/events/ssdp.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"
#include "dpi/parser_mangle.h"

namespace thymus::test {
namespace {

namespace ids = event::ssdp;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

const std::string kSearch =
    "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n"
    "st:ssdp:all\r\n\r\n";
const std::string kResponse =
    "HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nUSN: uuid:1::upnp:rootdevice\r\n"
    "Location: http://10.0.0.1/d.xml\r\nSERVER: x UPnP/1.0\r\n\r\n";

ParserRun ssdp(uint16_t port = 1900) { return {AppId::kSsdp, Transport::kUdp, 40000, port}; }

}  // namespace

TEST_CASE("ssdp: a search and its response") {
  ParserRun run = ssdp();
  CHECK(run.probe(raw(kSearch)) == Likelihood::kLikely);
  CHECK(run.feed(raw(kSearch)) == Answer::kAccept);
  CHECK(run.feed(raw(kResponse), false) == Answer::kAccept);
  const auto events = run.log().of(event::kSsdp);
  REQUIRE(events.size() == 2);
  CHECK(events[0].text(ids::kType) == "search");
  CHECK(events[0].text(ids::kHost) == "239.255.255.250:1900");
  CHECK(events[0].text(ids::kSearchTarget) == "ssdp:all");
  CHECK(events[1].text(ids::kType) == "response");
  CHECK(events[1].text(ids::kUsn) == "uuid:1::upnp:rootdevice");
  CHECK(events[1].text(ids::kLocation) == "http://10.0.0.1/d.xml");
  CHECK(events[1].text(ids::kServer) == "x UPnP/1.0");
}

TEST_CASE("ssdp: a response on another port must look like one") {
  CHECK(ssdp(9999).probe(raw(kResponse)) == Likelihood::kLikely);
  CHECK(ssdp(9999).probe(raw("HTTP/1.1 200 OK\r\n\r\n")) == Likelihood::kNo);
  CHECK(ssdp().feed(raw("HTTP/1.1 404 Not Found\r\n\r\n")) == Answer::kReject);
}

TEST_CASE("ssdp: survives damage") {
  mangle_parser({AppId::kSsdp, Transport::kUdp, 1900, true, raw(kSearch)});
  mangle_parser({AppId::kSsdp, Transport::kUdp, 1900, false, raw(kResponse)});
}

}  // namespace thymus::test
