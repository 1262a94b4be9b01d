#include "dpi/name_hash.h"

#include <doctest/doctest.h>

namespace thymus::dpi {

TEST_CASE("name_hash: takes the registrable part, whatever the letters' case") {
  CHECK(name_hash("www.Example.org") == name_hash("example.ORG"));
  CHECK(name_hash("a.b.example.org.") == name_hash("example.org:8443"));
  CHECK(name_hash("www.example.co.uk") == name_hash("example.co.uk"));
  CHECK(name_hash("example.co.uk") != name_hash("other.co.uk"));
  CHECK(name_hash("example.org") != name_hash("example.com"));
  CHECK(name_hash("localhost") != 0);
}

TEST_CASE("name_hash: keeps addresses whole") {
  CHECK(name_hash("10.1.2.3") != name_hash("11.1.2.3"));
  CHECK(name_hash("10.1.2.3:80") == name_hash("10.1.2.3"));
  CHECK(name_hash("2001:db8::1") != name_hash("2001:db8::2"));
}

TEST_CASE("name_hash: is 0 where there is no name") {
  CHECK(name_hash("") == 0);
  CHECK(name_hash(".") == 0);
  CHECK(name_hash(":80") == 0);
  CHECK(name_hash(std::string_view("..a", 2)) == 0);
}

}  // namespace thymus::dpi
