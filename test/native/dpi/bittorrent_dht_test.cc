#include "base/generated/events/bittorrent_dht.h"

#include <string>

#include <doctest/doctest.h>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"

namespace thymus::test {
namespace {

namespace ids = event::bittorrent_dht;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;
using Raw = std::vector<uint8_t>;

const std::string kId = "abcdefghij0123456789";

Raw chars(const std::string& text) { return {text.begin(), text.end()}; }

ParserRun run() { return {AppId::kBittorrentDht, Transport::kUdp, 40000, 6881}; }

Fields event_of(const std::string& message) {
  ParserRun r = run();
  REQUIRE(r.feed(chars(message)) == Answer::kAccept);
  CHECK(r.log().of(event::kAnomaly).empty());
  return r.log().of(event::kBittorrentDht).at(0);
}

const std::string kAnnounce = "d1:ad2:id20:" + kId + "12:implied_porti1e9:info_hash20:" + kId +
                              "4:porti6881e5:token3:tok" + "e1:q13:announce_peer1:t2:aa1:y1:qe";
const std::string kPeers = "d1:rd2:id20:" + kId + "5:nodes26:" + kId + "\x7f" + "abc\x1a\xe1" +
                           "5:token3:tok6:valuesl6:axje.u6:idhtnmee1:t2:aa1:v4:UT011:y1:re";

TEST_CASE("bittorrent-dht: a request") {
  const Fields e = event_of(kAnnounce);
  CHECK(e.text(ids::kRequestType) == "announce_peer");
  CHECK(e.text(ids::kTransactionId) == "aa");
  const Fields a = e.objects(ids::kRequest).at(0);
  CHECK(a.text(ids::request::kId) == kId);
  CHECK(a.text(ids::request::kInfoHash) == kId);
  CHECK(a.number(ids::request::kPort) == 6881);
  CHECK(a.number(ids::request::kImpliedPort) == 1);
}

TEST_CASE("bittorrent-dht: a response with nodes and peers") {
  const Fields e = event_of(kPeers);
  CHECK(e.text(ids::kClientVersion) == "UT01");
  const Fields response = e.objects(ids::kResponse).at(0);
  const Fields node = response.objects(ids::response::kNodes).at(0);
  CHECK(node.number(ids::response::nodes::kPort) == 6881);
  const auto values = response.objects(ids::response::kValues);
  REQUIRE(values.size() == 2);
  CHECK(values[0].number(ids::response::values::kPort) == 11893);
}

TEST_CASE("bittorrent-dht: an error") {
  const Fields error = event_of("d1:eli201e7:Generice1:t2:aa1:y1:ee").objects(ids::kError).at(0);
  CHECK(error.number(ids::error::kNum) == 201);
  CHECK(error.text(ids::error::kMsg) == "Generic");
}

TEST_CASE("bittorrent-dht: a message without its number is named") {
  ParserRun r = run();
  r.feed(chars("d1:ad2:id20:" + kId + "e1:q4:ping1:y1:qe"));
  CHECK(r.log().of(event::kBittorrentDht).size() == 1);
  CHECK(r.log().of(event::kAnomaly).at(0).number(event::anomaly::kCode) ==
        anomaly_code::kDhtMalformedPacket);
}

TEST_CASE("bittorrent-dht: nesting is bounded") {
  ParserRun r = run();
  r.feed(chars("d1:ad2:id20:" + kId + "1:x" + std::string(1000, 'l')));
  CHECK(r.log().of(event::kAnomaly).size() == 1);
}

TEST_CASE("bittorrent-dht: other dictionaries are not claimed") {
  CHECK(run().probe(chars(kAnnounce)) == Likelihood::kLikely);
  CHECK(run().probe(chars("d8:announce3:url")) == Likelihood::kNo);
}

TEST_CASE("bittorrent-dht: survives damage") {
  for (const std::string& sample :
       {kAnnounce, kPeers, std::string("d1:eli201e1:Ge1:t2:aa1:y1:ee")}) {
    mangle_parser({AppId::kBittorrentDht, Transport::kUdp, 6881, true, chars(sample)});
  }
}

}  // namespace
}  // namespace thymus::test
