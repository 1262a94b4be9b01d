#include "dpi/identity.h"

#include <doctest/doctest.h>

using namespace thymus;
using dpi::IdentityKind;
using dpi::ParserOptions;

namespace {

std::string hashed(IdentityKind kind, std::string_view value, const ParserOptions& options = {}) {
  return std::string(dpi::identity_text(kind, value, options).view());
}
std::string redacted(std::string_view text, const ParserOptions& options = {}) {
  return std::string(dpi::without_identities(text, options).view());
}

}  // namespace

TEST_CASE("identity: the hash depends on kind, digits and key") {
  const std::string imsi = hashed(IdentityKind::kImsi, "001010123456789");
  CHECK(imsi.size() == 21);
  CHECK(imsi.starts_with("hash:"));
  CHECK(imsi == hashed(IdentityKind::kImsi, "001010123456789"));
  CHECK(imsi != hashed(IdentityKind::kMsisdn, "001010123456789"));
  CHECK(imsi != hashed(IdentityKind::kImsi, "001010123456780"));
  ParserOptions other;
  other.identity_key = {1, 2};
  CHECK(imsi != hashed(IdentityKind::kImsi, "001010123456789", other));
}

TEST_CASE("identity: IMEI and IMEISV of a device have one hash") {
  CHECK(hashed(IdentityKind::kImei, "357220092451383") ==
        hashed(IdentityKind::kImei, "3572200924513839"));
}

TEST_CASE("identity: names that are made of an IMSI") {
  CHECK(dpi::imsi_of_name("001010123456789") == "001010123456789");
  CHECK(dpi::imsi_of_name("001010123456789@ims.mnc001.mcc001.3gppnetwork.org") ==
        "001010123456789");
  CHECK(dpi::imsi_of_name("0001010123456789@wlan.mnc001.mcc001.3gppnetwork.org") ==
        "001010123456789");
  CHECK(dpi::imsi_of_name("alice@example.com").empty());
  CHECK(dpi::imsi_of_name("1234567").empty());
}

TEST_CASE("identity: user names are hashed where they are numbers") {
  const ParserOptions options;
  const auto name = [&](std::string_view text) {
    return std::string(dpi::user_name_text(text, options).view());
  };
  CHECK(name("alice@example.com") == "alice@example.com");
  CHECK(name("00-11-22-33-44-55") == "00-11-22-33-44-55");
  CHECK(name("tel:+49171234567") == hashed(IdentityKind::kMsisdn, "49171234567"));
  CHECK(name("001010123456789") == hashed(IdentityKind::kImsi, "001010123456789"));
}

TEST_CASE("identity: those in paths and addresses are replaced, all else stays") {
  const std::string imsi = hashed(IdentityKind::kImsi, "999700000000001");
  CHECK(redacted("/nudm-sdm/v2/imsi-999700000000001/nssai") ==
        "/nudm-sdm/v2/imsi-" + imsi + "/nssai");
  CHECK(redacted("sip:999700000000001@ims.mnc070.mcc999.3gppnetwork.org") ==
        "sip:" + imsi + "@ims.mnc070.mcc999.3gppnetwork.org");
  CHECK(redacted("OPTIONS sip:999700000000001@192.0.2.1:6300 SIP/2.0") ==
        "OPTIONS sip:" + imsi + "@192.0.2.1:6300 SIP/2.0");
  CHECK(redacted("sip:+4917112345@192.0.2.1") == "sip:+4917112345@192.0.2.1");
  CHECK(redacted("sip:service@192.0.2.1:5060") == "sip:service@192.0.2.1:5060");
  CHECK(redacted("/nudm-ueau/v1/suci-0-999-70-0000-0-0-0000000001/auth") ==
        "/nudm-ueau/v1/suci-0-999-70-0000-0-0-" + imsi + "/auth");
  CHECK(redacted("suci-0-999-70-0000-1-1-abcdef") == "suci-0-999-70-0000-1-1-abcdef");
  ParserOptions clear;
  clear.clear_identities = true;
  CHECK(redacted("imsi-999700000000001", clear) == "imsi-999700000000001");
}

TEST_CASE("identity: numbers that are too long for anything else leave ids of sessions hashed") {
  const ParserOptions options;
  const auto id = [&](std::string_view text) {
    return std::string(dpi::session_id_text(text, options).view());
  };
  CHECK(id("gw;490;022;IMSI999991234567810") ==
        "gw;490;022;IMSI" + hashed(IdentityKind::kImsi, "999991234567810"));
  CHECK(id("gw;1234567890;22") == "gw;1234567890;22");
  CHECK(id("gw;2467521556390223994;1") == "gw;2467521556390223994;1");
  CHECK(id("gw;49171234567") == "gw;" + hashed(IdentityKind::kMsisdn, "49171234567"));
}
