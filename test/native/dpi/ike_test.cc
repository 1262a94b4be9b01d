#include "base/generated/events/ike.h"

#include <doctest/doctest.h>

#include "dpi/dialogue.h"
#include "dpi/parser_mangle.h"
#include "support/numbers.h"

namespace thymus::test {
namespace {

namespace ids = event::ike;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

std::string sized(uint8_t first, const std::string& rest) {
  return be(first, 1) + be(0, 1) + be(static_cast<uint32_t>(rest.size()) + 4, 2) + rest;
}
std::string message(uint8_t version, uint8_t exchange, uint8_t flags, uint8_t first,
                    const std::string& payloads, uint32_t responder = 0) {
  return be(0x61d3693c, 4) + be(0xe12af528, 4) + be(0, 4) + be(responder, 4) + be(first, 1) +
         be(version, 1) + be(exchange, 1) + be(flags, 1) + be(0, 4) +
         be(static_cast<uint32_t>(payloads.size()) + 28, 4) + payloads;
}
std::string transform2(uint8_t more, uint8_t type, uint16_t id) {
  return sized(more, be(type, 1) + be(0, 1) + be(id, 2));
}
std::string attribute(uint16_t type, uint16_t value) {
  return be(0x8000u | type, 2) + be(value, 2);
}

const std::string kProposal2 = sized(
    0, be(1, 1) + be(1, 1) + be(0, 1) + be(5, 1) + transform2(3, 1, 12) + transform2(3, 2, 5) +
           transform2(3, 3, 12) + transform2(3, 4, 14) + transform2(0, 5, 0));
const std::string kInit2 =
    message(0x20, 34, 0x08, 33,
            sized(34, kProposal2) + sized(40, be(14, 2) + be(0, 2) + "key") + sized(41, "nonce") +
                sized(0, be(0, 2) + be(16388, 2) + "hash"));
const std::string kAnswer2 = message(0x20, 34, 0x20, 33, sized(0, kProposal2), 7);

const std::string kTransform1 =
    sized(0, be(1, 1) + be(1, 1) + be(0, 2) + attribute(1, 7) + attribute(2, 2) + attribute(3, 1) +
                 attribute(4, 2) + attribute(11, 1) + be(12, 2) + be(4, 2) + be(86400, 4) +
                 attribute(14, 256));
const std::string kSa1 =
    be(1, 4) + be(1, 4) + sized(0, be(1, 1) + be(1, 1) + be(0, 1) + be(1, 1) + kTransform1);
const std::string kMain1 = message(
    0x10, 2, 0, 1, sized(4, kSa1) + sized(10, "kk") + sized(13, "nnn") + sized(0, "vendor"));
const std::string kMainAnswer1 = message(0x10, 2, 0, 1, sized(0, kSa1), 7);

Fields event_of(const std::string& bytes, bool from_originator = true, uint16_t port = 500) {
  ParserRun run(AppId::kIke, Transport::kUdp, 40000, port);
  CHECK(run.probe(raw(bytes), from_originator) == Likelihood::kLikely);
  CHECK(run.feed(raw(bytes), from_originator) == Answer::kAccept);
  return run.log().of(event::kIke).at(0);
}

std::vector<std::string> texts(const Fields& fields, uint16_t field) {
  std::vector<std::string> out;
  for (const auto& value : fields.all(field)) out.emplace_back(value.begin(), value.end());
  return out;
}

}  // namespace

TEST_CASE("ike: version 2 asks") {
  const Fields event = event_of(kInit2);
  CHECK(event.number(ids::kVersionMajor) == 2);
  CHECK(event.number(ids::kExchangeType) == 34);
  CHECK(event.text(ids::kRole) == "initiator");
  CHECK(event.all(ids::kInitSpi).at(0).size() == 8);
  CHECK(texts(event, ids::kPayload) == std::vector<std::string>{"SecurityAssociation",
                                                                "KeyExchange", "Nonce", "Notify",
                                                                "NoNextPayload"});
  CHECK(!event.has(ids::kAlgEnc));
  CHECK(event.objects(ids::kIkev2).at(0).text(ids::ikev2::kNotify) == "NAT_DETECTION_SOURCE_IP");
}

TEST_CASE("ike: version 2 answers with what it chose") {
  const Fields event = event_of(kAnswer2, false);
  CHECK(event.text(ids::kRole) == "responder");
  CHECK(event.text(ids::kAlgEnc) == "ENCR_AES_CBC");
  CHECK(event.text(ids::kAlgPrf) == "PRF_HMAC_SHA2_256");
  CHECK(event.text(ids::kAlgAuth) == "AUTH_HMAC_SHA2_256_128");
  CHECK(event.text(ids::kAlgDh) == "Modp2048");
  CHECK(event.text(ids::kAlgEsn) == "NoESN");
}

TEST_CASE("ike: version 1 proposes") {
  const Fields event = event_of(kMain1);
  CHECK(event.number(ids::kVersionMajor) == 1);
  const Fields own = event.objects(ids::kIkev1).at(0);
  CHECK(own.number(ids::ikev1::kDoi) == 1);
  CHECK(own.all(ids::ikev1::kVendorIds).size() == 1);
  namespace client = ids::ikev1::client;
  const Fields asks = own.objects(ids::ikev1::kClient).at(0);
  CHECK(asks.number(client::kKeyExchangePayloadLength) == 2);
  CHECK(asks.number(client::kNoncePayloadLength) == 3);
  const Fields proposal = asks.objects(client::kProposals).at(0);
  CHECK(proposal.text(client::proposals::kAlgEnc) == "EncAesCbc");
  CHECK(proposal.text(client::proposals::kAlgDh) == "GroupAlternate1024BitModpGroup");
  CHECK(proposal.number(client::proposals::kSaLifeDurationRaw) == 86400);
  CHECK(proposal.number(client::proposals::kSaKeyLengthRaw) == 256);
}

TEST_CASE("ike: version 1 answers, then encrypts") {
  const Fields event = event_of(kMainAnswer1, false);
  CHECK(event.text(ids::kAlgHash) == "HashSha");
  CHECK(event.text(ids::kAlgAuth) == "AuthPreSharedKey");
  const Fields sealed = event_of(message(0x10, 2, 1, 5, "........", 7));
  const Fields own = sealed.objects(ids::kIkev1).at(0);
  CHECK(own.number(ids::ikev1::kEncryptedPayloads) == 1);
  CHECK(texts(sealed, ids::kPayload) == std::vector<std::string>{"Identification"});
}

TEST_CASE("ike: behind a translator, beside what is sealed") {
  ParserRun run(AppId::kIke, Transport::kUdp, 4500, 4500);
  CHECK(run.probe(raw(kInit2)) == Likelihood::kNo);
  CHECK(run.feed(raw(be(0, 4) + kInit2)) == Answer::kAccept);
  CHECK(run.feed(raw("\xffsealed")) == Answer::kAccept);
  CHECK(run.log().of(event::kIke).size() == 1);
}

TEST_CASE("ike: the header must hold together") {
  ParserRun run(AppId::kIke, Transport::kUdp, 40000, 500);
  CHECK(run.probe(raw(kInit2.substr(0, 27))) == Likelihood::kNo);
  CHECK(run.probe(raw(message(0x30, 34, 8, 0, ""))) == Likelihood::kNo);
  CHECK(run.probe(raw(message(0x20, 2, 8, 0, ""))) == Likelihood::kNo);
  CHECK(run.feed(raw(kInit2.substr(0, 60))) == Answer::kReject);
}

TEST_CASE("ike: survives damage") {
  for (const std::string& sample : {kInit2, kAnswer2, kMain1, kMainAnswer1}) {
    mangle_parser({AppId::kIke, Transport::kUdp, 500, true, raw(sample)});
    mangle_parser({AppId::kIke, Transport::kUdp, 500, false, raw(sample)});
  }
}

}  // namespace thymus::test
