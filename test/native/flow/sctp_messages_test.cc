#include "flow/sctp_messages.h"

#include <vector>

#include <doctest/doctest.h>

#include "support/mangle.h"
#include "support/packet_builder.h"

using namespace thymus;
using namespace thymus::test;

namespace {

Packet& data_chunk(Packet& p, unsigned flags, unsigned protocol, const std::string& text) {
  p.u8(0).u8(flags).be16(16 + static_cast<unsigned>(text.size()));
  p.be32(1).be16(0).be16(0).be32(protocol).text(text);
  for (size_t i = text.size(); i % 4 != 0; ++i) p.u8(0);
  return p;
}

std::vector<flow::SctpMessage> messages_of(Bytes chunks) {
  std::vector<flow::SctpMessage> out;
  flow::each_sctp_message(chunks, [&](const flow::SctpMessage& m) { out.push_back(m); });
  return out;
}

}  // namespace

TEST_CASE("sctp: each message of a packet, padding and other chunks left out") {
  Packet p;
  p.u8(4).u8(0).be16(8).be32(0);  // HEARTBEAT
  data_chunk(p, 3, 18, "hello");
  data_chunk(p, 2, 60, "begun");
  data_chunk(p, 1, 60, "ended");
  data_chunk(p, 3, 46, "last");
  const std::vector<uint8_t> bytes = p.bytes();
  const auto found = messages_of(Bytes(bytes));
  REQUIRE(found.size() == 3);
  CHECK(as_text(found[0].data) == "hello");
  CHECK(found[0].payload_protocol == 18);
  CHECK(found[0].is_whole);
  CHECK(as_text(found[1].data) == "begun");
  CHECK_FALSE(found[1].is_whole);
  CHECK(as_text(found[2].data) == "last");
}

TEST_CASE("sctp: a message that the snap length cut is shown and is not whole") {
  Packet p;
  data_chunk(p, 3, 18, "a longer message");
  std::vector<uint8_t> bytes = p.bytes();
  bytes.resize(bytes.size() - 6);
  const auto found = messages_of(Bytes(bytes));
  REQUIRE(found.size() == 1);
  CHECK(as_text(found[0].data) == "a longer m");
  CHECK_FALSE(found[0].is_whole);
}

TEST_CASE("sctp: damaged chunks stay within the packet") {
  Packet p;
  data_chunk(p, 3, 18, "hello");
  data_chunk(p, 3, 46, "last");
  mangle(p.bytes(), [](Bytes bytes) {
    for (const flow::SctpMessage& m : messages_of(bytes)) {
      CHECK(m.data.data() >= bytes.data());
      CHECK(m.data.data() + m.data.size() <= bytes.data() + bytes.size());
    }
  });
}
